"""Animated GIF, WebP and APNG, read by Pillow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.films.film import CutShort, Film, one_line
from sparring.media.films.stills import as_frame

FORMATS = ("GIF", "PNG", "WEBP")
AT_ONCE = 100  # milliseconds: what browsers make of a frame that says it lasts none


def is_animated(path: Path) -> bool:
    """Whether Pillow finds more than one frame; False for what is no picture."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # a broken file may trip Pillow's parsers up in any way at all
        return False


def open_animation(path: Path) -> Film:
    """The film in an animation. It is gone through once, for the durations are between its frames.

    Raises :class:`UserError` when it is no animation, or holds no frame that can be shown.
    """
    durations: list[int] = []
    loop, problem, size = 0, "", (0, 0)
    try:
        for image in _images(path):
            durations.append(round(image.info.get("duration", 0)) or AT_ONCE)
            size = image.size
            if len(durations) == 1:
                loop = _plays(image)
    except CutShort as caught:
        problem = str(caught)
    if not durations:
        raise UserError(f"{path}: cannot be read as an animation ({problem or 'no frames'}); give a GIF, WebP or APNG")
    width, height = size
    rate = Fraction(1000 * len(durations), sum(durations))

    def decode() -> Iterator[np.ndarray]:
        for image in _images(path):
            yield as_frame(image)

    return Film(path, height, width, rate, len(durations), False, "animation", decode, durations=durations, loop=loop)


def _images(path: Path) -> Iterator[Image.Image]:
    """The animation at each of its frames, decoded. Raises :class:`CutShort`."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            first = int(bool(getattr(image, "default_image", False)))  # of an APNG, for viewers that show only one
            for index in range(first, _count(image)):
                image.seek(index)
                image.load()
                yield image
    except Exception as problem:  # see is_animated
        raise CutShort(one_line(problem)) from None


def _count(image: Image.Image) -> int:
    """Frames; endless for a file in which Pillow cannot count them, so that those before the damage are shown."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # see is_animated
        image.seek(0)
        return sys.maxsize


def _plays(image: Image.Image) -> int:
    """How often it is played; a GIF counts repetitions after the first, and one that says nothing plays once."""
    if image.format == "GIF":
        loop = image.info.get("loop")
        return 1 if loop is None else loop + 1 if loop else 0
    return int(image.info.get("loop", 0))
