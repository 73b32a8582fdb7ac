"""Names are bytes: classes and files that are no UTF-8, or would move a terminal, are trained on and shown as text."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from sparring.cli import main
from sparring.report.changes import read_recipe

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text on this system")

CLASSES = (b"caf\xe9", b"\xff", b"\x1b[31m\xe2\x80\xae`|<b>\n" + b"x" * 200)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder, itself no UTF-8, of eight pictures in each of three classes; one of them is damaged."""
    root = tmp_path / os.fsdecode(b"d\xe4ta")
    for index, name in enumerate(CLASSES):
        folder = root / os.fsdecode(name)
        folder.mkdir(parents=True)
        for number in range(8):
            path = folder / f"{os.fsdecode(name)[:20]}{number}.png"
            path.touch()
            with path.open("wb") as file:
                Image.new("L", (8, 8), 30 * number + index).save(file, "PNG")
    (folder / os.fsdecode(b"\xfe.png")).write_bytes(b"no picture")
    return root


def test_they_are_trained_on_and_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, small = tmp_path / "run", ["--steps", "2", "--batch", "4", "--width", "4", "--conditional", "yes"]
    assert main(["data", "check", str(data), "--out", str(tmp_path / "sheet.png"), "--json"]) == 0
    labels = [*json.loads(capsys.readouterr().out)["labels"]]
    assert {"caf\\xe9", "\\xff"} < set(labels)
    assert main(["train", str(data), "--out", str(run), *small]) == 0
    assert main(["resume", str(run), "--steps", "3"]) == 0
    assert main(["info", str(run)]) == 0
    assert main(["sample", str(run), "-n", "3", "--label", "\udcff", "--out", str(tmp_path / "a.png")]) == 0
    assert main(["sample", str(run), "-n", "3", "--label", "caf\\xe9", "--out", str(tmp_path / "a.zip")]) == 0
    assert main(["score", str(run), str(data), "--out", str(tmp_path / "scores.tsv")]) == 0

    printed = capsys.readouterr()
    assert "internal error" not in printed.err
    for text in (printed.out, printed.err):
        assert all(character.isprintable() or character == "\n" for character in text)
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    assert sorted(config["form"]["labels"]) == sorted(labels)
    assert config["recipe"]["data"] == data.name
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    assert "<b>" not in card
    for name in ("recipe.yaml", "journal.jsonl", "report.html", "../scores.tsv"):
        assert (run / name).read_text(encoding="utf-8").isprintable() is False  # it is text, in lines
    assert read_recipe(run / "recipe.yaml")["data"] == data.name


def test_a_name_as_long_as_the_system_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ("x" * 255)
    folder.mkdir()
    for number in range(16):
        Image.new("L", (8, 8), number).save(folder / f"{number}{'y' * 240}.png")
    assert main(["data", "check", str(folder)]) == 0
    assert (
        main(["train", str(folder), "--out", str(tmp_path / "r"), "--steps", "1", "--batch", "4", "--width", "4"]) == 0
    )
