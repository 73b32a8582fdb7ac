"""One sound file, of any format and rate, to float32 samples; or a reason why not.

The library of the extra called ``audio`` is imported when a sound needs it, never before.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from sparring.core.errors import UserError
from sparring.core.install import SOUNDFILE
from sparring.core.reading import has_memory_for, open_regular, reason
from sparring.media.sounds.compressed import read_compressed
from sparring.media.sounds.containers import is_cut_off
from sparring.media.sounds.formats import BY_AV
from sparring.media.sounds.header import BadSound, Header, checked

AT_ONCE = 1 << 16  # samples that are passed over at a time
STARTS = {b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"PK\x03\x04": "a zip",
          b"%PDF": "a PDF"}  # fmt: skip
"""How files begin that are no sounds, whatever they are called."""
ASF = b"\x30\x26\xb2\x75"  # how WMA begins


def soundfile() -> ModuleType:
    """The library that reads and writes sounds. Raises :class:`UserError` where it is not installed."""
    try:
        import soundfile
    except (ImportError, OSError):
        raise UserError(f"sounds need the library soundfile: {SOUNDFILE}") from None
    module: ModuleType = soundfile
    return module


def read_header(file: Path | bytes) -> Header:
    """What is known of a sound without decoding it. Raises :class:`BadSound` for a file that gives none."""
    if by_av(file):
        sound, rate = read_compressed(file)
        return checked(Header(rate, len(sound), sound.shape[1], "compressed"))
    with opened(file) as sound:
        return checked(Header(sound.samplerate, sound.channels, sound.frames, sound.subtype))


def read_sound(file: Path | bytes, start: int = 0, frames: int | None = None) -> tuple[np.ndarray, int]:
    """Samples of a file from ``start`` on, ``frames`` of them or all that there are, float32 ``(channels, frames)`` in
    [-1, 1], and their rate in hertz. Raises :class:`BadSound` for a file that gives none, or not as many as it
    promises, or numbers that are not finite."""
    if by_av(file):
        whole, rate = read_compressed(file)
        samples = whole[:, start:][:, :frames]
    else:
        with opened(file) as sound:
            header = checked(Header(sound.samplerate, sound.channels, sound.frames, sound.subtype))
            rate, there = header.rate, max(0, header.frames - start)
            wanted = there if frames is None else min(frames, there)
            if not has_memory_for(4 * wanted * header.channels):
                raise BadSound(f"{header.seconds / 60:,.0f} minutes are more than fit into memory; cut it into pieces")
            skip(sound, min(start, header.frames))
            samples = sound.read(wanted, dtype="float32", always_2d=True).T
            if samples.shape[1] < wanted:
                raise BadSound(f"is cut off: {samples.shape[1] + start:,} of {header.frames:,} samples are there")
    if not np.isfinite(samples).all():
        raise BadSound("holds samples that are not numbers (NaN or infinite)")
    return np.ascontiguousarray(samples), rate


def skip(sound: Any, start: int) -> None:
    """Go to a sample of an open sound; through all before it where the library cannot jump (GSM, some MP3)."""
    if start and sound.seekable():
        sound.seek(start)
    while start and not sound.seekable():
        passed = len(sound.read(min(start, AT_ONCE), dtype="float32"))
        start = start - passed if passed else 0


def by_av(file: Path | bytes) -> bool:
    """Whether a file is one of those that PyAV reads: by its ending, or a member of an archive by how it
    begins."""
    return file.suffix.lower() in BY_AV if isinstance(file, Path) else file[4:8] == b"ftyp" or file[:4] == ASF


class Content:
    """A sound's bytes for the library, which calls back for them and may not be answered with an exception: Python
    would print it. A broken file sends it to places before the beginning."""

    def __init__(self, content: BinaryIO) -> None:
        self.tell, self.readinto = content.tell, content.readinto  # type: ignore[attr-defined]
        self._seek = content.seek

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position; where there is none, stay."""
        try:
            return self._seek(position, whence)
        except (OSError, ValueError, OverflowError):
            return self.tell()


@contextmanager
def opened(file: Path | bytes) -> Iterator[Any]:
    """A sound file as soundfile gives it. Raises :class:`BadSound` for what cannot be opened, is no sound, is shorter
    than its header says, or breaks while it is read."""
    library, what = soundfile(), "cannot be read as a sound"
    try:
        with open_regular(file) if isinstance(file, Path) else io.BytesIO(file) as content:
            refuse_others(content)
            with library.SoundFile(Content(content)) as sound:
                what = "is damaged or cut off"
                yield sound
    except (BadSound, UserError):
        raise
    except Exception as problem:  # a broken file may trip the library up in any way at all
        raise BadSound(f"{what} ({told_by(problem)})") from None


def told_by(problem: Exception) -> str:
    """Why the library gave up, in a few words: the whole text of its errors names a Python object."""
    text: str = getattr(problem, "error_string", None) or reason(problem)
    return text.removeprefix("Error : ").rstrip(".")


def refuse_others(content: BinaryIO) -> None:
    """Raise :class:`BadSound` for bytes that begin as another kind of file, and for a container that has been cut
    off."""
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    start = content.read(16)
    if not size:
        raise BadSound("is an empty file")
    for beginning, what in STARTS.items():
        if start.startswith(beginning):
            raise BadSound(f"is {what}, not a sound")
    if is_cut_off(content, size):
        raise BadSound("is cut off: it ends before its header says so")
    content.seek(0)
