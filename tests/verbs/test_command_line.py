"""What a person types: options in any order and by any name that people bring, help, and answers as JSON."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from table import HOME

from sparring.arguments import read
from sparring.cli import VERBS, main
from sparring.core.settings import GROUPS, fields, read_value
from sparring.media.pictures.notes import read_note
from sparring.modalities import ENTRIES, RECIPES, from_dict, modality_of, options_of
from sparring.options import TrainOptions
from sparring.report.changes import changes
from sparring.verbs.train import train

QUICK = ("--steps", 1, "--time", 0, "--device", "cpu", "--precision", "float32")
SMALL = (*QUICK, "--width", 4, "--batch", 8)

Said = tuple[str, str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What verbs write without being told where goes there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """``says(*words)``: what a command that succeeds writes on standard output and on standard error."""

    def said(*words: object) -> Said:
        capsys.readouterr()
        status = main([*map(str, words)])
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return printed.out, printed.err

    return said


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """``refusal(*words)``: the one line that a mistake is answered with."""

    def line_of(*words: object) -> str:
        capsys.readouterr()
        assert main([*map(str, words)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith("sparring: ")
        return line.removeprefix("sparring: ")

    return line_of


@pytest.fixture
def trained(says: Callable[..., Said], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """``trained(*words)``: the recipe of the run that ``sparring train`` with these words makes, and what it said."""

    def recipe_of(*words: object, out: str = "--out") -> dict[str, Any]:
        run = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        _, error = says("train", *words, out, run)
        content = yaml.safe_load((run / "recipe.yaml").read_text())
        assert isinstance(content, dict)
        return {**content, "said": error.splitlines()}

    return recipe_of


def drawn(folder: Path, count: int = 20, side: int = 8) -> Path:
    """A folder of pictures of noise."""
    folder.mkdir(parents=True)
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


# Options


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--mirror", "digits"], True),
        (["digits", "--mirror"], True),
        (["digits", "--mirror=yes"], True),
        (["--mirror", "yes", "digits"], True),
        (["--mirror", "no", "digits"], False),
        (["--no-mirror", "digits"], False),
        (["--mirror", "digits", "--no-mirror"], False),
        (["digits", "--no-mirror=no"], True),
    ],
)
def test_a_setting_that_is_yes_or_no(words: list[str], value: bool, trained: Callable[..., dict[str, Any]]) -> None:
    assert trained(*words, *SMALL)["mirror"] is value


def test_what_is_yes_by_itself_can_be_told_no(trained: Callable[..., dict[str, Any]]) -> None:
    assert RECIPES["digits"].to_dict()["conditional"] is True
    assert trained("digits", "--no-conditional", *SMALL)["conditional"] is False


def test_names_of_other_tools(trained: Callable[..., dict[str, Any]]) -> None:
    words = ["digits", *QUICK, "--width", 4, "--lr", 0.01, "--batch-size", 16, "--objective", "bce"]
    recipe = trained(*words, out="--outdir")
    assert (recipe["learning_rate"], recipe["batch"], recipe["objective"]) == (0.01, 16, "non-saturating")
    assert trained("digits", *SMALL, "--objective", "lsgan")["objective"] == "least-squares"
    assert not [line for line in recipe["said"] if line.startswith("sparring: ")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--epochs", 3], "--epochs: training is bounded by --time 10m or --steps 20k; one epoch is "),
        (["--epochs=3"], "--epochs: training is bounded by --time 10m or --steps 20k; one epoch is "),
        (["--kimg", 25], "--kimg: training is bounded by --time 10m or --steps 20k; a kimg is 1,000 examples"),
        (["--gpus", 2], "--gpus: processes are started by torchrun: torchrun --nproc-per-node 2 -m sparring train"),
        (["--resume", "runs/x"], "--resume: a run goes on by: sparring resume RUN"),
    ],
)
def test_options_of_other_tools_are_answered(words: list[object], told: str, refusal: Callable[..., str]) -> None:
    assert refusal("train", "digits", *words).startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [("pace", "discriminator_rate", 2.0), ("critic-turns", "n_critic", 2), ("keep", "keep_checkpoints", 2)],
)
def test_old_names_are_accepted_with_one_line(
    old: str, new: str, value: float, trained: Callable[..., dict[str, Any]]
) -> None:
    recipe = trained("digits", *SMALL, f"--{old}", value)
    assert recipe[new] == value
    lines = [line for line in recipe["said"] if line.startswith("sparring: ")]
    assert lines == [f"sparring: --{old} is now called --{new.replace('_', '-')}"]


@pytest.mark.parametrize(
    ("verb", "words", "values"),
    [
        ("evaluate", ["--film", "a.mp4", "b.mp4", "--at", "64"], {"videos": ["a.mp4", "b.mp4"], "resize": "64"}),
        ("translate", ["--at", "64", "--every-frame-alone"], {"resize": "64", "frame_by_frame": "yes"}),
    ],
)
def test_old_names_of_what_is_asked_of_a_translation(
    verb: str, words: list[str], values: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(verb, words, [options_of(verb, kind) for kind in ENTRIES]).values == values
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(" is now called --" in line for line in lines)


def test_old_names_are_told_by_the_first_process_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert read("train", ["--pace", "2"], [ENTRIES["images"].recipe]).values == {"discriminator_rate": "2"}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [["-n", 5], ["-n5"], ["--count", 5], ["--count=5"], ["--n", 5], ["-n=5"]])
def test_how_many(words: list[object], finished_run: Path, tmp_path: Path, says: Callable[..., Said]) -> None:
    out, _ = says("sample", finished_run, *words, "--out", tmp_path / "x.npz")
    assert out == f"5 samples: {tmp_path / 'x.npz'}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "digits", "--bacth", 8], "unknown option '--bacth'; did you mean '--batch'?"),
        (["train", "digits", "--learnin-rate", 8], "unknown option '--learnin-rate'; did you mean '--learning-rate'?"),
        (["train", "digits", "--no-mirrow"], "unknown option '--no-mirrow'; did you mean '--mirror'?"),
        (["train", "digits", "--no-batch"], "unknown option '--no-batch'; did you mean '--batch'?"),
        (["train", "digits", "--zzz"], "unknown option '--zzz'; see 'sparring train --help'"),
        (["train", "digits", "-x"], "unknown option '-x'; see 'sparring train --help'"),
        (["train", "digits", "--lower"], "unknown setting 'lower' of recipe 'digits'"),
        (["resume", "runs/x", "--tmie", "3m"], "unknown option '--tmie'; did you mean '--time'?"),
        (["sample", "runs/x", "--lable", 3], "unknown option '--lable'; did you mean '--label'?"),
        (["evaluate", "runs/x", "--feature", 3], "unknown option '--feature'; did you mean '--features'?"),
        (["translate", "runs/x", "a", "--resise", 3], "unknown option '--resise'; did you mean '--resize'?"),
        (["score", "runs/x", "a", "--outt", 3], "unknown option '--outt'; did you mean '--out'?"),
        (["recipes", "--jsn"], "unknown option '--jsn'; did you mean '--json'?"),
        (["data", "check", "x", "--siez", 3], "unknown option '--siez'; did you mean '--size'?"),
        (["info", "x", "--hlep"], "unknown option '--hlep'; did you mean '--help'?"),
    ],
)
def test_options_that_there_are_not(words: list[object], told: str, refusal: Callable[..., str]) -> None:
    assert refusal(*words).startswith(told)


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["train", "digits", "--batch"], "--batch"),
        (["train", "digits", "--batch", "--lr", "0.1"], "--batch"),
        (["train", "--data"], "--data"),
        (["sample", "runs/x", "-n"], "-n"),
        (["sample", "runs/x", "--out", "--overwrite"], "--out"),
    ],
)
def test_an_option_without_its_value(words: list[str], flag: str, refusal: Callable[..., str]) -> None:
    assert refusal(*words) == f"{flag}: needs a value; see 'sparring {words[0]} --help'"


@pytest.mark.parametrize(
    "words",
    [
        ["--steps", 2, "digits"],
        ["digits", "--steps", 2],
        ["digits", "--data", "digits", "--steps=2"],
        ["--data", "digits", "--steps", 2, "digits"],
        ["--steps", 2, "--data", "digits", "digits"],
    ],
)
def test_words_stand_in_any_order(words: list[object], trained: Callable[..., dict[str, Any]]) -> None:
    recipe = trained(*SMALL, *words)
    assert (recipe["name"], recipe["steps"], recipe["data"]) == ("digits", 2, "digits")


def test_what_is_evaluated_may_come_last(
    finished_run: Path, tmp_path: Path, says: Callable[..., Said], refusal: Callable[..., str]
) -> None:
    data = finished_run.parent / "digits.npz"
    points = tmp_path / "points.npy"
    np.save(points, np.random.default_rng(0).normal(size=(60, 2)))
    out, _ = says("evaluate", "--out", tmp_path / "out", "--json", "--data", points, points)
    assert json.loads(out)["target"] == str(points)
    assert "give a run, a model or a folder" in refusal("evaluate", "--data", data)


def test_underscores_are_dashes(trained: Callable[..., dict[str, Any]]) -> None:
    assert trained("digits", *SMALL, "--learning_rate", 0.5, "--keep_checkpoints=7")["keep_checkpoints"] == 7


# A user's own data


def test_a_folder_says_what_it_holds_and_what_is_chosen(tmp_path: Path, trained: Callable[..., dict[str, Any]]) -> None:
    folder = drawn(tmp_path / "pictures")
    (folder / "notes.txt").write_text("mine")
    recipe = trained(folder, *SMALL)
    assert (recipe["kind"], recipe["name"], recipe["data"]) == ("images", "images", str(folder))
    found = "20 files of images, 1 of text"
    assert recipe["said"][0] == f"sparring: {folder} holds images ({found}), trained by recipe images"


def test_a_recipe_that_is_named_is_not_explained(tmp_path: Path, trained: Callable[..., dict[str, Any]]) -> None:
    folder = drawn(tmp_path / "pictures")
    recipe = trained("dcgan", folder, *SMALL)
    assert (recipe["name"], recipe["data"]) == ("dcgan", str(folder))
    assert not [line for line in recipe["said"] if "holds images" in line]


def test_a_mixed_folder_is_refused_with_the_counts(tmp_path: Path, refusal: Callable[..., str]) -> None:
    folder = drawn(tmp_path / "both")
    for number in range(12):
        (folder / f"{number}.txt").write_text("a line\n")
    line = refusal("train", folder, "--out", tmp_path / "run")
    assert line.startswith(
        f"{folder}: holds 20 files of images, 12 of text, which does not tell what to train; name a "
    )
    assert f"sparring train RECIPE --data {folder}" in line
    assert not (tmp_path / "run").exists()


def test_two_folders_are_two_domains(tmp_path: Path, trained: Callable[..., dict[str, Any]]) -> None:
    one, other = drawn(tmp_path / "a", side=16), drawn(tmp_path / "b", side=16)
    recipe = trained(one, other, *QUICK, "--width", 4, "--blocks", 1, "--batch", 2)
    assert (recipe["kind"], recipe["data"], recipe["data_b"]) == ("translation", str(one), str(other))
    found = "two domains (40 files of images)"
    assert recipe["said"][0] == f"sparring: {one} and {other} hold {found}, trained by recipe cyclegan"
    assert trained("cut", *QUICK, "--width", 4, "--blocks", 1, "--batch", 2, "--data", one, other)["data_b"] == str(
        other
    )


def test_more_places_than_a_recipe_takes(refusal: Callable[..., str]) -> None:
    assert refusal("train", "digits", "a", "b").startswith("data: 2 places are too many, recipe 'digits' takes 1")
    assert refusal("train", "cut", "a", "b", "c").startswith("data: 3 places are too many, recipe 'cut' takes 2")


def test_a_recipe_file_may_come_last(tmp_path: Path, trained: Callable[..., dict[str, Any]]) -> None:
    folder = drawn(tmp_path / "pictures")
    (tmp_path / "my.yaml").write_text(RECIPES["dcgan"].changed({"latent": 7}).to_yaml())
    recipe = trained(*SMALL, "--data", folder, tmp_path / "my.yaml")
    assert (recipe["kind"], recipe["latent"], recipe["data"]) == ("images", 7, str(folder))


def test_two_dashes_end_the_options(tmp_path: Path, says: Callable[..., Said]) -> None:
    assert read("train", ["a", "--", "--batch", "-x", "--"], []).words == ["a", "--batch", "-x", "--"]
    drawn(tmp_path / "--mirror")
    assert "20 good pictures" in says("data", "check", "--out", "a.png", "--", "--mirror")[0]


# data check


def checked(says: Callable[..., Said], *words: object) -> dict[str, Any]:
    result = json.loads(says("data", "check", *words, "--json")[0])
    assert isinstance(result, dict)
    return result


def test_points_are_checked(tmp_path: Path, says: Callable[..., Said]) -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    points[7] = points[3]
    np.save(tmp_path / "mine.npy", points)
    for words in ([tmp_path / "mine.npy"], ["gaussians", tmp_path / "mine.npy"], ["--data", tmp_path / "mine.npy"]):
        found = checked(says, *words)
        assert (found["good"], found["duplicates"], found["form"]["dimensions"]) == (50, 1, 3)


def test_text_is_checked(tmp_path: Path, says: Callable[..., Said]) -> None:
    table = HOME["topics"].draw_lines(tmp_path / "lines.tsv", 240)
    found = checked(says, table)
    assert found["good"] == 240
    assert set(found["labels"]) > {"music", "food"}


def test_pictures_are_checked(tmp_path: Path, says: Callable[..., Said]) -> None:
    folder = drawn(tmp_path / "pictures")
    (folder / "broken.png").write_bytes(b"x")
    found = checked(says, folder, "--size", 8, "--out", tmp_path / "sheet.png")
    assert (found["good"], found["form"]["height"], len(found["bad"])) == (20, 8, 1)
    assert (tmp_path / "sheet.png").exists()
    out, _ = says("data", "check", "--size=8", folder, "--out", tmp_path / "other.png")
    assert "20 good pictures, 1 bad files" in out
    assert out.splitlines()[-1] == f"some of them: {tmp_path / 'other.png'}"


def test_two_domains_are_checked(tmp_path: Path, says: Callable[..., Said]) -> None:
    one, other = drawn(tmp_path / "a"), drawn(tmp_path / "b", count=24)
    found = checked(says, one, other, "--out", tmp_path / "sheet.png")
    assert sorted(re.findall(r'"good": (\d+)', json.dumps(found))) == ["20", "24", "44"]
    assert (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    "words",
    [["a", "b"], ["--data", "a", "b"], ["a", "--data", "b"], ["--data", "a", "--size", 8, "b"], ["--data=a", "b"]],
)
def test_domains_keep_the_order_in_which_they_were_typed(words: list[object], says: Callable[..., Said]) -> None:
    drawn(Path("a"))
    drawn(Path("b"), count=24)
    found = checked(says, *words)
    assert {name: domain["good"] for name, domain in found["domains"].items()} == {"a": 20, "b": 24}
    assert read_note(Path("check-a.png")) == {"data": "a", "data_b": "b"}


@pytest.mark.parametrize("words", [["--data", "a", "cut", "--data-b", "b"], ["cut", "a", "--data-b=b"]])
def test_a_domain_by_its_setting(words: list[object], says: Callable[..., Said]) -> None:
    drawn(Path("a"))
    drawn(Path("b"), count=24)
    found = checked(says, *words)
    assert {name: domain["good"] for name, domain in found["domains"].items()} == {"a": 20, "b": 24}


@pytest.mark.parametrize("kind", ["images", "points"])
def test_the_sheet_goes_where_it_is_told_and_knows_its_data(kind: str, says: Callable[..., Said]) -> None:
    np.save("points.npy", np.random.default_rng(0).normal(size=(50, 2)))
    data = {"images": drawn(Path("pictures")), "points": Path("points.npy")}[kind]
    out = Path("not", "there", "yet.png")
    assert checked(says, kind if kind == "images" else "gaussians", data, "--out", out)["sheet"] == str(out)
    assert json.loads(says("info", out, "--json")[0]) == {"file": str(out), "data": data.name}


def test_a_sheet_that_is_there_stays(refusal: Callable[..., str], says: Callable[..., Said]) -> None:
    folder = drawn(Path("pictures"))
    Path("a.png").write_bytes(b"mine")
    for words in ([], ["--no-overwrite"], ["--overwrite=no"]):
        line = refusal("data", "check", folder, "--out", "a.png", *words)
        assert line == "a.png: exists; choose another --out, or --overwrite"
        assert Path("a.png").read_bytes() == b"mine"
    says("data", "check", folder, "--out", "a.png", "--overwrite")
    assert read_note(Path("a.png")) == {"data": "pictures"}


@pytest.mark.parametrize("out", ["a.npz", "a.zip", "folder", "a.jpg"])
def test_the_ending_of_a_sheet_is_judged_before_data_are_read(
    out: str, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modality_of("images"), "check", None)  # which would be an internal error
    line = refusal("data", "check", drawn(Path("pictures")), "--out", out)
    assert line == f"{out}: the preview is written as .png; choose another --out"


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "{run}", "-n", "2", "--out", "{long}.png"],
        ["sample", "{run}", "-n", "2", "--out", "{long}.npz"],
        ["sample", "{long}"],
        ["score", "{run}", "{run}", "--out", "{long}.tsv"],
        ["data", "check", "digits", "--out", "{long}.png"],
        ["data", "check", "{long}"],
        ["evaluate", "{long}"],
        ["info", "{long}"],
        ["resume", "{long}"],
        ["train", "digits", "--steps", "1", "--out", "{long}"],
        ["train", "{long}"],
    ],
    ids=lambda words: " ".join(words).replace("{", "").replace("}", ""),
)
def test_a_name_too_long_is_told(words: list[str], finished_run: Path, refusal: Callable[..., str]) -> None:
    long = "x" * 300
    line = refusal(*(word.format(run=finished_run, long=long) for word in words))
    assert long in line or f"{long[:40]} ... {long[:35]}" in line  # shortened where it is no path
    assert "internal error" not in line


def test_nothing_is_drawn_of_text(tmp_path: Path, refusal: Callable[..., str]) -> None:
    table = HOME["topics"].draw_lines(tmp_path / "lines.tsv", 240)
    assert refusal("data", "check", table, "--out", "a.svg") == "out: nothing is drawn of text; leave it out"


@pytest.mark.parametrize("words", [["--held-out", 3], ["--mirror"], ["--shift", 2]])
def test_what_decides_nothing_of_reading_is_not_taken(
    words: list[object], refusal: Callable[..., str], says: Callable[..., Said]
) -> None:
    one, other = drawn(Path("a")), drawn(Path("b"))
    flag = str(words[0])
    line = refusal("data", "check", one, other, *words)
    assert line == f"{flag[2:].replace('-', '_')}: does not decide how data are read; leave it out"
    assert flag not in says("data", "check", one, other, "--help")[0]
    assert "--data-b" in says("data", "check", one, other, "--help")[0]
    assert "--data-b" in says("data", "check", "cut", "--help")[0]
    assert "--data-b" not in says("data", "check", one, "--help")[0]


@pytest.mark.parametrize(("words", "good"), [(["digits"], 1797), (["gaussians-8"], 100_000), (["topics"], 10_000)])
def test_a_set_is_checked_by_its_name(words: list[str], good: int, says: Callable[..., Said]) -> None:
    assert checked(says, *words)["good"] == good


def test_a_folder_that_is_called_check(says: Callable[..., Said]) -> None:
    drawn(Path("check"))
    assert checked(says, "check")["good"] == 20


def test_a_setting_that_decides_nothing_of_how_data_are_read(tmp_path: Path, refusal: Callable[..., str]) -> None:
    line = refusal("data", "check", drawn(tmp_path / "pictures"), "--batch", 3)
    assert line == "batch: does not decide how data are read; leave it out"


# Help


def options_in(text: str) -> list[str]:
    """The options that a help text lists, in order; of a setting that is yes or no the positive one."""
    return re.findall(r"^  (?:-\w, )?--([\w-]+)", text, re.MULTILINE)


def headings_in(text: str) -> list[str]:
    return re.findall(r"^(\w+):$", text, re.MULTILINE)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_help_on_a_recipe(recipe: Any, says: Callable[..., Said]) -> None:
    text, error = says("train", recipe.name, "--help")
    assert error == ""
    assert text.startswith(f"usage: sparring train {recipe.name} ")
    assert text.count(f"\n  sparring train {recipe.name} ") == 3  # examples
    assert headings_in(text) == ["examples", *[group for group in GROUPS if f"\n{group}:\n" in text]]
    options = options_in(text)
    for example in re.findall(r"^  sparring train (.*)", text, re.MULTILINE):  # each can be typed as it is
        typed = read("train", shlex.split(example), [type(recipe), TrainOptions])
        recipe.changed({name: value for name, value in typed.values.items() if name not in ("data", "out")})
    assert 10 <= len(options) <= 18
    assert {"data", "time", "steps", "batch", "learning-rate", "seed", "device", "out"} <= set(options)
    assert ("--data PATH" in text.split("data:")[0]) == (not recipe.data)  # the examples can be typed as they are
    assert max(map(len, text.splitlines())) < 160

    everything, _ = says("train", "--help-all", recipe.name)
    settings = {name.replace("_", "-") for name in fields(type(recipe))} - {"name", "about"}
    assert sorted(options_in(everything)) == sorted([*settings, "out"])
    assert f"shows the other {len(settings) + 1 - len(options)} settings" in text
    assert headings_in(everything) == ["examples", *[group for group in GROUPS if f"\n{group}:\n" in everything]]
    assert set(options) < set(options_in(everything))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_the_values_that_help_shows_are_those_of_the_recipe_as_one_would_type_them(
    recipe: Any, says: Callable[..., Said]
) -> None:
    text, _ = says("train", recipe.name, "--help-all")
    for name, field in fields(type(recipe)).items():
        if name in ("name", "about"):
            continue
        flag = "--" + name.replace("_", "-")
        (entry,) = re.findall(rf"^  {flag}(?: .*|, --no-.*)\n?(?:   .*\n)?", text, re.MULTILINE)
        value = entry.rstrip().rpartition("[")[2].removesuffix("]") if entry.rstrip().endswith("]") else ""
        assert read_value(name, value, field) == getattr(recipe, name) if value else not getattr(recipe, name), name
        assert "e+" not in value


def test_values_as_one_would_type_them(says: Callable[..., Said]) -> None:
    text, _ = says("train", "images", "--help-all")
    for line in ("--time TIME", "--steps N", "--learning-rate X", "--objective NAME", "--out PATH", "--size TEXT"):
        assert f"\n  {line} " in text
    for present in ("over all sessions (0: no such limit) [10m]", "of Adam [0.001:0.0002@200k]", "[1m]", "[15s]"):
        assert present in text
    assert "--mirror, --no-mirror " in text
    assert "True" not in text
    assert "600.0" not in text


def test_help_without_a_recipe(says: Callable[..., Said]) -> None:
    text, _ = says("train", "--help")
    assert text.startswith("usage: sparring train RECIPE ")


def test_help_on_data(tmp_path: Path, says: Callable[..., Said]) -> None:
    folder = drawn(tmp_path / "pictures")
    text, error = says("train", folder, "--help")
    assert "--mirror" in text
    assert "holds images" in error


FILES = {"labelled", "label-pattern", "split", "cache-mb"}
BOUNDS = {"likelihood", "chains", "distributions"}
OWN: dict[str, dict[str, set[str]]] = {
    "sample": {
        "text": {"temperature", "top-p", "prompt"},
        **{kind: {"interpolate"} for kind in ("images", "audio")},
        "video": {"frames", "fps", "format", "content-seed", "motion-seed"},
    },
    "evaluate": {
        "images": {*FILES, "size", "channels", "range", "fit", "alpha", *BOUNDS},
        "points": BOUNDS,
        "translation": {"videos", "resize", "direction"},
        "audio": {*FILES, "rate", "seconds", "channels", "longer", "shorter", "loudness", *BOUNDS},
        "video": {*FILES, "frames", "every", "size", "channels", "fit", "alpha", "shorter", *BOUNDS},
    },
    "calibrate": {"translation": {"domain"}},
    "score": {},
    "translate": {"translation": {"resize", "tile", "frames", "frame-by-frame", "sheet"}},
}
"""What each verb can be asked for of models of one kind alone."""
USUAL = {
    "sample": {"count", "seed", "label", "judge", "proposals", "out", "overwrite", "device"},
    "evaluate": {"data", "count", "seed", "judge", "proposals", "features", "trust", "out", "device"},
    "calibrate": {"data", "alpha", "confidence", "method", "steps", "seed", "device"},
    "score": {"label", "data", "alpha", "confidence", "fdr", "prior", "explain", "page", "out", "overwrite", "device"},
    "translate": {"direction", "out", "overwrite", "device"},
}


@pytest.mark.parametrize("verb", OWN)
def test_help_on_a_verb_knows_the_run(verb: str, runs: dict[str, Path], says: Callable[..., Said]) -> None:
    every: set[str] = set()
    for kind, run in runs.items():
        text, _ = says(verb, run, "--help")
        options = options_in(text)
        assert len(options) == len(set(options))
        assert set(options) == USUAL[verb] | OWN[verb].get(kind, set()), kind
        every |= set(options)
    text, _ = says(verb, "--help")  # of no run: all of them
    assert sorted(options_in(text)) == sorted(every)
    assert text.startswith(f"usage: sparring {verb} ")
    assert 2 <= text.count(f"\n  sparring {verb} ") <= 3


def test_help_on_resuming_shows_the_values_of_the_run(finished_run: Path, says: Callable[..., Said]) -> None:
    text, _ = says("resume", finished_run, "--help")
    assert re.search(r"--steps N .*\[2\]", text)
    options = set(options_in(text))
    assert {"more", "data"} < options
    assert options - {"more"} < set(options_in(says("train", "digits", "--help-all")[0]))
    assert "--batch" not in text


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("flag", ["-h", "--help", "--help-all"])
def test_every_verb_has_help(verb: str, flag: str, says: Callable[..., Said]) -> None:
    text, error = says(verb, flag)
    assert text.startswith(f"usage: sparring {verb}")
    assert "--json" in text
    assert error == ""


def test_all_verbs_are_listed(says: Callable[..., Said]) -> None:
    for words in ([], ["--help"], ["-h"], ["help"]):
        text, _ = says(*words)
        assert all(f"\n  sparring {verb}" in text for verb in VERBS)


# JSON


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("train", ["digits", *SMALL, "--out", "{out}"]),
        ("resume", ["{copy}", "--steps", 3]),
        ("sample", ["{images}", "-n", 4, "--out", "{out}"]),
        ("sample", ["{text}", "-n", 4, "--out", "{out}.txt"]),
        ("sample", ["{points}", "-n", 4, "--out", "{out}.npy"]),
        ("translate", ["{translation}", "{picture}", "--out", "{out}"]),
        ("evaluate", ["{points}", "-n", 50, "--out", "{out}"]),
        ("score", ["{points}", "{array}"]),
        ("score", ["{images}", "{picture}"]),
        ("score", ["{text}", "{lines}"]),
        ("recipes", []),
        ("data", ["check", "{array}"]),
        ("info", ["{images}"]),
        ("info", ["{images}/model"]),
    ],
)
def test_json_is_one_object_and_nothing_else(
    verb: str, words: list[object], runs: dict[str, Path], tmp_path: Path, says: Callable[..., Said]
) -> None:
    places = {**{kind: str(run) for kind, run in runs.items()}, "out": str(tmp_path / "out")}
    places |= {"array": str(tmp_path / "x.npy"), "lines": str(tmp_path / "x.txt"), "copy": str(tmp_path / "copy")}
    places["picture"] = str(drawn(tmp_path / "pictures", side=16) / "0.png")
    np.save(places["array"], np.random.default_rng(0).normal(size=(40, 2)))
    Path(places["lines"]).write_text("play a song\nbook a table\n")
    if verb == "resume":
        train("gaussians-ring", out=places["copy"], steps=2, width=4, time=0, device="cpu")
    out, error = says(verb, *[str(word).format(**places) for word in words], "--json")
    assert out.count("\n") == 1
    result = json.loads(out)
    assert isinstance(result, dict)
    assert result
    assert "summary" not in result
    assert "{" not in error


# What is written


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="this system has no such modes")
@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_files_may_be_read_by_whom_the_umask_lets(umask: int, expected: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        run = train("digits", out=tmp_path / "run", steps=1, width=4, batch=8, time=0, device="cpu").run
    finally:
        os.umask(before)
    files = [path for path in run.rglob("*") if path.is_file()]
    assert {"model.safetensors", "config.json", "README.md", "recipe.yaml", "report.html"} < {
        path.name for path in files
    }
    assert {str(path.relative_to(run)): oct(mode(path)) for path in files if mode(path) != expected} == {}
    assert any(path.parent.name == "checkpoints" for path in files)


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_model_card(kind: str, runs: dict[str, Path]) -> None:
    card = (runs[kind] / "model" / "README.md").read_text()
    _, head, text = card.split("---\n", 2)
    config = json.loads((runs[kind] / "model" / "config.json").read_text())
    described = yaml.safe_load(head)
    assert described["library_name"] == "sparring"
    assert described["license"] == "other"
    assert described.get("pipeline_tag", "") == ENTRIES[kind].task
    assert "datasets" not in described  # nobody but its user has them
    drawn = kind not in ("text", "translation")  # a translation's preview would show its user's own pictures
    assert [path.name for path in (runs[kind] / "model").glob("sample.*")] == re.findall(r"!\[.*\]\((.*)\)", text)
    assert ("![" in text) == drawn
    assert described["tags"] == [*dict.fromkeys(["gan", kind, config["recipe"]["name"]])]
    assert f"from {config['examples']:,} examples" in text
    assert f"of which it saw {config['examples_seen']:,} " in text
    labels = config["form"]["labels"]
    assert (f"It knows {len(labels)} labels: {', '.join(labels[:20])}" in text) == bool(labels)
    assert ("sparring translate" in text) == (kind == "translation")
    assert ("model.sample(" in text) == (kind != "translation")
    changed = changes(from_dict({"kind": kind, **config["recipe"]}, "config.json"))
    assert [line.split(" | ")[0][2:] for line in text.splitlines()[-len(changed) :]] == [*changed]
    assert 0 < len(changed) < len(config["recipe"])
    assert str(Path.home()) not in card
    assert str(runs[kind].parent) not in card  # where the data lie on this machine


# Precision


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="only there can a CPU be made to look older")
def test_a_precision_that_this_cpu_lacks_is_refused_before_there_is_a_run_folder(tmp_path: Path) -> None:
    table = HOME["topics"].draw_lines(tmp_path / "lines.tsv")
    words = ["train", "text", "--data", table, "--precision", "bfloat16", "--device", "cpu", "--out", tmp_path / "run"]
    older = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    done = subprocess.run(
        [sys.executable, "-m", "sparring", *map(str, words)], env=older, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stdout == ""
    at_once, line = done.stderr.splitlines()
    assert at_once == "loading PyTorch ..."
    assert line.startswith("sparring: precision: this CPU cannot run recurrent layers (LSTM) in bfloat16; train with ")
    assert not (tmp_path / "run").exists()
