"""Where a video came from: a note, compact JSON, in the comment of a container or a GIF, or in a WebP's description. An
APNG carries it as every PNG does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from sparring.core.errors import UserError
from sparring.core.reading import reason
from sparring.media.films.containers import opened
from sparring.media.pictures.notes import no_note, parsed
from sparring.media.pictures.webp import DESCRIPTION

BEGINNINGS = ((0, b"GIF8"), (8, b"WEBP"), (4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "))
"""Where in a file what stands that tells a video that Sparring writes."""


def is_video(beginning: bytes) -> bool:
    """Whether a file that begins with these 12 bytes is a GIF, a WebP or a container."""
    return any(beginning[start:].startswith(mark) for start, mark in BEGINNINGS)


def read_note(path: Path) -> dict[str, Any]:
    """The note in a video that Sparring wrote: a GIF, a WebP or a container. Raises :class:`UserError` when there is
    none, or the file cannot be read."""
    note = parsed(text_in(path))
    if note is None:
        raise no_note(path)
    return note


def text_in(path: Path) -> str:
    """The comment, or the description, of a video. Raises :class:`UserError` where it cannot be read."""
    try:
        with Image.open(path, formats=["GIF", "WEBP"]) as picture:
            if picture.format == "WEBP":
                return str(picture.getexif().get(DESCRIPTION, ""))
            comment = picture.info.get("comment", b"")
            return comment.decode(errors="replace") if isinstance(comment, bytes) else str(comment)
    except UnidentifiedImageError:
        pass
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        raise UserError(f"{path}: cannot be read ({reason(problem)})") from None
    with opened(path) as container:
        metadata = {str(name).lower(): str(value) for name, value in container.metadata.items()}
    return metadata.get("comment", "")
