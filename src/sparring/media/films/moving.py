"""Films as animated GIF, WebP or APNG, by Pillow. All frames are in memory until the end."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.films.film import Film
from sparring.media.films.sound import silent

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
TICKS = {".gif": 10}  # milliseconds that durations are counted in, 1 elsewhere
LARGEST = {".gif": 65_535, ".webp": 16_383}  # pixels a side that the format can tell
QUICKEST = 20  # milliseconds: browsers show quicker frames of a GIF for 100


class Animation:
    """An animation to be written at ``place``, as the ending of ``path`` says; ``notes`` tells what was lost.

    Frames that are alike become one that lasts longer. Raises :class:`UserError` when ``side``, the longer one in
    pixels, is more than the format holds.
    """

    def __init__(self, place: Path, path: Path, like: Film, side: int) -> None:
        self._place, self._ending, self._like = place, path.suffix.lower(), like
        if side > (most := LARGEST.get(self._ending, side)):
            raise UserError(f"{path}: {side:,} pixels a side, and {self._ending} holds {most:,}; choose another ending")
        self._images: list[Image.Image] = []
        self.notes = silent(like, self._ending)

    def add(self, frame: np.ndarray) -> None:
        """The next frame, RGB uint8 ``(height, width, 3)``."""
        image = Image.fromarray(np.array(frame))
        self._images.append(image.quantize() if self._ending == ".gif" else image)

    def finish(self) -> None:
        """Write the file."""
        lasting = durations(self._like, len(self._images), TICKS.get(self._ending, 1))
        if self._ending == ".gif" and min(lasting) < QUICKEST:
            self.notes.append("more than 50 frames a second: browsers show such a GIF slowly")
        first, *others = self._images
        kind = FORMATS[self._ending]
        first.save(self._place, format=kind, save_all=True, append_images=others, duration=lasting, **self._settings())

    def close(self) -> None:
        """Nothing is open."""

    def _settings(self) -> dict[str, Any]:
        plays = self._like.loop
        if self._ending == ".gif":
            return {} if plays == 1 else {"loop": max(plays - 1, 0)}
        return {"loop": plays, **({"quality": 90} if self._ending == ".webp" else {})}


def durations(like: Film, count: int, tick: int) -> list[int]:
    """Milliseconds of each of ``count`` frames, multiples of ``tick``: those of ``like``, or by its rate.

    Times are rounded, not durations, so that the whole lasts as long as it should.
    """
    usual = 1000 / like.rate
    exact = [Fraction(each) for each in like.durations[:count]]
    exact += [usual] * (count - len(exact))
    times, time = [0], Fraction(0)
    for each in exact:
        time += each
        times.append(max(round(time / tick) * tick, times[-1] + tick))
    return [after - before for before, after in pairwise(times)]
