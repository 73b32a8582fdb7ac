"""The recipes of sounds at their smallest, for the conformance tests: one for each representation, with labels and
without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.recipe import Recipe

RATE, LENGTH, LABELS = 2000, 256, 4

SMALLEST: dict[str, dict[str, Any]] = {
    "audio": {"width": 4},
    "tones": {"width": 4, "phase_iterations": 2},
    "wavegan": {"width": 4, "latent": 8},
}
PER_PROCESS = {"wavegan"}
"""Phase shuffle moves one process's share: two processes differ from one."""


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """The recipe on a few sounds drawn into ``folder``."""
    return recipe.changed({"data": str(draw_sounds(folder / "sounds"))})


def draw_sounds(folder: Path, count: int = 40) -> Path:
    """Sines of some pitches with noise, a sub-folder for each of 4 labels: enough to be trained on for a few steps."""
    import soundfile

    if folder.exists():
        return folder
    random = np.random.default_rng(0)
    time = np.arange(LENGTH) / RATE
    for number in range(count):
        label = number % LABELS
        (folder / f"pitch{label}").mkdir(parents=True, exist_ok=True)
        sound = 0.3 * np.sin(2 * np.pi * 100 * (label + 1) * time + random.uniform(0, 6))
        sound += 0.02 * random.standard_normal(LENGTH)
        soundfile.write(folder / f"pitch{label}" / f"{number:02d}.wav", sound, RATE, "PCM_16")
    return folder
