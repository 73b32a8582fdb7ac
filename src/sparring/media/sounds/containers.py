"""The containers of sounds, as far as soundfile leaves them to others: whether a file was cut off, of which soundfile
reads what is there and says nothing; and notes of any length in a WAV."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes written by programs that did not know the size yet
LAST_PAGE = 65_307  # bytes of an Ogg page, at most
COMMENT = b"ICMT"


def is_cut_off(content: BinaryIO, size: int) -> bool:
    """Whether ``content`` of ``size`` bytes is a WAV or AIFF with fewer bytes than its header promises, or an Ogg
    without its last page."""
    content.seek(0)
    start = content.read(12)
    if start[:4] == b"OggS":
        content.seek(max(0, size - LAST_PAGE))
        return not ends_a_stream(content.read())
    orders = {(b"RIFF", b"WAVE"): "<I", (b"FORM", b"AIFF"): ">I", (b"FORM", b"AIFC"): ">I"}
    order = orders.get((start[:4], start[8:12]))
    if order is None or len(start) < 12:
        return False
    (promised,) = struct.unpack(order, start[4:8])
    return promised not in UNKNOWN and promised + 8 > size + 1  # a padding byte may be missing


def ends_a_stream(tail: bytes) -> bool:
    """Whether the last of the Ogg pages in ``tail`` says that it is the last of its stream."""
    last = tail.rfind(b"OggS")
    return last >= 0 and len(tail) > last + 5 and bool(tail[last + 5] & 4)


def with_comment(wav: bytes, text: str) -> bytes:
    """A WAV with a comment behind its samples, where any program finds it: in a list of the kind ``INFO``."""
    value = text.encode() + b"\0"
    entry = COMMENT + struct.pack("<I", len(value)) + value + b"\0" * (len(value) % 2)
    chunk = b"LIST" + struct.pack("<I", 4 + len(entry)) + b"INFO" + entry
    padded = wav + b"\0" * (len(wav) % 2)
    return padded[:4] + struct.pack("<I", len(padded) + len(chunk) - 8) + padded[8:] + chunk


def comment_in(content: BinaryIO, most: int) -> str:
    """The comment of a WAV, of at most ``most`` bytes; empty where there is none."""
    for kind, size in chunks_of(content):
        if kind == b"LIST" and size <= most and content.read(4) == b"INFO":
            entries = content.read(size - 4)
            start = entries.find(COMMENT)
            if start >= 0 and len(entries) >= start + 8:
                (length,) = struct.unpack_from("<I", entries, start + 4)
                return entries[start + 8 : start + 8 + length].rstrip(b"\0").decode(errors="replace")
    return ""


def chunks_of(content: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The kind and the size of each chunk of a WAV; where it is given out, ``content`` stands at its beginning."""
    position = 12
    while True:
        content.seek(position)
        head = content.read(8)
        if len(head) < 8:
            return
        kind, (size,) = head[:4], struct.unpack("<I", head[4:])
        yield kind, size
        position += 8 + size + size % 2
