"""A world of films: three consecutive frames at a time, brought to one shape, with what is wrong with the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.images.reading.shape import MINIMUM, USUAL
from sparring.images.recipes import Reading, read_size
from sparring.media.films.cuts import is_cut
from sparring.media.films.reading import is_film, open_film
from sparring.media.pictures.decode import ENDINGS, Shape, bring_to

LATER = 2  # frames after each one that an example holds too


class Clips:
    """Yields ``images``, uint8 ``(n, channels, height, width)``, and ``later``, the two frames after each, ``(n, 2
    channels, height, width)``; never across a cut. All frames are kept in memory.

    ``settings.data`` is a film, a folder of films, or a folder of folders of frames. Raises :class:`UserError` when
    there are too few frames, or more than ``cache_mb`` holds.
    """

    in_memory = True

    def __init__(self, settings: Reading) -> None:
        self.name = settings.data
        self.bad_files: list[BadFile] = []
        height, width = read_size(settings.size) or (USUAL, USUAL)
        shape = Shape(height, width, 3 if settings.channels == "auto" else int(settings.channels), settings.fit)
        self.form: dict[str, Any] = shape.form([])
        most = (settings.cache_mb << 20) // shape.size
        frames: list[np.ndarray] = []
        starts: list[int] = []
        for place in films_in(settings.data):
            known = len(frames)
            try:
                starts += self.read(place, shape, frames, most)
            except UserError as problem:
                del frames[known:]
                self.bad_files.append(BadFile(str(place), str(problem)))
        if len(starts) < MINIMUM:
            why = f"; {self.bad_files[0].path}: {self.bad_files[0].reason}" if self.bad_files else ""
            raise UserError(f"{self.name}: {len(starts)} runs of three frames, at least {MINIMUM} are needed{why}")
        self.frames, self.starts = torch.from_numpy(np.stack(frames)), np.array(starts)

    def read(self, place: Path, shape: Shape, frames: list[np.ndarray], most: int) -> list[int]:
        """Add a film's frames; where runs of three begin among all of them."""
        whole: list[int] = []
        since, before = len(frames), None
        for frame in open_film(place).frames():
            if before is not None and is_cut(before, frame):
                since = len(frames)
            before = frame
            if len(frames) == most:
                raise UserError(f"more than {most:,} frames do not fit; raise cache_mb, or give fewer")
            frames.append(bring_to(Image.fromarray(frame), shape))
            if len(frames) - since > LATER:
                whole.append(len(frames) - 1 - LATER)
        return whole

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The frames at ``indices`` and those after them."""
        first = torch.from_numpy(self.starts[indices])
        later = [self.frames.index_select(0, first + step) for step in range(1, LATER + 1)]
        return {"images": self.frames.index_select(0, first), "later": torch.cat(later, 1)}


def films_in(data: str) -> list[Path]:
    """The films that ``data`` names. Raises :class:`UserError` when there are none."""
    place = Path(os.path.expanduser(data))
    if place.is_file():
        return [place]
    inside = sorted(place.iterdir()) if place.is_dir() else []
    found = [each for each in inside if each.is_dir() or is_film(each)]
    if not found and any(each.name.lower().endswith(ENDINGS) for each in inside):
        found = [place]  # the frames of a single film
    if not found:
        raise UserError(f"{data}: holds no films and no folders of frames, which recycle learns from; give some")
    return found
