"""How temporally consistent a video is: what is seen now against what was seen before, moved along by the motion.

The warping error of Lai, Huang, Wang, Shechtman, Yumer, Yang 2018 ("Learning blind video temporal consistency"),
with the flow of ``flow.py`` instead of a network's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from sparring.core.errors import UserError
from sparring.media.films.flow import flow, grey, occluded, warped

LONG = 8  # frames between the two of a long pair


@dataclass
class Mean:
    """The mean error of pairs of frames, for each version by name."""

    sums: dict[str, float]
    pairs: int = 0

    def by_name(self) -> dict[str, float]:
        """The means; empty as long as there is no pair."""
        return {name: total / self.pairs for name, total in self.sums.items()} if self.pairs else {}


@dataclass
class FilmFrame:
    """One frame: the original in grey, uint8 ``(height, width)``, and each version of it by name."""

    original: np.ndarray
    shown: Mapping[str, np.ndarray] = field(default_factory=dict)


class WarpingError:
    """The warping error of several versions of one video, frame after frame; the last eight frames are remembered.

    The motion is that of the original, so that each version is held to the same. The error of a pair of frames
    is the squared difference of what is shown now and what was shown then, moved along, summed over RGB in
    [0, 1] and averaged over the pixels that were seen both times.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._near = Mean(dict.fromkeys(self.names, 0.0))
        self._far = Mean(dict.fromkeys(self.names, 0.0))
        self._past: deque[FilmFrame] = deque(maxlen=LONG)

    def add(self, original: np.ndarray, shown: Mapping[str, np.ndarray], cut: bool = False) -> None:
        """Take the next frame and its versions, RGB uint8 ``(height, width, 3)``; nothing before a ``cut`` counts.

        Raises :class:`UserError` when a name is missing or the sizes differ.
        """
        self._check(original, shown)
        if cut:
            self._past.clear()
        now = FilmFrame(grey(original), {name: shown[name].copy() for name in self.names})
        if self._past:
            _compare(self._past[-1], now, self._near)
        if len(self._past) == LONG:
            _compare(self._past[0], now, self._far)
        self._past.append(now)

    def short(self) -> dict[str, float]:
        """The mean error against the frame before, for each name; empty without a pair."""
        return self._near.by_name()

    def long(self) -> dict[str, float]:
        """The mean error against ``LONG`` frames before, for each name; empty without a pair."""
        return self._far.by_name()

    def _check(self, original: np.ndarray, shown: Mapping[str, np.ndarray]) -> None:
        """Raise :class:`UserError` for a version that is missing or of another size."""
        sizes = {"original": original.shape, **{name: shown[name].shape for name in self.names if name in shown}}
        if missing := [name for name in self.names if name not in shown]:
            raise UserError(f"{missing[0]}: no frame of it is given; give one for each of {', '.join(self.names)}")
        past = self._past[-1].original.shape if self._past else original.shape[:2]
        for name, size in sizes.items():
            if size != (*past, 3):
                raise UserError(f"{name}: a frame of shape {size} where {(*past, 3)} is due; bring all to one size")


def _compare(before: FilmFrame, now: FilmFrame, mean: Mean) -> None:
    """Add one more pair to the mean, unless nothing of it was seen both times."""
    back = flow(before.original, now.original)
    seen_twice = ~occluded(back, flow(now.original, before.original))
    if not seen_twice.any():
        return
    for name in mean.sums:
        then = warped(_unit(before.shown[name]), back)
        errors = np.square(_unit(now.shown[name]) - then).sum(axis=-1)
        mean.sums[name] += float(errors[seen_twice].mean(dtype=np.float64))
    mean.pairs += 1


def _unit(picture: np.ndarray) -> np.ndarray:
    """Bytes of any shape as float32 in [0, 1]."""
    return picture.astype(np.float32) / 255
