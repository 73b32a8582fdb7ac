"""Originals beside their translations, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from sparring.images.samples import write_samples as write_samples
from sparring.media.pictures.sheets import sheet, to_picture

CELL = 256  # pixels, of a picture on a sheet


def pair_sheet(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Image.Image:
    """Pictures beside what was made of them, both brought into a square of 256 pixels."""
    cells = [np.concatenate([boxed(one), boxed(other)], 1) for one, other in pairs]
    return sheet(np.stack(cells), columns=max(1, round(len(cells) ** 0.5 / 2**0.5)), scale=1)


def boxed(pixels: np.ndarray) -> np.ndarray:
    """``(256, 256, channels)``: as large as fits, on white."""
    picture = to_picture(pixels)
    picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    box = np.full((CELL, CELL, pixels.shape[2]), 255, np.uint8)
    inner = np.asarray(picture).reshape(picture.height, picture.width, -1)
    top, left = (CELL - picture.height) // 2, (CELL - picture.width) // 2
    box[top : top + picture.height, left : left + picture.width] = inner
    return box
