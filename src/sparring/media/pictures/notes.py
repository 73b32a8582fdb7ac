"""Where a picture came from: a note that travels in the PNG or SVG itself.

The note is compact JSON: in a PNG an international text chunk (iTXt, keyword ``sparring``), in an SVG its ``metadata``.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from html import escape, unescape
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.reading import open_regular, parse_json, read_bytes

KEYWORD = "sparring"  # of the PNG chunk
WITH_NOTES = "pictures (PNG, SVG), sounds (WAV, FLAC, OGG) or videos (MP4, MKV, WebM, GIF, WebP)"
LARGEST_NOTE = 1 << 24  # characters
LARGEST_SVG = 1 << 26  # bytes
PNG_START = b"\x89PNG\r\n\x1a\n"
OURS = KEYWORD.encode() + b"\0"  # how the content of our chunk begins
SVG = re.compile(rb"""<svg\b(?:[^>"']|"[^"]*"|'[^']*')*(?<!/)>""")  # the tag that opens it
METADATA = re.compile(rb"\n?<metadata>([^<]*)</metadata>")


# Writing


def as_png(picture: Image.Image) -> bytes:
    """The bytes of a PNG without a note."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def encode_png(picture: Image.Image, note: Mapping[str, Any]) -> bytes:
    """The bytes of a PNG with its note."""
    return stamped(as_png(picture), "image/png", note)


def save_png(picture: Image.Image, path: Path, note: Mapping[str, Any]) -> None:
    """Write a PNG with its note, whole or not at all. Raises :class:`UserError` when it cannot be written."""
    write_atomically(path, encode_png(picture, note))


def stamped(content: bytes, media_type: str, note: Mapping[str, Any]) -> bytes:
    """The bytes of a file with ``note`` in them, in place of one that was there: of a PNG (``image/png``) or an SVG
    (``image/svg+xml``) as Sparring encodes them; files of other media types stay as they are."""
    if media_type == "image/png":
        text = OURS + b"\0\0\0\0" + compact(note).encode()  # not compressed, in no language, no translated keyword
        first, *others = (
            chunk for kind, chunk in chunks(content) if kind != b"iTXt" or chunk[8 : 8 + len(OURS)] != OURS
        )
        return b"".join([PNG_START, first, as_chunk(b"iTXt", text), *others])
    if media_type == "image/svg+xml" and (tag := SVG.search(content)):
        text = b"\n<metadata>" + escape(compact(note)).encode() + b"</metadata>"
        return content[: tag.end()] + text + METADATA.sub(without_note, content[tag.end() :])
    return content


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG in order: the kind of each, and all of its bytes."""
    start = len(PNG_START)
    while start < len(png):
        (length,) = struct.unpack_from(">I", png, start)
        end = start + length + 12  # before the content its length and kind, after it a checksum
        yield png[start + 4 : start + 8], png[start:end]
        start = end


def as_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def without_note(element: re.Match[bytes]) -> bytes:
    """An SVG's ``metadata`` as it is, nothing where it is a note of Sparring's."""
    return b"" if parsed(text_of(element)) is not None else element[0]


def compact(note: Mapping[str, Any]) -> str:
    """JSON without spaces, in ASCII."""
    return json.dumps(note, separators=(",", ":"))


# Reading


def read_note(path: Path) -> dict[str, Any]:
    """The note in a PNG or SVG that Sparring wrote. Raises :class:`UserError` when there is none, or no picture."""
    try:
        note = svg_note(path) if is_svg(path) else png_note(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise UserError(
            f"{path}: not a picture, a sound or a video that can be read; give {WITH_NOTES} as Sparring wrote them"
        ) from None
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        raise UserError(f"{path}: cannot be read ({getattr(problem, 'strerror', None) or problem})") from None
    if note is None:
        raise no_note(path)
    return note


def no_note(path: Path) -> UserError:
    """The error for a file that could have a note and has none."""
    return UserError(f"{path}: carries no note of Sparring's; only {WITH_NOTES} as Sparring wrote them do")


def is_svg(path: Path) -> bool:
    """Whether a file begins as an SVG does."""
    with open_regular(path) as file:
        return file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<svg", b"<?xml"))


def png_note(path: Path) -> dict[str, Any] | None:
    """The note in a PNG; None where it has none."""
    with Image.open(path, formats=["PNG"]) as picture:
        return parsed(str(picture.info.get(KEYWORD, "")))


def svg_note(path: Path) -> dict[str, Any] | None:
    """The note in an SVG; None where it has none. Nothing in it is interpreted as XML. Raises OSError for a file that
    is larger than any picture of Sparring's."""
    notes = (parsed(text_of(element)) for element in METADATA.finditer(read_bytes(path, LARGEST_SVG)))
    return next((note for note in notes if note is not None), None)


def text_of(element: re.Match[bytes]) -> str:
    """The text in an SVG's ``metadata``."""
    return unescape(element[1].decode(errors="replace"))


def parsed(text: str) -> dict[str, Any] | None:
    """A note from its JSON; None for text that is no JSON object, or longer than any note."""
    try:
        note = parse_json(text) if len(text) <= LARGEST_NOTE else None
    except ValueError:
        return None
    return note if isinstance(note, dict) else None
