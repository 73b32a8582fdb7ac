"""The verbs as a person types them: what they print, what they write, how fast they answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from table import HOME

from sparring.cli import main
from sparring.modalities import RECIPES


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    """The one JSON object on standard output."""
    assert main([*map(str, words), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_recipes_lists_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(answer(capsys, "recipes")) == set(RECIPES)
    assert main(["recipes"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in RECIPES)


def test_train_resume_sample_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = HOME["digits"].draw_pictures(tmp_path / "drawn.npz", (8, 8, 1)), tmp_path / "run"
    words = ["train", data, "--out", run, "--steps", 2, "--batch", 8, "--width", 4]
    assert answer(capsys, *words)["steps"] == 2
    assert answer(capsys, "resume", run, "--steps", 3)["steps"] == 3

    sheet = tmp_path / "sheet.png"
    sampled = answer(capsys, "sample", run, "-n", 4, "--seed", 7, "--out", sheet)
    assert sampled["written"] == [str(sheet)]
    told = answer(capsys, "info", sheet)
    assert (told["seed"], told["model"]) == (7, sampled["model"])
    assert told["recipe"]["batch"] == 8  # type: ignore[index]

    about = answer(capsys, "info", run)
    assert about["ended"] == "all 3 steps are done"
    for path, first, told in (
        (run, "run ", "all 3 steps are done"),
        (run / "model", "model ", "height 8, width 8"),
        (sheet, "file ", "7"),
    ):
        assert main(["info", str(path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith(first)
        assert 5 <= len(lines) <= 10
        assert any(told in line for line in lines), lines
        assert any(line.startswith("settings") and "batch 8" in line for line in lines)


def test_sample_writes_what_the_ending_says(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "sample", finished_run, "-n", 6, "--out", tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as arrays:
        assert arrays["images"].shape == (6, 8, 8)
        assert arrays["images"].dtype == np.uint8
        assert list(arrays["labels"]) == ["0", "1", "2", "3", "0", "1"]
    answer(capsys, "sample", finished_run, "-n", 3, "--label", "2", "--out", tmp_path / "folder")
    assert len(list((tmp_path / "folder").glob("*.png"))) == 3


def test_data_check_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(20):
        Image.new("RGB", (9, 7), (index, 0, 0)).save(folder / f"{index}.png")
    (folder / "broken.png").write_bytes(b"")
    found = answer(capsys, "data", "check", folder, "--out", tmp_path / "sheet.png")
    assert found["good"] == 20
    assert "broken.png" in str(found["bad"])
    assert (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["recipes", "--json"],
        ["train", "digts"],
        ["train", "digits", "--help"],
        ["train", "digits", "--batch", "0"],
        ["sample", "runs/x", "--help"],
        ["evaluate", "--help"],
        ["resume", "runs/x", "--help"],
        ["data", "check", "--help"],
    ],
)
def test_answers_without_importing_torch(words: list[str]) -> None:
    code = f"import sys; from sparring.cli import main; main({words!r}); sys.exit('torch' in sys.modules)"
    started = time.perf_counter()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
    assert time.perf_counter() - started < 5  # not the target (0.3 s), only that nothing heavy is done
