"""``sparring data check``: what is in a data set, what is wrong with it, and a sheet of it to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparring.core.recipe import Recipe
from sparring.images.data import check as check_images
from sparring.images.data import open_source

SHOWN = 64  # pictures on the sheet


def check(recipe: Recipe, out: str | Path | None = None) -> dict[str, Any]:
    """A summary of ``recipe.data``, with the picture sheet it drew. Raises :class:`UserError` as training would."""
    from sparring.images.pictures import write_samples

    summary: dict[str, Any] = check_images(recipe)
    source = open_source(recipe)
    chosen = np.random.default_rng(0).permutation(len(source))[:SHOWN]
    pictures = source.batch(np.sort(chosen))["images"].float() / 127.5 - 1
    place = Path(out) if out else Path(f"check-{Path(recipe.data).stem}.png")
    write_samples(torch.as_tensor(pictures), None, place, {"data": Path(recipe.data).name}, overwrite=out is None)
    return {**summary, "sheet": str(place)}


def told(found: dict[str, Any]) -> str:
    """The summary in words."""
    return "\n".join(f"{name}: {value}" for name, value in found.items())
