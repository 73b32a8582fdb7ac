"""What a person is shown of a translation: originals beside what was made of them, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.game import Batch, Networks
from sparring.media.pictures.sheets import sheet, to_picture
from sparring.translation.game import DIRECTIONS, as_numbers, translated, translator_of

CELL = 256  # pixels, of a picture on a sheet of pairs


@torch.no_grad()
def strips(networks: Networks, directions: Sequence[str], batch: Batch, count: int) -> Tensor:
    """Strips ``(n, channels, height, k * width)`` in [-1, 1] of the first ``count`` pictures of a batch's source
    domains: a picture, its translation and, where there are both directions, that translated back."""
    rows = []
    for direction in directions:
        source, _ = DIRECTIONS[direction]
        strip = [as_numbers(batch[source][:count])]
        for name in (direction, *(other for other in directions if other != direction)):
            strip.append(translated(translator_of(networks["generator"], name), strip[-1]))
        rows.append(torch.cat(strip, 3))
    return torch.cat(rows)


def columns_of(directions: Sequence[str]) -> list[str]:
    """What stands above each column of a sheet of :func:`strips`: of both directions, a strip of each in a row; of one,
    four strips."""
    titles = []
    for direction in directions:
        source, target = (domain.upper() for domain in DIRECTIONS[direction])
        titles += [f"input {source}", f"as {target}", *([f"back to {source}"] if len(directions) > 1 else [])]
    return titles if len(directions) > 1 else 4 * titles


def pair_sheet(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Image.Image:
    """Pictures ``(height, width, channels)`` beside what was made of them, each brought into a square of 256 pixels."""
    cells = [np.concatenate([boxed(original), boxed(made)], 1) for original, made in pairs]
    return sheet(np.stack(cells), columns=max(1, round(len(cells) ** 0.5 / 2**0.5)), scale=1)


def boxed(pixels: np.ndarray) -> np.ndarray:
    """A picture ``(height, width, channels)`` as large as fits, on white: ``(256, 256, channels)``."""
    picture = to_picture(pixels)
    picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    box = np.full((CELL, CELL, pixels.shape[2]), 255, np.uint8)
    inner = np.asarray(picture).reshape(picture.height, picture.width, -1)
    top, left = (CELL - picture.height) // 2, (CELL - picture.width) // 2
    box[top : top + picture.height, left : left + picture.width] = inner
    return box
