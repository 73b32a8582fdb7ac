"""Where a file came from: the note in a picture, a sound or a video that Sparring wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.core.reading import open_regular
from sparring.media.films import notes as films
from sparring.media.pictures import notes as pictures
from sparring.media.pictures.webp import stamped_webp
from sparring.media.sounds import writing as sounds

SOUNDS = ((8, b"WAVE"), (0, b"fLaC"), (0, b"OggS"))
"""Where in a file what stands that tells a sound that Sparring writes."""


def stamped(content: bytes, media_type: str, note: Mapping[str, Any]) -> bytes:
    """The bytes of a picture, a sound or an animation of that media type as Sparring encodes them, with ``note`` in
    them; files of other media types stay as they are."""
    if media_type in sounds.ENDINGS:
        return sounds.stamped(content, sounds.ENDINGS[media_type], note)
    if media_type == "image/webp":
        return stamped_webp(content, note)
    return pictures.stamped(content, media_type, note)


def read_note(path: Path) -> dict[str, Any]:
    """The note in a file that Sparring wrote, told by how it begins. Raises :class:`UserError` when there is none, or
    the file is no picture, sound or video."""
    try:
        with open_regular(path) as file:
            beginning = file.read(12)
    except OSError:
        beginning = b""  # why it cannot be read is said below
    if any(beginning[start:].startswith(mark) for start, mark in SOUNDS):
        return sounds.read_note(path)
    return films.read_note(path) if films.is_video(beginning) else pictures.read_note(path)
