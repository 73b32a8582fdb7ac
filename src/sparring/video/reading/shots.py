"""The frames of videos, thinned out and brought to one shape, by shots: what lies between two cuts."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.data.source import BadContent
from sparring.media.films.film import RATE, on_white
from sparring.media.films.flow import is_cut
from sparring.media.films.reading import open_film
from sparring.media.pictures.decode import Shape, bring_to, opened
from sparring.video.reading.video_set import Video

LONGEST = 4096  # frames that are held at a time: a longer shot is taken in parts
SEES_CUTS = importlib.util.find_spec("cv2") is not None


@dataclass
class About:
    """What is known of a video once it is read: its size in pixels as it is seen, its rate, how many frames it has, how
    many cuts were found between them, and why it ended early, empty where it did not."""

    height: int
    width: int
    rate: Fraction
    frames: int = 0
    cuts: int = 0
    cut_short: str = ""


@dataclass
class Reading:
    """How frames are read: brought to ``shape``, every so-manieth of them."""

    shape: Shape
    every: int
    about: dict[str, About] = field(default_factory=dict)

    def shots(self, path: Path, video: Video) -> Iterator[np.ndarray]:
        """The shots of a video, uint8 ``(frames, channels, height, width)`` each; :attr:`about` tells of it afterwards.
        Raises :class:`BadContent` where nothing of it can be shown."""
        try:
            if video.kind == "strip":
                yield self.strip(path, video.name)
            else:
                yield from self.moving(path, video.name)
        except UserError as problem:
            raise BadContent(str(problem).replace(f"{path}: ", "").replace(f"{path}/", "")) from None

    def strip(self, path: Path, name: str) -> np.ndarray:
        """The frames of a strip, square ones side by side. Raises :class:`BadContent` where it is none."""
        with opened(path) as picture:
            width, height = picture.size
            if width % height or width < 2 * height:
                raise BadContent(f"{width}x{height} is no strip of square frames side by side")
            frames = [picture.crop((left, 0, left + height, height))
                      for left in range(0, width, self.every * height)]  # fmt: skip
            self.about[name] = About(height, height, RATE, width // height)
            return np.stack([bring_to(frame, self.shape) for frame in frames])

    def moving(self, path: Path, name: str) -> Iterator[np.ndarray]:
        """The shots of a container, an animation or a folder of frames."""
        film = open_film(path)
        about = self.about[name] = About(film.height, film.width, film.rate)
        before, shot, number = None, list[np.ndarray](), 0
        for frame in film.layers():
            seen = on_white(frame)
            if before is not None and SEES_CUTS and is_cut(before, seen):
                about.cuts += 1
                yield from stacked(shot)
                shot, number = [], 0
            if number % self.every == 0:
                shot.append(bring_to(Image.fromarray(frame), self.shape))
            if len(shot) == LONGEST:
                yield from stacked(shot)
                shot = []
            before, number = seen, number + 1
            about.frames += 1
        about.cut_short = film.cut_short
        yield from stacked(shot)


def stacked(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Frames ``(channels, height, width)`` as one shot; none where there are none."""
    return [np.stack(frames)] if frames else []
