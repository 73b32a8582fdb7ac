"""How pictures are read: settings of every recipe that reads pictures, and of verbs. No torch in here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sparring.core.errors import UserError
from sparring.core.schedules import exact, number
from sparring.core.settings import setting, settings
from sparring.core.terminal import quoted
from sparring.data.files.options import FileReading
from sparring.options import LikelihoodOptions

SIDE = (4, 1024)  # pixels of a side, the least and the most


@settings
class Reading(FileReading):
    """How pictures are read: a part of every recipe, and of the options of every verb, that reads pictures."""

    before: ClassVar[Mapping[str, Any]] = {"range": "full", "split": "all"}

    size: str = setting(
        "auto", "HEIGHTxWIDTH or one number, in pixels; auto keeps sets of one size up to 128, else 64", "data",
        common=True,
    )  # fmt: skip
    channels: str = setting("auto", "1 grey, 3 colour, 4 colour and alpha", "data", choices=("auto", "1", "3", "4"))
    range: str = setting(
        "auto", "LOW:HIGH, black and white of pictures with more than 8 bits; auto: found over the set; full: 0:65535, "
        "of floating point 0:1", "data",
    )  # fmt: skip
    fit: str = setting("crop", "how to bring a picture to size", "data", choices=("crop", "pad", "stretch"))
    alpha: str = setting("white", "what to do with transparency", "data", choices=("white", "black", "keep", "drop"))
    cache_mb: int = setting(2048, "keep decoded pictures in memory up to this many MiB, else stream", "data", low=0,
                             high=1 << 24)  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        read_size(self.size)
        read_range(self.range)


@settings
class ImageEvaluateOptions(Reading, LikelihoodOptions):
    """What ``sparring evaluate`` is asked for; how pictures are read is asked for a folder of samples alone."""


def read_size(size: str) -> tuple[int, int] | None:
    """(height, width) in pixels; None for ``auto``. Raises :class:`UserError` for what is no size, or one too large."""
    if size == "auto":
        return None
    match = re.fullmatch(r"([0-9]{1,6})(?:x([0-9]{1,6}))?", size)
    if not match or not all(SIDE[0] <= int(side) <= SIDE[1] for side in match.groups() if side):
        sides = f"(height x width), {SIDE[0]} to {SIDE[1]} pixels a side"
        raise UserError(f"size: {quoted(size)} is no size; write 64 or 48x64 {sides}")
    return int(match[1]), int(match[2] or match[1])


def read_range(text: str) -> tuple[float, ...] | None:
    """(low, high), empty for ``full``; None for ``auto``. Raises :class:`UserError` for what is no range."""
    if text in ("auto", "full"):
        return None if text == "auto" else ()
    try:
        low, high = (number(part) for part in text.split(":"))
    except (UserError, ValueError):  # no numbers, or not two
        low = high = 0.0
    if not low < high:
        raise UserError(f"range: {quoted(text)} is no range; write LOW:HIGH, for 12 bits 0:4095, or auto or full")
    return low, high


def as_text(limits: tuple[float, ...] | None) -> str:
    """What :func:`read_range` reads as ``limits``."""
    if limits is None:
        return "auto"
    return ":".join(map(exact, limits)) or "full"
