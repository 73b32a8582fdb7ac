"""Where a file came from: the note in a picture or a sound that Sparring wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.core.reading import open_regular
from sparring.media.pictures import notes as pictures
from sparring.media.sounds import writing as sounds

SOUNDS = (b"RIFF", b"fLaC", b"OggS")  # how the sounds that Sparring writes begin


def stamped(content: bytes, media_type: str, note: Mapping[str, Any]) -> bytes:
    """The bytes of a picture or a sound of that media type as Sparring encodes them, with ``note`` in them; files of
    other media types stay as they are."""
    if media_type in sounds.ENDINGS:
        return sounds.stamped(content, sounds.ENDINGS[media_type], note)
    return pictures.stamped(content, media_type, note)


def read_note(path: Path) -> dict[str, Any]:
    """The note in a file that Sparring wrote, told by how it begins. Raises :class:`UserError` when there is none, or
    the file is neither a picture nor a sound."""
    try:
        with open_regular(path) as file:
            is_sound = file.read(4) in SOUNDS
    except OSError:
        is_sound = False  # why it cannot be read is said below
    return sounds.read_note(path) if is_sound else pictures.read_note(path)
