"""The recipes of points at their smallest, for the conformance table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparring.core.recipe import Recipe

SMALLEST: dict[str, dict[str, Any]] = {
    "gaussians": {"width": 16},
    "gaussians-ring": {"width": 16},
    "gaussians-flow": {"width": 16, "couplings": 2},
}
PER_PROCESS: set[str] = set()


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """Points need no files: they are drawn from their mixtures."""
    return recipe
