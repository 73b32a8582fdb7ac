"""Small runs of every kind that makes examples of its own, calibrated, and what verbs answer about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from table import HOME, smallest

from sparring.cli import main
from sparring.verbs.train import train

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


def calibrated(recipe: str, place: Path) -> Path:
    """A run of two steps on 300 examples, of which 30 are held out; they calibrate it."""
    settings = {"data": str(KINDS[recipe](place))}
    run = train(smallest(recipe, place, steps=2, held_out=HELD_OUT).changed(settings), out=place / "run").run
    assert main([str(word) for word in ("calibrate", run, *ALPHA, "--steps", 6)]) == 0
    return run


def draw(path: Path, count: int, seed: int, labelled: bool = True) -> Path:
    """Other noise than the run was trained on."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    np.savez(path, images=images, **({"labels": np.arange(count) % 4} if labelled else {}))
    return path


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
