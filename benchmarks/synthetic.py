"""Pictures to train on where only their number and size matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def draw_pictures(folder: Path, count: int, side: int, seed: int) -> None:
    """Write ``count`` colour PNGs of ``side`` x ``side`` pixels: shapes on a ground, about as costly to decode as
    icons."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for index in range(count):
        picture = Image.new("RGB", (side, side), colour(random))
        pen = ImageDraw.Draw(picture)
        for _ in range(6):
            corners = np.sort(random.integers(0, side, (2, 2)), axis=0)
            box = [float(value) for value in corners.flatten()]
            draw = pen.ellipse if random.random() < 0.5 else pen.rectangle
            draw(box, fill=colour(random))
        picture.save(folder / f"{index:06d}.png")


def colour(random: np.random.Generator) -> tuple[int, int, int]:
    """A random colour, each channel in [0, 255]."""
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue
