"""What only the pixels of a set tell: whether there is colour, and how far values of more than 8 bits go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from sparring.core.errors import UserError
from sparring.core.schedules import exact
from sparring.media.pictures.deep import FULL, Range, full_range, range_of

LOOKED_AT = 1024  # pictures of a set that streams from disk
PIXELS = 4096  # of a picture, for what is usual in it
MOST = 0.999  # of the pixels are usual
CHUNK = 256  # pictures at a time
TOLERANCE = 8  # by which the channels of a grey picture may differ: 7 was the most that JPEG made of a difference of 1
DARK = 16  # times as bright as usual: then white is too far away


@dataclass(frozen=True)
class Extent:
    """How far the values of one picture go, or of many."""

    low: float
    high: float
    usual: float
    """Nearly no value is above it."""
    dtype: np.dtype

    @property
    def is_finite(self) -> bool:
        """Whether there are numbers alone."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def extent_of(values: np.ndarray) -> Extent:
    """How far the values ``(...)`` go."""
    few = values.reshape(-1)[:: max(1, values.size // PIXELS)]
    usual = np.sort(few)[int(MOST * (len(few) - 1))]
    return Extent(float(values.min()), float(values.max()), float(usual), values.dtype)


def common_range(extents: Collection[Extent], where: str) -> Range:
    """The range of pictures whose values go so far. Raises :class:`UserError` where whole numbers and floating point
    are mixed, and need two."""
    found = set()
    for is_float in (True, False):
        of_kind = [each for each in extents if (each.dtype.kind == "f") is is_float]
        if of_kind:
            dtype = of_kind[0].dtype
            limits = range_of(min(each.low for each in of_kind), max(each.high for each in of_kind), dtype)
            found.add((limits, limits == full_range(dtype)))
    if len(found) > 1 and not all(is_full for _, is_full in found):
        raise UserError(
            f"{where}: holds pictures of whole numbers and of floating point, which have no range in common; "
            "keep one kind, or set range to LOW:HIGH"
        )
    return next(iter(found))[0] if len(found) == 1 else FULL


def told_of_grey(looked_at: str) -> str:
    """That pictures are stored as colour and are trained on as grey, in words."""
    return f"stored as colour, but grey in {looked_at}: trained as grey (--channels 3 keeps three)"


def told(limits: Range, extents: Collection[Extent], looked_at: str) -> list[str]:
    """The range in words, which was found on ``looked_at``; what else a person should know of it."""
    if not limits:
        return []
    low, high = map(exact, limits)
    lines = [f"more than 8 bits: black is {low}, white {high}, found on {looked_at} (see --range)"]
    usual = max((each.usual for each in extents), default=limits[1])
    if usual - limits[0] < (limits[1] - limits[0]) / DARK:
        brighter = f"--range {low}:{usual:.6g}"
        lines.append(f"nearly all values are below {usual:,.6g}, dark by this range; {brighter} is brighter")
    return lines


def is_grey(pictures: np.ndarray) -> bool:
    """Whether pictures uint8 ``(n, height, width, channels)`` of three channels, or four with alpha, have no colour
    that anybody sees: as greys that were stored as colour, and perhaps compressed, have none."""
    parts = (pictures[start : start + CHUNK, ..., :3] for start in range(0, len(pictures), CHUNK))
    return all(int(np.ptp(part, axis=-1).max()) <= TOLERANCE for part in parts)


def spread(items: Sequence[str], most: int = LOOKED_AT) -> list[str]:
    """At most so many of the items, drawn at random but always the same."""
    if len(items) <= most:
        return list(items)
    chosen = np.random.default_rng(0).permutation(len(items))[:most]
    return [items[index] for index in np.sort(chosen)]
