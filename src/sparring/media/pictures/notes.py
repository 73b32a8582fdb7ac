"""Where a picture came from: a note that travels in the PNG itself.

The note is compact JSON in an international text chunk (iTXt, keyword ``sparring``).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from sparring.core.errors import UserError
from sparring.core.files import write_atomically

KEYWORD = "sparring"  # of the PNG chunk


def encode_png(picture: Image.Image, note: Mapping[str, Any]) -> bytes:
    """The bytes of a PNG with its note."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(KEYWORD, compact(note))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=chunks)
    return buffer.getvalue()


def save_png(picture: Image.Image, path: Path, note: Mapping[str, Any]) -> None:
    """Write a PNG with its note, whole or not at all. Raises :class:`UserError` when it cannot be written."""
    write_atomically(path, encode_png(picture, note))


def read_note(path: Path) -> dict[str, Any]:
    """The note in a PNG that Sparring wrote. Raises :class:`UserError` when there is none, or no picture."""
    try:
        with Image.open(path) as picture:
            text = picture.info.get(KEYWORD)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture that can be read; give a PNG that Sparring wrote") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise UserError(f"{path}: cannot be read ({getattr(problem, 'strerror', None) or problem})") from None
    try:
        note = json.loads(text or "")
    except (ValueError, RecursionError):
        note = None
    if not isinstance(note, dict):
        raise UserError(f"{path}: carries no note of Sparring's; only PNGs as Sparring wrote them do")
    return note


def compact(note: Mapping[str, Any]) -> str:
    """JSON without spaces, in ASCII."""
    return json.dumps(note, separators=(",", ":"))
