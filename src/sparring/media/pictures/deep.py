"""Pictures of more than 8 bits: what range their values have, and how they are brought to 8 bits and back.

A range is ``(low, high)``, black and white; an empty one stands for all that a file can hold: 0 to 65535 for whole
numbers, 0 to 1 for floating point.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

Range = tuple[float, ...]
FULL: Range = ()
BAND = 1 << 20  # values that are brought from one type to another at a time
TOPS = tuple(2.0**bits - 1 for bits in (8, 10, 12, 14, 16))  # of the bits that cameras and scanners have

OTHER = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L"}
"""The orders of the two bytes of a value, by Pillow's names, each with the other one."""


def is_deep(mode: str) -> bool:
    """Whether pictures of this mode have more than 8 bits a value: one of Pillow's, or of :func:`mode_of`."""
    return mode in ("I", "F") or ";16" in mode


def mode_of(image: Image.Image) -> str:
    """The mode of a picture whose pixels are not decoded yet: Pillow's name, or ``RGB;16`` and ``RGBA;16`` for colours
    of 16 bits, of which Pillow gives the upper 8 alone."""
    packed = {_packed(tile) for tile in getattr(image, "tile", [])}
    known = image.mode in ("RGB", "RGBA") and packed and packed <= {image.mode + order for order in OTHER}
    return f"{image.mode};16" if known else image.mode


def give_lower_bytes(image: Image.Image) -> None:
    """Make a picture of mode ``RGB;16`` or ``RGBA;16`` decode to the lower bytes of its values: by the other order."""
    tiles = []
    for tile in image.tile:  # type: ignore[attr-defined]
        packed = _packed(tile)
        other = packed[:-4] + OTHER[packed[-4:]]
        tiles.append(tile._replace(args=other if isinstance(tile.args, str) else (other, *tile.args[1:])))
    image.tile = tiles  # type: ignore[attr-defined]


def _packed(tile: Any) -> str:
    """How the values of a part of a picture lie in its file, in Pillow's words."""
    args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    return str(args[0]) if args else ""


def scaled(image: Image.Image, limits: Range = FULL) -> Image.Image:
    """A deep picture in 8 bits, mode ``L``, by its range; others as they are. Raises ValueError as :func:`shares`
    does."""
    if not is_deep(image.mode):
        return image
    page = Image.new("L", image.size)
    for rows in bands(image.height, image.width):
        page.paste(Image.fromarray(to_8_bits(values_of(image, rows), limits)), (0, rows.start))
    return page


def values_of(image: Image.Image, rows: slice) -> np.ndarray:
    """The values in some rows of a picture, ``(rows, width)`` or ``(rows, width, channels)``: Pillow makes copies of
    what it gives, and of a whole picture these are several times as large."""
    return np.asarray(image.crop((0, rows.start, image.width, rows.stop)))


def bands(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture from the first to the last, so many together as are dealt with at a time."""
    step = max(1, BAND // max(1, width))
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def to_8_bits(values: np.ndarray, limits: Range = FULL) -> np.ndarray:
    """Values ``(...)`` as bytes in [0, 255], by their range. Raises ValueError as :func:`shares` does."""
    return np.rint(shares(values, limits) * 255.0).astype(np.uint8)


def shares(values: np.ndarray, limits: Range = FULL) -> np.ndarray:
    """Values ``(...)`` as shares of their range, floating point in [0, 1]; those outside a range that was found or set
    are black or white. Raises ValueError for values that are not finite, or outside all that a file can hold."""
    low, high = map(float, limits or full_range(values.dtype))
    least, most = float(values.min()), float(values.max())
    if not (np.isfinite(least) and np.isfinite(most)):
        raise ValueError("holds numbers that are not finite")
    if not limits and (least < low or most > high):
        raise ValueError(f"values from {least:g} to {most:g}, outside [{low:g}, {high:g}]; see --range")
    parts: np.ndarray = (values - low) / (high - low)
    return parts.clip(0, 1) if limits else parts


def unscaled(parts: np.ndarray, dtype: np.dtype, limits: Range = FULL) -> np.ndarray:
    """What :func:`shares` were of: ``parts`` ``(...)`` in [0, 1] as values of that type, whole numbers rounded."""
    low, high = limits or full_range(dtype)
    values = np.asarray(parts, np.float64) * (high - low) + low
    return values.astype(dtype) if dtype.kind == "f" else np.rint(values).astype(dtype)


def full_range(dtype: np.dtype) -> tuple[float, float]:
    """All that a file of such numbers can hold."""
    return (0.0, 1.0) if dtype.kind == "f" else (0.0, 65535.0)


def range_of(low: float, high: float, dtype: np.dtype) -> tuple[float, float]:
    """The range of a set whose values go from ``low`` to ``high``: from 0 to a full number of bits, 8 to 16, where that
    is not far beyond; floating point in [0, 1] or [-1, 1] where it fits in there; else from the least to the most."""
    if dtype.kind == "f" and low >= -1 and high <= 1:
        return (0.0, 1.0) if low >= 0 else (-1.0, 1.0)
    if low >= 0:
        top = next((top for top in TOPS if high <= top), high)
        return 0.0, top if high > top / 4 else max(high, 1.0)
    return low, high
