"""The recipes of pictures at their smallest, for the conformance tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.recipe import Recipe

SMALLEST: dict[str, dict[str, Any]] = {
    "images": {"width": 4},
    "letters": {"width": 4},
    "digits": {"width": 4},
    "mnist": {"width": 4},
    "fashion-mnist": {"width": 4},
    "cifar10": {"width": 4},
    "tutorial": {"latent": 8},
    "dcgan": {"width": 4},
    "wgan-gp": {"width": 4},
    "sn-hinge": {"width": 4},
    "stacked-mnist": {"width": 4},
    "flow": {"coupling_width": 4},
    "flow-gan": {"width": 4, "coupling_width": 4},
    "r3gan-stacked-mnist": {"widths": "16,16", "size": "8"},
    "r3gan-stacked-mnist-narrow": {"widths": "16,16", "size": "8"},
    "r3gan-cifar10": {"widths": "16,16", "size": "8"},
}
PER_PROCESS = {"tutorial", "dcgan", "wgan-gp", "sn-hinge"}
"""Batch norm and dropout look at one process's share: two processes differ from one."""
PICTURES = {"tutorial": (28, 28, 1), "r3gan-cifar10": (8, 8, 3)}  # (height, width, channels), where not 8x8 in grey


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """The recipe on a few pictures drawn into ``folder``."""
    pictures = draw_pictures(folder / f"{name}.npz", PICTURES.get(name, (8, 8, 1)))
    return recipe.changed({"data": str(pictures)})


def draw_pictures(path: Path, shape: tuple[int, int, int], count: int = 40) -> Path:
    """Labelled noise ``(count, height, width, channels)`` as an .npz file: enough to be trained on for a few steps."""
    if not path.exists():
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        np.savez(path, images=pictures, labels=np.arange(count) % 4)
    return path
