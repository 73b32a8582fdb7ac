"""``sparring calibrate`` and ``sparring score`` as a person types them, on small runs of every kind that makes examples
of its own."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from table import HOME, smallest

from sparring.cli import main
from sparring.probability.decisions import discoveries, limit_of
from sparring.probability.kept import ABOUT, WEIGHTS
from sparring.verbs.train import resume, train

COUNT, HELD_OUT = 300, 30
ALPHA = ("--alpha", 0.1)  # which 22 held-out examples are enough for, with confidence .9
KINDS = {
    "digits": lambda place: HOME["digits"].draw_pictures(place / "pictures.npz", (8, 8, 1), COUNT),
    "gaussians-ring": lambda place: "gaussians-8",
    "tones": lambda place: HOME["tones"].draw_sounds(place / "sounds", COUNT),
    "video": lambda place: HOME["video"].draw_strips(place / "strips", COUNT),
    "topics": lambda place: HOME["topics"].draw_lines(place / "lines.tsv", COUNT),
}
"""Recipes, and the data of each: four of them have labels."""
CALIBRATED = ("p_real", "p_value", "decision", "nearest")
LABELLED = {"digits": ("0", "1", "2", "3"), "tones": ("pitch0", "pitch1", "pitch2", "pitch3"),
            "video": ("across", "down")}  # fmt: skip


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """The one JSON object on standard output."""
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that the command line answers with."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line: str = err.splitlines()[-1]
    assert line.startswith("sparring: ")
    assert "internal error" not in err
    return line.removeprefix("sparring: ")


def played(recipe: str, place: Path, **settings: Any) -> Path:
    """A run of two steps on 300 examples, of which 30 are held out."""
    data = str(KINDS[recipe](place))
    return train(
        smallest(recipe, place, steps=2, held_out=HELD_OUT).changed({"data": data, **settings}), out=place / "run"
    ).run


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run of a recipe, calibrated. Read it, do not write in it."""
    made: dict[str, Path] = {}

    def of(recipe: str) -> Path:
        if recipe not in made:
            made[recipe] = played(recipe, tmp_path_factory.mktemp(recipe))
            assert main([*map(str, ("calibrate", made[recipe], *ALPHA, "--steps", 6))]) == 0
        return made[recipe]

    return of


@pytest.fixture
def files_of(tmp_path: Path) -> Callable[[str, Path], Path]:
    """Examples to score of a recipe's kind: of points some far away, of others those that the run was trained on."""

    def of(recipe: str, run: Path) -> Path:
        if recipe != "gaussians-ring":
            return next(path for path in run.parent.iterdir() if path.name.split(".")[0] in
                        ("pictures", "sounds", "strips", "lines"))  # fmt: skip
        random = np.random.default_rng(0)
        angles = np.arange(60) * math.pi / 4
        points = 2 * np.stack([np.cos(angles), np.sin(angles)], 1) + 0.05 * random.standard_normal((60, 2))
        points[:20] += 7
        np.save(tmp_path / "points.npy", points.astype(np.float32))
        return tmp_path / "points.npy"

    return of


