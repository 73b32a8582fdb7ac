"""Notes in WebP files: the description in their EXIF data."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import ExifTags, Image

from sparring.media.pictures.notes import compact

DESCRIPTION = ExifTags.Base.ImageDescription
EXIF = b"Exif\0\0"  # what EXIF data begin with, but for those in a WebP
HAS_EXIF = 0x08  # the bit of a WebP's VP8X chunk that says so
HEAD = 12  # bytes of RIFF, a size, and WEBP


def as_exif(text: str) -> bytes:
    """EXIF data with a description, as a WebP holds them."""
    exif = Image.Exif()
    exif[DESCRIPTION] = text
    return exif.tobytes().removeprefix(EXIF)


def stamped_webp(content: bytes, note: Mapping[str, Any]) -> bytes:
    """The bytes of an animated WebP with ``note`` in them, in place of EXIF data that were there; of one that holds a
    single picture in the simple format they stay as they are."""
    kept = {kind: data for kind, data in chunks(content) if kind == b"VP8X"}
    if not kept:
        return content
    flags = kept[b"VP8X"]
    body = b""
    for kind, data in chunks(content):
        if kind == b"VP8X":
            body += as_chunk(kind, bytes([flags[0] | HAS_EXIF]) + flags[1:])
        elif kind != b"EXIF":
            body += as_chunk(kind, data)
    body += as_chunk(b"EXIF", as_exif(compact(note)))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def chunks(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WebP in order: the kind of each, and its content."""
    start = HEAD
    while start + 8 <= len(webp):
        kind, length = struct.unpack_from("<4sI", webp, start)
        yield kind, webp[start + 8 : start + 8 + length]
        start += 8 + length + length % 2


def as_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a WebP, of an even number of bytes."""
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
