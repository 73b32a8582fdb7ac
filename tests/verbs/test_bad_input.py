"""Bad input: one line that names the thing and how to mend it, exit status 2, nothing lost."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from table import HOME

from sparring.cli import main
from sparring.core.run import Run
from sparring.modalities import load


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that the command line answers with."""
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if line.startswith("sparring: ")]
    assert len(lines) == 1
    assert "Traceback" not in printed.err
    return lines[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tran"], "did you mean 'train'"),
        (["train"], "which recipe"),
        (["train", "digts"], "did you mean 'digits'"),
        (["train", "digits", "--bach", "3"], "did you mean '--batch'"),
        (["train", "digits", "--batch", "many"], "'many' is not a number"),
        (["train", "digits", "--batch", "1.5"], "not a whole number"),
        (["train", "digits", "--batch", "0"], "too small"),
        (["train", "digits", "--batch", "-4"], "too small"),
        (["train", "digits", "--learning-rate", "nan"], "'nan' is not a number"),
        (["train", "digits", "--learning-rate", "0"], "more than 0"),
        (["train", "digits", "--time", "soon"], "no length of time"),
        (["train", "digits", "--objective", "hing"], "did you mean 'hinge'"),
        (["train", "digits", "--label-smoothing", "0.1"], "knows no targets"),
        (["train", "digits", "--size", "0"], "is no size"),
        (["train", "digits", "--size", "-8"], "is no size"),
        (["train", "digits", "--width", "-1"], "too small"),
        (["train", "digits", "--augment-limit", "0.3"], "only with ada"),
        (["train", "digits", "--network", "r3gan", "--spectral-norm"], "no norm to divide by"),
        (["train", "digits", "--network", "tutorial", "--width", "8"], "no effect with network tutorial"),
        (["train", "digits", "--conditional=perhaps"], "neither true nor false"),
        (["train", "digits", "--conditional", "perhaps"], "no file, folder or set called 'perhaps'"),
        (["train", "digits", "--labelled", "no"], "needs labels"),
        (["train", "images", "--time", "1s"], "--data PATH"),
        (["train", "images", "--data", "/no/such/place"], "/no/such/place"),
        (["train", "gaussians", "--data", "gaussians-24"], "did you mean 'gaussians-25'"),
        (["resume", "/no/such/run"], "no such run folder"),
        (["sample", "/no/such/run"], "no such run or model folder"),
        (["sample", "/no/such/run", "--temperature", "1"], "no such run or model folder"),
        (["info", "/no/such/thing"], "no such"),
        (["data", "check"], "which data?"),
        (["data"], "data: needs a verb; write: sparring data check PATH"),
        (["recipes", "images"], "recipes: lists all of them; leave 'images' out"),
        (["data", "chek", "x"], "sparring data check PATH"),
        (["data", "check", "/no/such/place"], "/no/such/place"),
    ],
)
def test_mistakes_are_told_in_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, *words)


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert str(tmp_path) in refused(capsys, "train", tmp_path, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_exists(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(finished_run.rglob("*"))
    assert "resume" in refused(capsys, "train", "digits", "--out", finished_run)
    assert sorted(finished_run.rglob("*")) == before


def test_a_folder_with_something_else_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert "not empty" in refused(capsys, "train", "digits", "--out", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/proc/run" in refused(capsys, "train", "digits", "--out", "/proc/run")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda recipe: recipe.write_text("{"), "not a readable recipe"),
        (lambda recipe: recipe.write_text("hello"), "not a recipe"),
        (lambda recipe: recipe.unlink(), "no recipe.yaml"),
        (
            lambda recipe: recipe.write_text(recipe.read_text().replace("sparring: 2", "sparring: 99")),
            "upgrade",
        ),
        (lambda recipe: recipe.write_text(recipe.read_text() + "\nwings: 2\n"), "wings"),
        (
            lambda recipe: recipe.write_text(recipe.read_text().replace("kind: images", "kind: smells")),
            "smells",
        ),
    ],
)
def test_a_damaged_run(damage, told, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    run = shutil.copytree(finished_run, tmp_path / "run")
    damage(run / "recipe.yaml")
    assert told in refused(capsys, "resume", run)
    assert len(list((run / "checkpoints").iterdir())) > 0


def test_a_run_whose_checkpoints_are_all_damaged_is_left_as_it_is(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    for path in (run / "checkpoints").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:500])
    kept = {path: path.read_bytes() for path in [run / "journal.jsonl", *(run / "model").iterdir()]}
    assert "none of its checkpoints can be read" in refused(capsys, "resume", run, "--steps", "5")
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_a_recipe_that_no_longer_fits_the_checkpoints(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "recipe.yaml").write_text((run / "recipe.yaml").read_text().replace("width: 4", "width: 8"))
    assert "does not fit the checkpoints" in refused(capsys, "resume", run)


def test_a_run_that_another_process_trains(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fcntl", reason="this system has no such locks")
    run = shutil.copytree(finished_run, tmp_path / "run")
    before = (run / "recipe.yaml").read_bytes()
    with Run(run).locked():
        assert "trained by another process" in refused(capsys, "resume", run, "--steps", "9")
    assert (run / "recipe.yaml").read_bytes() == before
    assert main(["resume", str(run)]) == 0


def test_a_name_or_a_label_never_leads_out_of_the_folder(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = shutil.copytree(finished_run, tmp_path / "run")
    config = json.loads((run / "model" / "config.json").read_text())
    config["form"]["labels"][0] = "../../a/b"
    (run / "model" / "config.json").write_text(json.dumps(config))
    assert main(["sample", str(run), "--label", "../../a/b", "-n", "2"]) == 0
    assert [path.name for path in (run / "generated").iterdir()] == ["seed0-2-.._.._a_b.png"]

    recipe = (run / "recipe.yaml").read_text().replace("name: digits", "name: ../../elsewhere")
    (tmp_path / "mine.yaml").write_text(recipe)
    assert main(["train", "mine.yaml", "--steps", "1"]) == 0
    assert next(path.parent for path in tmp_path.rglob("recipe.yaml") if path.parent != run).parent == tmp_path / "runs"


def test_other_data_than_the_run_began_with(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    recipe["data"] = str(HOME["digits"].draw_pictures(tmp_path / "other.npz", (8, 8, 1), count=30))
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert "is not what this run began with" in refused(capsys, "resume", run)


def test_a_setting_that_a_resumed_run_cannot_change(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "decided when the run began" in refused(capsys, "resume", finished_run, "--width", "8")


def test_an_unknown_label(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "it knows 0, 1, 2, 3" in refused(capsys, "sample", finished_run, "--label", "cat")


@pytest.mark.parametrize(
    ("count", "told"),
    [
        ("0", "count: 0 is too small, the least is 1"),
        ("-3", "count: -3 is too small, the least is 1"),
        ("1000000000000", "count: 1000000000000 is too large, the most is 1000000"),
    ],
)
def test_a_count_that_cannot_be(count: str, told: str, finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, "sample", finished_run, "-n", count)


def test_a_count_that_cannot_be_in_python(finished_run: Path, mistake: Callable[..., str]) -> None:
    assert "ask for 1 or more" in mistake(load(finished_run).sample, 0)


def test_an_ending_that_cannot_be_written(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ".png" in refused(capsys, "sample", finished_run, "--out", tmp_path / "x.docx")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("pwned"),)


def test_a_pickle_in_place_of_a_model(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "model" / "model.safetensors").write_bytes(pickle.dumps(Evil()))
    assert "pickle" in refused(capsys, "sample", run)
    loose = tmp_path / "model.pt"
    loose.write_bytes(pickle.dumps(Evil()))
    assert "pickle" in refused(capsys, "sample", loose)
    assert not Path("pwned").exists()


def test_a_damaged_model(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    weights = run / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert "damaged" in refused(capsys, "sample", run)


def test_a_picture_without_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.new("L", (4, 4)).save(tmp_path / "holiday.png")
    assert "holiday.png" in refused(capsys, "info", tmp_path / "holiday.png")
