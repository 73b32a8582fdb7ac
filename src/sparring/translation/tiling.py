"""A translator on pictures of any size: padded and cropped back, whole, or in tiles that cannot be told from the whole.

Tiles overlap by as much as the translator sees, and their instance norms share statistics taken from tiles all over
the picture, so neither their borders nor their colours show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sparring.core.errors import UserError
from sparring.media.pictures.sheets import to_bytes
from sparring.translation.game import as_numbers
from sparring.translation.networks.normalise import follow, held, rate_of
from sparring.translation.networks.resnet import DOWN, ResnetTranslator

WHOLE = 1 << 20  # pixels that are translated at once; larger pictures go in tiles
TILE = 512  # pixels, without the overlap
SAMPLED = 16  # squares that the shared statistics come from


@torch.no_grad()
def translate_picture(translator: ResnetTranslator, pixels: np.ndarray, tile: int = 0) -> np.ndarray:
    """The translation of a picture, both ``(height, width, channels)``: uint8, or float32 in [0, 255].

    In tiles of ``tile`` pixels, 0 for whole pictures up to a megapixel and tiles of 512 beyond. Raises
    :class:`UserError` for a tile that is no multiple of four or too small.
    """
    check_tile(tile)
    height, width = pixels.shape[:2]
    device = next(translator.parameters()).device
    picture = padded(as_numbers(torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].to(device)))
    finish = to_bytes if pixels.dtype == np.uint8 else to_levels
    if tile or height * width > WHOLE:
        made = in_tiles(translator, picture, tile or TILE, finish)
    else:
        made = finish(translator(picture))
    return made[0, :, :height, :width].permute(1, 2, 0).contiguous().numpy()


def check_tile(tile: int) -> None:
    """Raise :class:`UserError` for a tile that no translator takes."""
    if tile and (tile % DOWN or tile < 2 * DOWN):
        raise UserError(f"tile: {tile} will not do; choose a multiple of {DOWN}, {2 * DOWN} or more")


def padded(picture: Tensor) -> Tensor:
    """A picture ``(1, channels, height, width)`` continued to the right and downwards, as in a mirror, to multiples of
    four."""
    while True:  # a mirror shows at most as much as there is
        height, width = picture.shape[2:]
        right, down = missing(width), missing(height)
        if not right and not down:
            return picture
        step = (0, min(right, max(width - 1, 1)), 0, min(down, max(height - 1, 1)))
        mode = "reflect" if width > step[1] and height > step[3] else "replicate"
        picture = pad(picture, step, mode=mode)


def missing(side: int) -> int:
    """How many pixels are missing to the next side that a translator takes."""
    return max(2 * DOWN, -(-side // DOWN) * DOWN) - side


def to_levels(pictures: Tensor) -> Tensor:
    """Pictures of any shape in [-1, 1] as float32 in [0, 255], on the CPU; values outside are clamped."""
    return ((pictures.detach().float() + 1) * 127.5).clamp(0, 255).cpu()


def in_tiles(
    translator: ResnetTranslator, picture: Tensor, tile: int, finish: Callable[[Tensor], Tensor] = to_bytes
) -> Tensor:
    """The translation of a picture, made in tiles of so many pixels, as ``finish`` makes it of [-1, 1]: uint8 on the
    CPU; both ``(1, channels, height, width)``."""
    picture = translator.framed(picture)  # as a whole: no tile is framed by itself
    height, width = picture.shape[2:]
    made = finish(torch.zeros((1, *picture.shape[1:])))
    with shared_statistics(translator, picture, tile):
        for top, left in corners(height, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            up, before = max(top - translator.reach, 0), max(left - translator.reach, 0)
            around = picture[:, :, up : bottom + translator.reach, before : right + translator.reach]
            part = finish(translator.redraw(around))
            made[:, :, top:bottom, left:right] = part[:, :, top - up : bottom - up, left - before : right - before]
    return made


@contextmanager
def shared_statistics(translator: ResnetTranslator, picture: Tensor, tile: int) -> Iterator[None]:
    """Inside, norms hold statistics from all over the picture ``(1, channels, height, width)``. Those that are held for
    a video already follow it once, as far as they were told to."""
    rate = rate_of(translator)
    with nullcontext() if rate is not None else held(translator):
        follow(translator, 1.0 if rate is None else rate)
        translator.redraw(sampled(picture, tile))
        follow(translator, 0.0)
        try:
            yield
        finally:
            follow(translator, rate or 0.0)


def corners(height: int, width: int, tile: int) -> Iterator[tuple[int, int]]:
    """The upper left corner of each tile."""
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            yield top, left


def sampled(picture: Tensor, tile: int) -> Tensor:
    """Squares from all over the picture ``(1, channels, height, width)``, as one batch ``(n, channels, side, side)``: a
    megapixel at most."""
    height, width = picture.shape[2:]
    side = min(256, tile, height, width)
    rows, columns = (spread(length, side) for length in (height, width))
    squares = [picture[:, :, row : row + side, column : column + side] for row in rows for column in columns]
    return torch.cat(squares)


def spread(length: int, side: int) -> list[int]:
    """Where up to four squares along ``length`` begin, evenly spaced from the first pixel to the last."""
    count = min(int(SAMPLED**0.5), -(-length // side))
    return [round(start) for start in np.linspace(0, length - side, count)]