@pytest.fixture
def pictures(run_of: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the calibrated run of pictures, with a copy of its data."""
    run = run_of("digits")
    copy, data = shutil.copytree(run, tmp_path / "run"), tmp_path / "pictures.npz"
    shutil.copy(run.parent / "pictures.npz", data)
    settings = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(settings.replace(str(run.parent / "pictures.npz"), str(data)))
    return copy


def draw(path: Path, count: int, seed: int, labelled: bool = True) -> Path:
    """Other noise than the run was trained on."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    np.savez(path, images=images, **({"labels": np.arange(count) % 4} if labelled else {}))
    return path


@pytest.mark.parametrize("recipe", KINDS)
def test_columns_of_every_kind(
    recipe: str, run_of: Callable[[str], Path], files_of: Callable[[str, Path], Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = run_of(recipe)
    files = files_of(recipe, run)
    told = answer(capsys, "score", run, files, *ALPHA, "--out", tmp_path / "scores.csv")
    answer(capsys, "score", run, files, *ALPHA, "--out", tmp_path / "scores.jsonl")
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [list(row) for row in table] == [list(row) for row in lines] == [list(row) for row in told["rows"]]
    assert lines == told["rows"]
    assert told["calibrated"] is True
    assert set(CALIBRATED) < set(lines[0])
    for row, as_text in zip(lines, table, strict=True):
        assert 0 < row["p_real"] < 1
        assert 0 < row["p_value"] <= 1
        assert row["decision"] == ("odd" if row["p_value"] <= told["limit"] else "usual")
        assert float(as_text["p_value"]) == row["p_value"]
        assert row["nearest"]
        if recipe in LABELLED:
            assert row["label"] in LABELLED[recipe]
            assert 0 < row["label_probability"] < 1
    assert told["odd"] == sum(row["decision"] == "odd" for row in lines)
    if recipe == "gaussians-ring":
        assert [row["decision"] for row in lines[:20]] == ["odd"] * 20
        assert "label_probability" not in lines[0]
    else:  # nine in ten were trained on: those are their own neighbours
        assert told["odd"] < 20
        own = "text" if recipe == "topics" else "example"
        assert sum(row["nearest"] == row[own] for row in lines) > 0.5 * len(lines)


def test_what_calibrate_answers(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads((pictures / "model" / ABOUT).read_text())
    told = answer(capsys, "calibrate", pictures, *ALPHA, "--steps", 6)
    assert told["written"] == [str(pictures / "model" / name) for name in (WEIGHTS, ABOUT)]
    assert told["counts"] == {"training": COUNT - HELD_OUT, "unseen": HELD_OUT, "generated": 2048}
    assert told["decisions"]["limit"] == limit_of(HELD_OUT, 0.1, 0.9)
    assert told["truth"]["count"] == 2 * HELD_OUT
    assert told["judge"]["steps"] == 6
    assert json.loads((pictures / "model" / ABOUT).read_text()) == before  # the same seed, the same calibration
    other = answer(capsys, "calibrate", pictures, *ALPHA, "--steps", 6, "--seed", 1)
    assert other["separation"] != told["separation"]
    assert main(["calibrate", str(pictures), "--alpha", "0.1", "--steps", "6"]) == 0
    assert "Brier score" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["beta", "isotonic"])
def test_other_calibrators(
    method: str, run_of: Callable[[str], Path], files_of: Callable[[str, Path], Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = shutil.copytree(run_of("gaussians-ring"), tmp_path / "run")
    answer(capsys, "calibrate", run, *ALPHA, "--steps", 6, "--method", method)
    assert json.loads((run / "model" / ABOUT).read_text())["method"] == method
    rows = answer(capsys, "score", run, files_of("gaussians-ring", run), *ALPHA)["rows"]
    assert all(0 < row["p_real"] < 1 for row in rows)


def test_false_discoveries(
    run_of: Callable[[str], Path], files_of: Callable[[str, Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("gaussians-ring")
    told = answer(capsys, "score", run, files_of("gaussians-ring", run), "--fdr", 0.2)
    expected = discoveries(np.array([row["p_value"] for row in told["rows"]]), 0.2)
    assert [row["decision"] == "odd" for row in told["rows"]] == expected.tolist()
    assert 20 <= told["odd"] < 40
    assert told["fdr"] == 0.2
    assert "limit" not in told
    assert main(["score", str(run), str(files_of("gaussians-ring", run)), "--fdr", "0.2"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{told['odd']} of 60 examples are odd; on average at most 0.2 of these are not"


def test_the_prior_is_added_to_the_log_odds(
    run_of: Callable[[str], Path], files_of: Callable[[str, Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("gaussians-ring")
    files = files_of("gaussians-ring", run)
    even, many = (
        np.array([row["p_real"] for row in answer(capsys, "score", run, files, *ALPHA, *more)["rows"]])
        for more in ((), ("--prior", 0.9))
    )
    np.testing.assert_allclose(np.log(many / (1 - many)) - np.log(even / (1 - even)), math.log(9), rtol=1e-6)


def test_a_label_is_compared_with_its_own(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = draw(tmp_path / "new.npz", 40, seed=1)
    labels = np.load(pictures.parent / "pictures.npz")["labels"]
    kept = load_file(pictures / "model" / WEIGHTS)
    count = int((kept["labels"] == 2).sum())
    assert 0 < count < HELD_OUT
    assert len(kept["labels"]) == HELD_OUT
    line = refused(capsys, "score", pictures, files, *ALPHA, "--label", 2)
    assert line.startswith(f"alpha: {count} real examples of label 2 tell what is usual, and 22 are needed ")
    told = answer(capsys, "score", pictures, files, "--alpha", 0.4, "--confidence", 0, "--label", 2)
    values = np.array([row["p_value"] for row in told["rows"]]) * (count + 1)
    np.testing.assert_allclose(values, np.rint(values))
    assert {row["label"] for row in told["rows"]} == {"2"}
    assert told["limit"] == limit_of(count, 0.4)
    assert refused(capsys, "score", pictures, files, "--label", 9).startswith("label: ")
    assert set(labels.tolist()) == {0, 1, 2, 3}


def test_the_probability_is_that_of_the_label_that_is_told(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of an example under each of the labels add up to 1, and without one the likeliest is told."""
    files = draw(tmp_path / "new.npz", 30, seed=1, labelled=False)
    words = ("score", pictures, files, "--alpha", 0.4, "--confidence", 0)
    by_label = [answer(capsys, *words, "--label", label)["rows"] for label in range(4)]
    likeliest = answer(capsys, *words)["rows"]
    for rows in zip(*by_label, likeliest, strict=True):
        each = [row["label_probability"] for row in rows[:4]]
        assert sum(each) == pytest.approx(1)
        assert rows[4]["label"] == str(int(np.argmax(each)))
        assert rows[4]["label_probability"] == pytest.approx(max(each))
    own = answer(capsys, "score", pictures, draw(tmp_path / "own.npz", 30, seed=1), *ALPHA)["rows"]
    for number, row in enumerate(own):
        assert row["label"] == str(number % 4)
        assert row["label_probability"] == pytest.approx(by_label[number % 4][number]["label_probability"])


def test_an_uncalibrated_model_says_how(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = draw(tmp_path / "new.npz", 30, seed=1)
    capsys.readouterr()
    assert main(["score", str(finished_run), str(files), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["calibrated"] is False
    assert not set(CALIBRATED) & set(json.loads(out)["rows"][0])
    assert f"see: sparring calibrate {finished_run}" in err
    for option, value in (("alpha", 0.1), ("confidence", 0), ("fdr", 0.1), ("prior", 0.9)):
        line = refused(capsys, "score", finished_run, files, f"--{option}", value)
        assert line == f"{option}: {finished_run} is not calibrated; first run: sparring calibrate {finished_run}"


def test_a_calibration_is_stale_after_resume(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = draw(tmp_path / "new.npz", 30, seed=1)
    resume(pictures, steps=3)
    line = refused(capsys, "score", pictures, files)
    assert line.endswith("calibrates other weights than the model has now; run sparring calibrate again")
    answer(capsys, "calibrate", pictures, *ALPHA, "--steps", 2)
    assert answer(capsys, "score", pictures, files, *ALPHA)["calibrated"] is True


def test_other_data_calibrate(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With labels or without, whatever the model learned from."""
    for labelled in (True, False):
        data = draw(tmp_path / f"held{labelled}.npz", 50, seed=2, labelled=labelled)
        told = answer(capsys, "calibrate", pictures, "--data", data, "--alpha", 0.05, "--steps", 2)
        assert told["counts"]["unseen"] == 50
        kept = load_file(pictures / "model" / WEIGHTS)
        assert sorted(set(kept["labels"].tolist())) == ([0, 1, 2, 3] if labelled else [-1])


def test_data_that_were_trained_on_are_refused(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one picture among others, under another name."""
    own = pictures.parent / "pictures.npz"
    line = refused(capsys, "calibrate", pictures, *ALPHA, "--data", own)
    assert line.startswith("data: 270 of 300 examples were trained on, the first of them pictures.npz ")
    trained = {row["nearest"] for row in answer(capsys, "score", pictures, own, *ALPHA)["rows"]}
    number = int(min(trained).split()[-1])
    with np.load(draw(tmp_path / "new.npz", 40, seed=3)) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    images[17] = np.load(own)["images"][number]
    np.savez(tmp_path / "mixed.npz", images=images, labels=labels)
    line = refused(capsys, "calibrate", pictures, *ALPHA, "--data", tmp_path / "mixed.npz")
    assert line.startswith("data: 1 of 40 examples were trained on, the first of them mixed.npz 17; ")


def test_pictures_that_are_there_twice_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of 150 pictures is there twice: most that are held out were learned from as well."""
    images = np.load(draw(tmp_path / "once.npz", 150, seed=4))["images"]
    np.savez(tmp_path / "twice.npz", images=np.concatenate([images, images]))
    recipe = smallest("images", tmp_path, steps=2, held_out=HELD_OUT)
    run = train(recipe.changed({"data": str(tmp_path / "twice.npz")}), out=tmp_path / "run").run
    capsys.readouterr()
    assert main(["calibrate", str(run), "--alpha", "0.1"]) == 2
    said = capsys.readouterr().err
    left = int(said.partition(" real examples were never seen")[0].split()[-1])
    assert left < 10
    assert f"{HELD_OUT - left} examples that were held out are among those trained on too; they are left out" in said


@pytest.mark.parametrize(("alpha", "confidence", "least"), [(0.05, 0.9, 45), (0.1, 0.99, 44), (0.01, 0.9, 230)])
def test_too_few_held_out(
    alpha: float, confidence: float, least: int, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, "calibrate", pictures, "--alpha", alpha, "--confidence", confidence)
    assert line.startswith(f"{pictures}: 30 real examples were never seen in training, {least} are needed ")
    words = ("score", pictures, pictures.parent / "pictures.npz", "--alpha", alpha, "--confidence", confidence)
    assert f"30 real examples tell what is usual, and {least} are needed" in refused(capsys, *words)


def test_no_example_was_held_out(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "calibrate", finished_run)
    assert line == f"{finished_run}: its run held no examples out; give some that it was not trained on with --data"


@pytest.mark.parametrize("verb", ["calibrate", "score"])
@pytest.mark.parametrize("value", ["0", "1", "1.5", "-0.1", "nan", "1e-300", "often"])
def test_what_is_no_alpha(
    verb: str, value: str, run_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("gaussians-ring")
    np.save(tmp_path / "points.npy", np.zeros((3, 2), np.float32))
    files = [tmp_path / "points.npy"] if verb == "score" else []
    assert refused(capsys, verb, run, *files, f"--alpha={value}").startswith("alpha: ")


@pytest.mark.parametrize("option", ["confidence", "prior"])
def test_certainty_is_no_rate(
    option: str, run_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "points.npy", np.zeros((3, 2), np.float32))
    words = ("score", run_of("gaussians-ring"), tmp_path / "points.npy", *ALPHA, f"--{option}", 1)
    assert refused(capsys, *words).startswith(f"{option}: 1 is no rate; ")


def test_a_generator_that_collapsed(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All its weights are 0."""
    path = pictures / "model" / "model.safetensors"
    save_file({name: value * 0 for name, value in load_file(path).items()}, path)
    line = refused(capsys, "calibrate", pictures, *ALPHA)
    assert line.startswith(f"{pictures}: its generator makes the same example again and again")


def test_training_data_that_moved(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, moved, files = pictures.parent / "pictures.npz", tmp_path / "elsewhere.npz", tmp_path / "new.npz"
    draw(files, 30, seed=1)
    before = answer(capsys, "score", pictures, files, *ALPHA)["rows"]
    data.rename(moved)
    assert str(data) in refused(capsys, "score", pictures, files, *ALPHA)
    after = answer(capsys, "score", pictures, files, *ALPHA, "--data", moved)["rows"]
    assert [row["p_value"] for row in after] == [row["p_value"] for row in before]
    assert after[0]["nearest"] == before[0]["nearest"].replace(str(data), str(moved))
    line = refused(capsys, "score", pictures, files, *ALPHA, "--data", files)
    assert "holds 30 examples, " in line
    assert "was trained on 300; bring back the data that it was trained on" in line


def test_a_model_alone_has_to_be_told_its_data(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(pictures / "model", tmp_path / "alone")
    files = draw(tmp_path / "new.npz", 30, seed=1)
    assert refused(capsys, "score", model, files, *ALPHA).endswith("; add --data PATH")
    told = answer(capsys, "score", model, files, *ALPHA, "--data", pictures.parent / "pictures.npz")
    assert told["rows"] == answer(capsys, "score", pictures, files, *ALPHA)["rows"]


def test_a_damaged_calibration(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = draw(tmp_path / "new.npz", 30, seed=1)
    path = pictures / "model" / WEIGHTS
    path.write_bytes(path.read_bytes()[:-9])
    assert refused(capsys, "score", pictures, files, *ALPHA).startswith(f"{path}: damaged (")


def test_what_translates_makes_nothing_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(smallest("cyclegan", tmp_path, frame=False, batch=2, steps=2), out=tmp_path / "run").run
    assert refused(capsys, "calibrate", run).startswith(f"{run}: translates pictures, ")
