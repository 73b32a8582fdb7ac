"""Writing videos: the ending decides what they become; nothing half-written is ever seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from sparring.core.errors import UserError
from sparring.core.files import aside, make_folder
from sparring.media.films import animations, encoding
from sparring.media.films.film import Film
from sparring.media.films.folders import FRAME, FolderWriter, folder_aside

KNOWN = (*encoding.FORMATS, *animations.WRITTEN)


class Sink(Protocol):
    """Where the frames of a video go; ``notes`` tells of what could not be kept."""

    notes: list[str]

    def add(self, frame: np.ndarray) -> None:
        """Take the next frame, RGB uint8 ``(height, width, 3)``, or RGBA ``(height, width, 4)``."""

    def finish(self) -> None:
        """Write what is still to be written."""

    def close(self) -> None:
        """Let go of all files, finished or not."""


class Writer:
    """What :func:`writing` gives: ``add`` frames; read ``notes``, what could not be kept, once it is left."""

    def __init__(self, path: Path, sink: Sink, height: int, width: int) -> None:
        self.path, self.count = path, 0
        self._sink, self._size = sink, (height, width)

    @property
    def notes(self) -> list[str]:
        """What could not be kept of the video that is read, a sentence each."""
        return self._sink.notes

    def add(self, frame: np.ndarray) -> None:
        """Write the next frame, RGB uint8 ``(height, width, 3)``, or RGBA ``(height, width, 4)``; where the file has no
        place for transparency it is shown on white. Raises :class:`UserError` for another shape."""
        if frame.shape not in [(*self._size, channels) for channels in (3, 4)] or frame.dtype != np.uint8:
            raise UserError(
                f"{self.path}: a frame of {frame.dtype} {frame.shape} where uint8 {(*self._size, 3)} is due; "
                "bring all frames to one size"
            )
        self._sink.add(frame)
        self.count += 1


@contextmanager
def writing(
    path: Path, like: Film, *, height: int | None = None, width: int | None = None, overwrite: bool = False
) -> Iterator[Writer]:
    """A video at ``path`` with the rate and the sound of ``like``, and its size unless told otherwise.

    A container, an animation, or without an ending a folder of PNGs. It appears when the block is left, unless
    by an exception. Raises :class:`UserError` when something is there already (unless ``overwrite``), when that
    is the video that is read, for an unknown ending, without any frame, or when it cannot be written.
    """
    check_path(path, like, overwrite)
    make_folder(path.parent)
    height, width = height or like.height, width or like.width
    with folder_aside(path) if not path.suffix else aside(path) as temporary:
        sink = _sink(temporary, path, like, height, width)
        try:
            writer = Writer(path, sink, height, width)
            yield writer
            if not writer.count:
                raise UserError(f"{path}: a video without frames cannot be written; give at least one")
            sink.finish()
        finally:
            sink.close()


def check_path(path: Path, like: Film, overwrite: bool) -> None:
    """Raise :class:`UserError` when no video like ``like`` may be written at ``path``: see :func:`writing`."""
    ending = path.suffix.lower()
    if ending and ending not in KNOWN:
        raise UserError(f"{path}: '{ending}' is no known ending; use {', '.join(KNOWN)}, or none for a folder of PNGs")
    if not path.exists():
        return
    if like.path.exists() and os.path.samefile(path, like.path):
        raise UserError(f"{path}: is the video that is read; write to another place")
    if path.is_dir() != (not ending):
        raise UserError(f"{path}: is {'a folder' if ending else 'a file'} already; choose another name")
    if path.is_dir() and (other := next((file for file in path.iterdir() if not FRAME.fullmatch(file.name)), None)):
        raise UserError(f"{path}: holds other things than frames ({other.name}); choose another folder")
    if not overwrite and (path.is_file() or any(path.iterdir())):
        raise UserError(f"{path}: exists; choose another name, or ask for it to be overwritten")


def _sink(temporary: Path, path: Path, like: Film, height: int, width: int) -> Sink:
    """What writes a video of that ending. Raises :class:`UserError` where it cannot be begun."""
    if not path.suffix:
        return FolderWriter(temporary, like)
    if path.suffix.lower() in animations.WRITTEN:
        return animations.AnimationWriter(temporary, path, like, max(height, width))
    return encoding.Encoder(temporary, path, like, height, width)
