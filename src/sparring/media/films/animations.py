"""Animated GIF, WebP and APNG, read and written by Pillow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from sparring.core.errors import UserError
from sparring.core.reading import reason, regular
from sparring.media.films.film import CutShort, Film, too_large
from sparring.media.films.sound import silent
from sparring.media.pictures.notes import KEYWORD, compact
from sparring.media.pictures.webp import as_exif

READ = ("GIF", "PNG", "WEBP")
WRITTEN = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
AT_ONCE = 100  # milliseconds: what browsers make of a frame that says it lasts none
DEEP = 257  # 16-bit greys become bytes: 65535 / 255
TICKS = {".gif": 10}  # milliseconds that durations are counted in, 1 elsewhere
LARGEST = {".gif": 65_535, ".webp": 16_383}  # pixels a side that the format can tell
MOST = 100_000  # frames that are read
MOST_PIXELS = 1 << 34  # and pixels of all of them: an animation of a few megabytes can hold days of work
UNSEEN = 255  # the number of the transparent colour of a GIF
HALF = "a GIF knows no half transparency: a pixel is seen or it is not"
QUICKEST = 20  # milliseconds: browsers show quicker frames of a GIF for 100


# Reading


def is_animated(path: Path) -> bool:
    """Whether a file holds more than one frame, by Pillow; False for what is no picture."""
    try:
        with Image.open(regular(path), formats=READ) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # a broken file may trip Pillow's parsers up in any way at all
        return False


def open_animation(path: Path) -> Film:
    """The video in an animation. It is gone through once, for the durations are between its frames.

    Raises :class:`UserError` when it is no animation, or holds no frame that can be shown.
    """
    durations: list[int] = []
    loop, problem, size, transparent = 0, "", (0, 0), False
    try:
        for image in _images(path):
            durations.append(round(image.info.get("duration", 0)) or AT_ONCE)
            size, transparent = image.size, transparent or image.has_transparency_data
            if len(durations) == 1:
                loop = _plays(image)
    except CutShort as caught:
        problem = str(caught)
    if not durations:
        raise UserError(f"{path}: cannot be read as an animation ({problem or 'no frames'}); give a GIF, WebP or APNG")
    width, height = size
    rate = Fraction(1000 * len(durations), sum(durations))

    def decode() -> Iterator[np.ndarray]:
        """Each frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``."""
        for image in _images(path):
            try:
                frame = as_frame(image)
            except Exception as caught:  # see is_animated
                raise CutShort(reason(caught)) from None
            yield frame

    film = Film(path, height, width, rate, len(durations), False, "animation", decode, transparent=transparent)
    return replace(film, durations=durations, loop=loop)


def _images(path: Path) -> Iterator[Image.Image]:
    """The animation at each of its frames, decoded. Raises :class:`CutShort` where the file breaks off."""
    try:
        with Image.open(path, formats=READ) as image:
            first = int(bool(getattr(image, "default_image", False)))  # of an APNG, for viewers that show only one
            if why := too_large(image.height, image.width):
                raise ValueError(why)
            count = _count(image)
            if count < sys.maxsize and (count > MOST or count * image.width * image.height > MOST_PIXELS):
                raise ValueError(f"{count:,} frames of {image.width}x{image.height} are more than can be gone through")
            for index in range(first, count):
                image.seek(index)
                image.load()
                yield image
    except Exception as problem:  # see is_animated
        raise CutShort("not a picture" if "cannot identify" in str(problem) else reason(problem)) from None


def _count(image: Image.Image) -> int:
    """How many frames there are; endless where Pillow cannot count them, so that those before the damage are shown."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # see is_animated
        image.seek(0)
        return sys.maxsize


def _plays(image: Image.Image) -> int:
    """How often an animation is played, 0 for ever; a GIF counts repetitions, and one that says nothing plays once."""
    if image.format == "GIF":
        loop = image.info.get("loop")
        return 1 if loop is None else loop + 1 if loop else 0
    return int(image.info.get("loop", 0))


