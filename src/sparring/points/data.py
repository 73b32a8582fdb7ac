"""Points in the plane: two mixtures drawn here, or an array of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.reading import reason
from sparring.core.settings import nearest
from sparring.core.terminal import quoted_place
from sparring.data.arrays import read_npy
from sparring.data.source import BadFile, Form
from sparring.points.recipes import PointRecipe

LARGEST = 1e15  # a coordinate: squares of larger ones leave the range of float32
LEAST_SCALE = 1e-12
LEAST = 16  # points to train on
MOST = 4096  # dimensions
SIGMA = 0.05
DRAWN = 100_000  # points of a mixture that are trained on (PacGAN's protocol)


def grid_centres() -> np.ndarray:
    """25 centres at {-4, -2, 0, 2, 4}^2, shape ``(25, 2)``."""
    steps = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)


def ring_centres() -> np.ndarray:
    """8 centres on a circle of radius 2, shape ``(8, 2)``."""
    angles = np.arange(8) * (2 * math.pi / 8)
    return 2 * np.stack([np.cos(angles), np.sin(angles)], -1)


MIXTURES = {"gaussians-25": grid_centres, "gaussians-8": ring_centres}


@dataclass(frozen=True, kw_only=True)
class PointForm(Form):
    """Points of so many ``dimensions``, with the mean ``centre`` and the standard deviation ``scale``."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "dimensions": (1, MOST), "centre": (-LARGEST, LARGEST), "scale": (LEAST_SCALE, LARGEST),
    }  # fmt: skip

    dimensions: int
    centre: tuple[float, ...]
    scale: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.centre) != self.dimensions:
            raise UserError(f"centre: {len(self.centre)} numbers for points of {self.dimensions} dimensions")

    def differs(self, other: Form) -> str:
        """Why points of ``other`` cannot be compared with these: another number of dimensions."""
        theirs = other.dimensions if isinstance(other, PointForm) else 0
        return "" if theirs == self.dimensions else f"{theirs} dimensions instead of {self.dimensions}"


class PointSource:
    """Points ``(n, dimensions)`` in memory, as given; the game itself works on them scaled."""

    in_memory = True

    def __init__(self, name: str, points: np.ndarray, centres: np.ndarray | None = None) -> None:
        self.name = name
        self.centres = centres  # of the mixture they were drawn from, where that is known
        self.bad_files: list[BadFile] = []
        self.points = torch.from_numpy(points.astype(np.float32))
        scale = max(float(points.std()), LEAST_SCALE)
        self.form = PointForm(dimensions=points.shape[1], centre=tuple(points.mean(0).tolist()), scale=scale)

    def __len__(self) -> int:
        return len(self.points)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``{"examples": float32 (n, dimensions)}`` at int64 ``indices`` ``(n,)``."""
        return {"examples": self.points[torch.from_numpy(indices)]}


def open_source(recipe: PointRecipe, least: int = LEAST) -> PointSource:
    """The points that ``recipe.data`` names. Raises :class:`UserError` when there are fewer than ``least`` to be
    had."""
    if recipe.data in MIXTURES:
        centres = MIXTURES[recipe.data]()
        return PointSource(recipe.data, mixture(centres, DRAWN, seed=0), centres)
    path = Path(recipe.data)
    if not path.exists():
        raise UserError(f"data: no file and no set called {quoted_place(recipe.data)}{nearest(recipe.data, MIXTURES)}")
    try:
        points = read_npy(path)
    except Exception as problem:  # a broken file may trip NumPy up in any way at all
        raise UserError(f"{path}: not a .npy array of points ({reason(problem)}); save one with numpy.save") from None
    if points.ndim != 2 or len(points) < least or not points.shape[1] or points.dtype.kind not in "fiu":
        raise UserError(f"{path}: needs one array of numbers, at least {least} points by up to {MOST:,} dimensions")
    if points.dtype.itemsize not in (4, 8):  # others overflow in between, or are unknown to torch
        points = points.astype(np.float64)
    if not (np.abs(points) < LARGEST).all():
        raise UserError(f"{path}: holds numbers that are not finite, or beyond {LARGEST:g}; remove or scale them")
    return PointSource(path.name, points)


def mixture(centres: np.ndarray, count: int, seed: int) -> np.ndarray:
    """``count`` points ``(count, dimensions)`` from equally weighted Gaussians of deviation ``SIGMA`` around
    ``centres`` ``(modes, dimensions)``."""
    random = np.random.default_rng(seed)
    chosen = centres[random.integers(len(centres), size=count)]
    return chosen + SIGMA * random.standard_normal(chosen.shape)
