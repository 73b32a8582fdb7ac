"""A domain of videos: three consecutive frames at a time, brought to one shape, with what is wrong with the rest."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.images.options import read_size
from sparring.images.reading.shape import MINIMUM, USUAL, Survey, form_of
from sparring.media.films.flow import is_cut
from sparring.media.films.reading import is_film, open_film
from sparring.media.pictures.decode import Shape, bring_to
from sparring.media.pictures.formats import ENDINGS
from sparring.translation.recipes import TranslationRecipe

LATER = 2  # frames after each one that an example holds too


class Clips:
    """Yields ``images``, uint8 ``(n, channels, height, width)``, and ``later``, the two frames after each, ``(n, 2
    channels, height, width)``; never across a cut. All frames are kept in memory.

    ``recipe.data`` is a video, a folder of videos, or a folder of folders of frames. Raises :class:`UserError` when
    there are too few frames, or more than ``cache_mb`` holds.
    """

    in_memory = True
    labels: Tensor | None = None

    def __init__(self, recipe: TranslationRecipe) -> None:
        self.name = recipe.data
        self.bad_files: list[BadFile] = []
        self.survey = Survey(Counter(), Counter(), colour=True, transparent=False)
        height, width = read_size(recipe.size) or (USUAL, USUAL)
        shape = Shape(height, width, 3 if recipe.channels == "auto" else int(recipe.channels), recipe.fit)
        self.form = form_of(shape)
        most = (recipe.cache_mb << 20) // shape.size
        frames: list[np.ndarray] = []
        starts: list[int] = []
        for path in videos_in(recipe.data):
            known = len(frames)
            try:
                starts += self.read(path, shape, frames, most)
            except UserError as problem:
                del frames[known:]
                self.bad_files.append(BadFile(str(path), str(problem)))
        if len(starts) < MINIMUM:
            why = f"; {self.bad_files[0].path}: {self.bad_files[0].reason}" if self.bad_files else ""
            raise UserError(f"{self.name}: {len(starts)} runs of three frames, at least {MINIMUM} are needed{why}")
        self.frames, self.starts = torch.from_numpy(np.stack(frames)), np.array(starts)

    def read(self, path: Path, shape: Shape, frames: list[np.ndarray], most: int) -> list[int]:
        """Add a video's frames, ``(channels, height, width)`` each, to ``frames``; returns where runs of three begin
        among all of them. Raises :class:`UserError` where there would be more than ``most``."""
        video = open_film(path)
        starts: list[int] = []
        since, before = len(frames), None
        for frame in video.frames():
            if before is not None and is_cut(before, frame):
                since = len(frames)
            before = frame
            if len(frames) == most:
                raise UserError(f"more than {most:,} frames do not fit; raise cache_mb, or give fewer")
            frames.append(bring_to(Image.fromarray(frame), shape))
            if len(frames) - since > LATER:
                starts.append(len(frames) - 1 - LATER)
        self.survey.sizes[video.height, video.width] += len(starts)
        return starts

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The frames at ``indices``, int64 ``(n,)``, as ``images`` ``(n, channels, height, width)``, and those after
        them as ``later`` ``(n, 2 channels, height, width)``."""
        first = torch.from_numpy(self.starts[indices])
        later = [self.frames.index_select(0, first + step) for step in range(1, LATER + 1)]
        return {"images": self.frames.index_select(0, first), "later": torch.cat(later, 1)}


def holds_videos(data: str) -> bool:
    """Whether ``data`` is a video, or a folder with one in it."""
    path = Path(os.path.expanduser(data))
    return any(map(is_film, path.iterdir() if path.is_dir() else [path]))


def videos_in(data: str) -> list[Path]:
    """The videos that ``data`` names. Raises :class:`UserError` when there are none."""
    path = Path(os.path.expanduser(data))
    if path.is_file():
        return [path]
    inside = sorted(path.iterdir()) if path.is_dir() else []
    videos = [each for each in inside if each.is_dir() or is_film(each)]
    if not videos and any(each.name.lower().endswith(ENDINGS) for each in inside):
        videos = [path]  # the frames of a single video
    if not videos:
        raise UserError(f"{data}: holds no videos and no folders of frames, which recycle learns from; give some")
    return videos