def as_frame(image: Image.Image) -> np.ndarray:
    """A picture of Pillow's as a frame, RGB uint8 ``(height, width, 3)``, or RGBA ``(height, width, 4)`` where it has
    transparency: turned as EXIF says, 16-bit greys brought to bytes."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = Image.fromarray(np.clip(np.asarray(image) // DEEP, 0, 255).astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    return np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"))


# Writing


class AnimationWriter:
    """Writes an animation at ``temporary``, as the ending of ``path`` says; ``notes`` tells what was lost.

    All frames are in memory until the end; frames that are alike become one that lasts longer. Raises
    :class:`UserError` when ``side``, the longer one in pixels, is more than the format holds.
    """

    def __init__(self, temporary: Path, path: Path, like: Film, side: int) -> None:
        self._temporary, self._ending, self._like = temporary, path.suffix.lower(), like
        if side > (most := LARGEST.get(self._ending, side)):
            raise UserError(f"{path}: {side:,} pixels a side, and {self._ending} holds {most:,}; choose another ending")
        self._images: list[Image.Image] = []
        self.notes = silent(like, self._ending)

    def add(self, frame: np.ndarray) -> None:
        """Take the next frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``."""
        image = Image.fromarray(np.array(frame))
        if self._ending == ".gif":
            if frame.shape[2] == 4 and ((frame[..., 3] > 0) & (frame[..., 3] < 255)).any() and HALF not in self.notes:
                self.notes.append(HALF)
            image = without_half(image) if self._like.transparent else image.quantize()
        elif self._like.transparent:
            image = image.convert("RGBA")
        self._images.append(image)

    def finish(self) -> None:
        """Write all frames into the file."""
        milliseconds = durations(self._like, len(self._images), TICKS.get(self._ending, 1))
        if self._ending == ".gif" and min(milliseconds) < QUICKEST:
            self.notes.append("more than 50 frames a second: browsers show such a GIF slowly")
        first, *others = self._images
        options: dict[str, Any] = {
            "save_all": True,
            "append_images": others,
            "duration": milliseconds,
            **self._loop_and_quality(),
        }
        first.save(self._temporary, format=WRITTEN[self._ending], **options, **self._note())

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _note(self) -> dict[str, Any]:
        """The note that the file carries, where the format has a place for it."""
        if not self._like.note:
            return {}
        text = compact(self._like.note)
        if self._ending == ".gif":
            return {"comment": text.encode()}
        if self._ending == ".webp":
            return {"exif": as_exif(text)}
        info = PngInfo()
        info.add_itxt(KEYWORD, text)
        return {"pnginfo": info}

    def _loop_and_quality(self) -> dict[str, Any]:
        """How often it is played, as the format tells it, and how finely it is coded; which colour of a GIF is
        transparent, and that each frame begins with nothing."""
        plays = self._like.loop
        if self._ending == ".gif":
            seen_through = {"transparency": UNSEEN, "disposal": 2} if self._like.transparent else {}
            return seen_through if plays == 1 else {"loop": max(plays - 1, 0), **seen_through}
        return {"loop": plays, **({"quality": 90} if self._ending == ".webp" else {})}


def without_half(image: Image.Image) -> Image.Image:
    """A frame as a GIF holds it: at most 255 colours, and one for the pixels that are more than half transparent."""
    clear = image.convert("RGBA").getchannel("A").point(lambda alpha: 255 * (alpha < 128))
    colours = image.convert("RGB").quantize(UNSEEN)
    palette = colours.getpalette() or []
    colours.putpalette([*palette, *[0] * (3 * (UNSEEN + 1) - len(palette))])
    colours.paste(UNSEEN, mask=clear)
    return colours


def durations(like: Film, count: int, tick: int) -> list[int]:
    """How long each of ``count`` frames lasts, in milliseconds, multiples of ``tick``: as in ``like``, or by its rate.

    Times are rounded, not durations, so that the whole lasts as long as it should.
    """
    exact = [Fraction(duration) for duration in like.durations[:count]]
    exact += [1000 / like.rate] * (count - len(exact))
    times, time = [0], Fraction(0)
    for duration in exact:
        time += duration
        times.append(max(round(time / tick) * tick, times[-1] + tick))
    return [after - before for before, after in pairwise(times)]
