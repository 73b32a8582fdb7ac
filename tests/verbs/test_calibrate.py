"""``sparring calibrate`` as a person types it: what it answers, and what it refuses in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from calibrated_runs import ALPHA, COUNT, HELD_OUT, draw, refused
from safetensors.torch import load_file, save_file
from table import smallest
from text_runs import answer

from sparring.cli import main
from sparring.metrics.score import Score
from sparring.modalities import load
from sparring.probability.decisions import limit_of
from sparring.probability.kept import ABOUT, WEIGHTS
from sparring.targets import ModelTarget, quick_features_of
from sparring.verbs.train import resume, train


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


def measured(run: Path) -> list[Score]:
    """What an evaluation of the run tells of its calibration."""
    model = load(run, "cpu")
    source = model.modality.open_source(model.recipe.changed({"data": str(run.parent / "pictures.npz")}), model.form)
    target = ModelTarget(model, model.output, source)
    return target.extra_scores(torch.empty(0), quick_features_of(model.modality, source, torch.device("cpu")), 0)


def test_a_calibration_is_stale_after_resume(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = draw(tmp_path / "new.npz", 30, seed=1)
    assert {score.name for score in measured(pictures)} >= {"judge", "divergence"}
    resume(pictures, steps=3)
    assert measured(pictures) == []  # and the model can still be evaluated
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


def test_what_calibrated_is_as_odd_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scored again, n examples that tell what is usual have the p-values 2 / (n + 1) to 1, each of them once: also
    where they hold values that training examples, of four grey levels, do not have."""
    few, many = tmp_path / "few.npz", draw(tmp_path / "many.npz", 40, seed=5, labelled=False)
    with np.load(draw(tmp_path / "levels.npz", COUNT, seed=6)) as arrays:
        np.savez(few, images=arrays["images"] // 64 * 85)
    run = train(smallest("images", tmp_path, steps=2).changed({"data": str(few)}), out=tmp_path / "run").run
    assert answer(capsys, "calibrate", run, *ALPHA, "--data", many, "--steps", 6)["grid"] == 4
    rows = answer(capsys, "score", run, many, *ALPHA)["rows"]
    values = sorted(round(row["p_value"] * 41) for row in rows)
    assert values == list(range(2, 42))


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


def test_a_model_without_its_run(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the judge learns from is not known, whatever is given to calibrate it by."""
    model = shutil.copytree(pictures / "model", tmp_path / "alone")
    line = refused(capsys, "calibrate", model, *ALPHA, "--data", draw(tmp_path / "new.npz", 40, seed=1))
    assert line.startswith(f"{model}: does not name the data that it was trained on (pictures.npz), ")


def test_a_generator_that_collapsed(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All its weights are 0."""
    path = pictures / "model" / "model.safetensors"
    save_file({name: value * 0 for name, value in load_file(path).items()}, path)
    line = refused(capsys, "calibrate", pictures, *ALPHA)
    assert line.startswith(f"{pictures}: its generator makes the same example again and again")
