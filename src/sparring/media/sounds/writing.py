"""Sounds as files that carry a note of where they came from: WAV and FLAC of 16 bits, Ogg Vorbis."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.reading import open_regular
from sparring.media.pictures.notes import LARGEST_NOTE, compact, no_note, parsed
from sparring.media.sounds.containers import comment_in, unnumbered, with_comment
from sparring.media.sounds.decode import Content, read_sound, soundfile, told_by

FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
ENDINGS = {"audio/wav": ".wav", "audio/flac": ".flac"}  # of artifacts, by their media type
GAP = 0.25  # seconds between sounds of one file


def encode(samples: np.ndarray, rate: int, ending: str, note: Mapping[str, Any]) -> bytes:
    """The bytes of a file of that ``ending``, one of ``FORMATS``, of samples ``(channels, n)``; beyond [-1, 1] they are
    cut. Raises :class:`UserError` for samples that are not numbers."""
    if not np.isfinite(samples).all():
        raise UserError("samples hold numbers that are not finite; take another checkpoint of the run")
    kind, coded = FORMATS[ending]
    buffer = io.BytesIO()
    limited = np.clip(samples.T, -1, 32767 / 32768)
    with soundfile().SoundFile(buffer, "w", rate, len(samples), coded, format=kind) as file:
        if note and kind != "WAV":
            file.comment = compact(note)
        file.write(limited)
    content = unnumbered(buffer.getvalue()) if kind == "OGG" else buffer.getvalue()
    return with_comment(content, compact(note)) if note and kind == "WAV" else content


def save_sound(samples: np.ndarray, rate: int, path: Path, note: Mapping[str, Any], durable: bool = True) -> None:
    """Write samples ``(channels, n)`` as a file, whole or not at all; its ending is one of ``FORMATS``."""
    write_atomically(path, encode(samples, rate, path.suffix.lower(), note), durable=durable)


def stamped(content: bytes, ending: str, note: Mapping[str, Any]) -> bytes:
    """The bytes of a file of that ``ending`` that :func:`encode` made, once more with a note."""
    samples, rate = read_sound(content)
    return encode(samples, rate, ending, note)


def joined(sounds: np.ndarray, rate: int) -> np.ndarray:
    """Sounds ``(n, channels, samples)`` one after the other, with gaps, ``(channels, total)``."""
    gap = np.zeros((sounds.shape[1], round(GAP * rate)), np.float32)
    return np.concatenate([part for sound in sounds for part in (sound, gap)][:-1], 1)


def read_note(path: Path) -> dict[str, Any]:
    """The note in a sound that Sparring wrote. Raises :class:`UserError` when there is none, or no sound."""
    try:
        with open_regular(path) as content:
            is_wav = content.read(4) == b"RIFF"
            content.seek(0)
            note = parsed(comment_in(content, LARGEST_NOTE) if is_wav else comment_of(content))
    except UserError:
        raise
    except Exception as problem:  # a broken file may trip the library up in any way at all
        raise UserError(f"{path}: cannot be read ({told_by(problem)})") from None
    if note is None:
        raise no_note(path)
    return note


def comment_of(content: BinaryIO) -> str:
    """The comment of a FLAC or an Ogg."""
    with soundfile().SoundFile(Content(content)) as file:
        return str(file.comment)
