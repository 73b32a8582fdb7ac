"""``--judge``: what the judge of a calibrated model keeps is sampled and evaluated, and refused where there is none."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from calibrated_runs import refused

from sparring.cli import main
from sparring.images.features import learned
from sparring.modalities import load
from sparring.probability.kept import ABOUT


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    capsys.readouterr()
    assert main([*map(str, words), "--device", "cpu", "--json"]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("judge", ["rejection", "chain"])
def test_samples_keep_their_labels_and_their_seed(
    judge: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sample", pictures, "-n", 24, "--label", "2", "--judge", judge, "--proposals", 3]
    told = answer(capsys, *words, "--out", tmp_path / "x.npz")
    assert told["kept"] == 24
    assert int(str(told["generated"])) >= (72 if judge == "chain" else 24)
    with np.load(tmp_path / "x.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    assert set(labels.tolist()) == {"2"}
    model = load(pictures, "cpu")
    again = model.sample(24, label="2", judge=judge, proposals=3)[:, 0].numpy()
    np.testing.assert_array_equal(images, ((again + 1) * 127.5).round().clip(0, 255).astype(np.uint8))
    assert len(np.unique(images.reshape(24, -1), axis=0)) == 24


def test_what_is_kept_is_evaluated(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=3))
    plain = answer(capsys, "evaluate", pictures, "-n", 40, "--out", tmp_path / "plain")
    kept = answer(capsys, "evaluate", pictures, "-n", 40, "--judge", "rejection", "--out", tmp_path / "kept")
    values = [{row["name"]: row["value"] for row in each["scores"]} for each in (plain, kept)]  # type: ignore[attr-defined]
    assert values[0]["kernel"] != values[1]["kernel"]
    assert {"judge", "judge-accuracy", "divergence", "discriminator"} <= values[0].keys()
    assert "judge" not in values[1]  # it is that of samples as they are made
    assert 0 <= values[0]["judge-accuracy"] <= 1


def test_where_there_is_no_judge(
    finished_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", tmp_path / "x.npz"]
    line = refused(capsys, "sample", finished_run, "--judge", "rejection", *out)
    assert line == f"judge: {finished_run} is not calibrated; first run: sparring calibrate {finished_run}"
    assert "is not one of none, rejection, chain" in refused(capsys, "sample", pictures, "--judge", "maybe", *out)
    assert "sparring calibrate RUN, then --judge" in refused(capsys, "sample", pictures, "--min-probability", 0.5, *out)
    folder = tmp_path / "samples"
    folder.mkdir()
    line = refused(capsys, "evaluate", folder, "--data", pictures.parent / "pictures.npz", "--judge", "chain")
    assert line.startswith(f"judge: {folder} holds samples")
    assert not (tmp_path / "x.npz").exists()


def test_features_that_are_not_there(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A calibration that was made where pretrained features are installed is no measure where they are not."""
    path = pictures / "model" / ABOUT
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "facts": {**about["facts"], "features": "others"}}))
    line = refused(capsys, "score", pictures, pictures.parent / "pictures.npz", "--alpha", 0.1)
    assert "was calibrated in features others, here are blurred pixels; run sparring calibrate again" in line
