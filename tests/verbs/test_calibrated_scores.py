"""``sparring score`` of calibrated models as a person types it, on every kind that makes examples of its own."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from calibrated_runs import ALPHA, HELD_OUT, KINDS, draw, refused
from safetensors.torch import load_file
from text_runs import answer

from sparring.cli import main
from sparring.probability.decisions import discoveries, limit_of
from sparring.probability.kept import ABOUT, WEIGHTS

CALIBRATED = ("p_real", "p_value", "decision", "nearest")
LABELLED = {"digits": ("0", "1", "2", "3"), "tones": ("pitch0", "pitch1", "pitch2", "pitch3"),
            "video": ("across", "down")}  # fmt: skip


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


@pytest.mark.parametrize("option", ["confidence", "prior"])
def test_certainty_is_no_rate(
    option: str, run_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "points.npy", np.zeros((3, 2), np.float32))
    words = ("score", run_of("gaussians-ring"), tmp_path / "points.npy", *ALPHA, f"--{option}", 1)
    assert refused(capsys, *words).startswith(f"{option}: 1 is no rate; ")


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
