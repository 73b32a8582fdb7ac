"""What a video is to the rest of Sparring: a size, a rate, and frames that can be gone through again and again.

The two libraries of the extra called ``video`` are imported when a video needs them, never before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.core.install import PYAV

RATE = Fraction(25)  # frames per second, where nothing tells
LARGEST_FRAME = 1 << 25  # pixels, those of 8K; several frames are in memory at a time
LONGEST_SIDE = 1 << 14  # pixels; OpenCV moves pictures of up to twice that


class CutShort(Exception):
    """Decoding cannot go on; the message is the reason, in one line."""


@dataclass
class Film:
    """A video that can be read. ``height`` and ``width`` are pixels as seen, after any rotation."""

    path: Path
    height: int
    width: int
    rate: Fraction  # frames per second, the average where it varies
    count: int | None  # frames, as far as the file tells
    sound: bool
    kind: Literal["container", "animation", "frames"]
    decode: Callable[[], Iterator[np.ndarray]] = field(repr=False)  # see layers(); may raise CutShort on the way
    start: Fraction = Fraction(0)  # seconds on the file's clock at which the first frame is shown
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel over its height
    durations: list[int] = field(default_factory=list, repr=False)  # milliseconds of each frame of an animation
    loop: int = 0  # how often an animation is played, 0 for ever
    transparent: bool = False  # whether its frames may have an alpha channel
    note: Mapping[str, Any] = field(default_factory=dict, repr=False)  # what a file that is written like it carries
    cut_short: str = ""  # after frames(): why they ended early, empty when they did not

    def frames(self) -> Iterator[np.ndarray]:
        """Each frame, RGB uint8 ``(height, width, 3)``, transparency on white; otherwise as :meth:`layers`. Raises
        :class:`UserError` when not even the first frame can be shown."""
        return map(on_white, self.layers())

    def layers(self) -> Iterator[np.ndarray]:
        """Each frame, RGB uint8 ``(height, width, 3)``, or RGBA ``(height, width, 4)`` with colours that are not
        multiplied by the transparency, and white where nothing of them is seen; one in memory at a time.

        A video that breaks on the way ends there, and ``cut_short`` tells why. Raises :class:`UserError` when not
        even the first frame can be shown.
        """
        self.cut_short, shown = "", 0
        try:
            for frame in self.decode():
                if frame.shape[2] == 4:
                    frame[frame[..., 3] == 0, :3] = 255
                yield frame
                shown += 1
        except CutShort as problem:
            self.cut_short = f"damaged after {shown} frames: {problem}"
        if not shown:
            raise UserError(
                f"{self.path}: no frame of it can be shown ({self.cut_short or 'empty'}); give another video"
            )


def too_large(height: int, width: int) -> str:
    """Why frames of this size are not decoded, in words; empty where they are."""
    if height * width > LARGEST_FRAME:
        return f"frames of {width}x{height} are more than {LARGEST_FRAME:,} pixels"
    if max(height, width) > LONGEST_SIDE:
        return f"frames of {width}x{height} have a side of more than {LONGEST_SIDE:,} pixels"
    return ""


def on_white(frame: np.ndarray) -> np.ndarray:
    """A frame uint8 ``(height, width, 3 or 4)`` as RGB ``(height, width, 3)``, what is transparent on white."""
    if frame.shape[2] == 3:
        return frame
    image = Image.fromarray(frame)
    return np.array(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def av(need: object) -> ModuleType:
    """PyAV. ``need`` is what needs it, a path or a name. Raises :class:`UserError` where it is not installed."""
    return _imported("av", need)


def cv2(need: object) -> ModuleType:
    """OpenCV. ``need`` is what needs it, a path or a name. Raises :class:`UserError` where it is not installed."""
    return _imported("cv2", need)


def _imported(name: str, need: object) -> ModuleType:
    """A library of the extra. Raises :class:`UserError` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(f"{need}: needs PyAV and OpenCV: {PYAV}") from None
