"""Writing films: the ending decides what they become; nothing half-written is ever seen."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.core.files import aside, make_folder
from sparring.media.films import encoding, moving
from sparring.media.films.film import Film
from sparring.media.films.sound import silent

KNOWN = (*encoding.FORMATS, *moving.FORMATS)
FRAME = re.compile(r"\d{6,}\.png")


class Sink(Protocol):
    """Where the frames of a film go; ``notes`` tells of what could not be kept."""

    notes: list[str]

    def add(self, frame: np.ndarray) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class Writer:
    """What :func:`writing` gives: ``add`` frames; read ``notes``, what could not be kept, once it is left."""

    def __init__(self, path: Path, sink: Sink, height: int, width: int) -> None:
        self.path, self.count = path, 0
        self._sink, self._shape = sink, (height, width, 3)

    @property
    def notes(self) -> list[str]:
        return self._sink.notes

    def add(self, frame: np.ndarray) -> None:
        """The next frame, RGB uint8 ``(height, width, 3)``. Raises :class:`UserError` for another shape."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise UserError(
                f"{self.path}: a frame of {frame.dtype} {frame.shape} where uint8 {self._shape} is due; "
                "bring all frames to one size"
            )
        self._sink.add(frame)
        self.count += 1


@contextmanager
def writing(
    path: Path, like: Film, *, height: int | None = None, width: int | None = None, overwrite: bool = False
) -> Iterator[Writer]:
    """A film at ``path`` with the rate and the sound of ``like``, and its size unless told otherwise.

    A container, an animation, or without an ending a folder of PNGs. It appears when the block is left, unless
    by an exception. Raises :class:`UserError` when something is there already (unless ``overwrite``), when that
    is the film that is read, for an unknown ending, without any frame, or when it cannot be written.
    """
    check_place(path, like, overwrite)
    make_folder(path.parent)
    height, width = height or like.height, width or like.width
    with _folder_aside(path) if not path.suffix else aside(path) as place:
        sink = _sink(place, path, like, height, width)
        try:
            writer = Writer(path, sink, height, width)
            yield writer
            if not writer.count:
                raise UserError(f"{path}: a film without frames cannot be written; give at least one")
            sink.finish()
        finally:
            sink.close()


def check_place(path: Path, like: Film, overwrite: bool) -> None:
    """Raises :class:`UserError` when no film like ``like`` may be written at ``path``: see :func:`writing`."""
    ending = path.suffix.lower()
    if ending and ending not in KNOWN:
        raise UserError(f"{path}: '{ending}' is no known ending; use {', '.join(KNOWN)}, or none for a folder of PNGs")
    if not path.exists():
        return
    if like.path.exists() and os.path.samefile(path, like.path):
        raise UserError(f"{path}: is the film that is read; write to another place")
    if path.is_dir() != (not ending):
        raise UserError(f"{path}: is {'a folder' if ending else 'a file'} already; choose another name")
    if path.is_dir() and (other := next((each for each in path.iterdir() if not FRAME.fullmatch(each.name)), None)):
        raise UserError(f"{path}: holds other things than frames ({other.name}); choose another folder")
    if not overwrite and (path.is_file() or any(path.iterdir())):
        raise UserError(f"{path}: exists; choose another name, or ask for it to be overwritten")


def _sink(place: Path, path: Path, like: Film, height: int, width: int) -> Sink:
    if not path.suffix:
        return Frames(place, like)
    if path.suffix.lower() in moving.FORMATS:
        return moving.Animation(place, path, like, max(height, width))
    return encoding.Encoder(place, path, like, height, width)


class Frames:
    """A folder of PNGs, ``000000.png`` and on."""

    def __init__(self, place: Path, like: Film) -> None:
        self._place, self._count = place, 0
        self.notes = silent(like, "a folder of frames")

    def add(self, frame: np.ndarray) -> None:
        """The next frame, RGB uint8 ``(height, width, 3)``."""
        Image.fromarray(np.array(frame)).save(self._place / f"{self._count:06}.png")
        self._count += 1

    def finish(self) -> None:
        """All is written."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _folder_aside(path: Path) -> Iterator[Path]:
    """As :func:`sparring.core.files.aside`, for a folder: the old one is whole until the new one is."""
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rename(old)
        try:
            temporary.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    except OSError as problem:
        reason = problem.strerror or problem
        raise UserError(f"{path}: cannot be written ({reason}); free some space or choose another place") from None
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
