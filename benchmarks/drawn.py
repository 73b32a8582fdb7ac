"""Pictures to train on where only their number and size matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def draw_pictures(folder: Path, count: int, side: int, seed: int) -> None:
    """``count`` colour PNGs of ``side`` x ``side`` pixels: shapes on a ground, about as costly to decode as icons."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    for index in range(count):
        picture = Image.new("RGB", (side, side), colour(chance))
        pen = ImageDraw.Draw(picture)
        for _ in range(6):
            corners = np.sort(chance.integers(0, side, (2, 2)), axis=0)
            box = [float(value) for value in corners.flatten()]
            draw = pen.ellipse if chance.random() < 0.5 else pen.rectangle
            draw(box, fill=colour(chance))
        picture.save(folder / f"{index:06d}.png")


def colour(chance: np.random.Generator) -> tuple[int, int, int]:
    """Any."""
    red, green, blue = chance.integers(0, 256, 3).tolist()
    return red, green, blue
