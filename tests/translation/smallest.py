"""The recipes of translation at their smallest, on a few drawn pictures and frames, for the conformance table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.recipe import Recipe

ONE: dict[str, Any] = {"steps": 1}
SMALLEST: dict[str, dict[str, Any]] = {
    "cyclegan": {**ONE, "width": 4, "blocks": 1, "pool": 16, "shift": 1, "motion": 1, "frame": True},
    "cut": {**ONE, "width": 4, "blocks": 1, "shift": 1, "frame": True},
    "fastcut": {**ONE, "width": 4, "blocks": 1, "shift": 1, "motion": 1, "skip": True},
    "recyclegan": {**ONE, "width": 4, "blocks": 1, "shift": 1, "size": "16", "patch": "16"},
    "reframed": {**ONE, "width": 4, "blocks": 1, "patch": "16"},
    "ink-neon": {**ONE, "width": 4, "blocks": 1, "data": ""},
    "cyclegan-paper-256": {
        "width": 4,
        "blocks": 1,
        "size": "16",
        "patch": "16",
        "shift": 1,
        "upsampling": "transposed",
    },
    "cut-paper-256": {**ONE, "width": 4, "blocks": 1, "size": "16", "patch": "16", "shift": 1},
}
PER_PROCESS: set[str] = set()
SIDE = 16  # pixels


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """The recipe on two domains that are drawn into ``folder``: of noise, or of noise that drifts to the right."""
    if name == "recyclegan":
        return recipe.changed(
            {setting: str(draw_video(folder / f"{name}-{setting}")) for setting in recipe.data_settings}
        )
    return recipe.changed(
        {setting: str(draw_pictures(folder / f"{name}-{setting}.npz")) for setting in recipe.data_settings}
    )


def draw_pictures(path: Path, count: int = 40) -> Path:
    """Labelled noise as an .npz file: enough to be trained on for a few steps."""
    if not path.exists():
        pictures = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
        np.savez(path, images=pictures, labels=np.arange(count) % 4)
    return path


def draw_video(folder: Path, count: int = 40) -> Path:
    """A folder with a folder of frames: noise that drifts to the right."""
    if not folder.exists():
        (folder / "film").mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        for number in range(count):
            Image.fromarray(np.roll(pixels, number, 1)).save(folder / "film" / f"{number}.png")
    return folder
