"""The recipes of videos at their smallest, for the conformance tests, on strips of frames that are drawn here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.recipe import Recipe

SIDE, FRAMES = 16, 6

SMALLEST: dict[str, dict[str, Any]] = {
    "video": {"width": 4, "latent": 8, "size": str(SIDE), "frames": FRAMES},
    "moving-shapes": {"width": 4, "latent": 8, "size": str(SIDE), "frames": FRAMES, "motion": "recurrent",
                      "timed": "no", "frame_discriminator": True, "batch_statistics": False},
    "video-128": {"width": 4, "latent": 8, "size": str(SIDE), "frames": FRAMES, "timed": "no", "output": "foreground",
                  "frame_discriminator": True, "batch_statistics": False, "halved": "yes"},
}  # fmt: skip
PER_PROCESS: set[str] = set()


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """The recipe on a few strips drawn into ``folder``."""
    return recipe.changed({"data": str(draw_strips(folder / "strips"))})


def draw_strips(folder: Path, count: int = 40) -> Path:
    """Squares of some colour that move across or down, a sub-folder for each way: enough for a few steps."""
    if folder.exists():
        return folder
    random = np.random.default_rng(0)
    for number in range(count):
        label = ("across", "down")[number % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        frames = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
        start, colour = random.integers(0, 4), random.integers(80, 256, 3)
        for time, frame in enumerate(frames):
            moved, still = start + time, 6
            top, left = (still, moved) if label == "across" else (moved, still)
            frame[top : top + 5, left : left + 5] = colour
        strip = frames.transpose(1, 0, 2, 3).reshape(SIDE, FRAMES * SIDE, 3)
        Image.fromarray(strip).save(folder / label / f"{number:02d}.png")
    return folder
