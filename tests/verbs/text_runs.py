"""What tests of verbs on text share: lines, runs on them, and what a verb answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from table import HOME, smallest

from sparring.cli import main
from sparring.verbs.train import train

LINES = 600
draw_lines = HOME["topics"].draw_lines


def a_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = draw_lines(tmp_path_factory.mktemp("lines") / "lines.tsv", LINES)
    return path


def both_phases(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pretraining and the adversarial phase, 60 lines held out."""
    place = tmp_path_factory.mktemp("text")
    settings = {"data": str(table), "steps": 8, "pretrain_examples": 32, "measure_every": 16, "held_out": 60}
    recipe = smallest("topics", place).changed({**settings, "learning_rate": 0.02})
    return train(recipe, out=place / "run").run


def pretraining(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without labels; its discriminator has not learned."""
    place = tmp_path_factory.mktemp("first")
    settings = {"data": str(table), "labelled": "no", "steps": 1}
    return train(smallest("topics", place).changed(settings), out=place / "run").run


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """The one JSON object on standard output."""
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def sentences(*topics: str, count: int = 60) -> str:
    """A table of them, the topics in turn."""
    rows = [f"{topics[at % len(topics)]}\tcould you play the song number {at}\n" for at in range(count)]
    return "label\ttext\n" + "".join(rows)
