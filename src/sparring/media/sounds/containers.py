"""The containers of sounds, as far as soundfile leaves them to others: whether a file was cut off, of which soundfile
reads what is there and mostly says nothing; and notes of any length in a WAV."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)  # written by programs that did not know the size
MOST_CHUNKS = 10_000  # of a file, that are gone through
LAST_PAGE = 65_307  # bytes of an Ogg page, at most
XING_WITHIN = 4096  # bytes of an MP3's beginning that hold its first frame
SLACK = 1.01  # of its size, that an MP3's own count of bytes may be too high by
COMMENT = b"ICMT"
REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits in reverse order."""


class Layout(NamedTuple):
    """How a container's chunks lie: where the first begins, how its kind and size are written, to a multiple of how
    many bytes each is filled up, whether the size counts kind and size too, and which of them holds the samples."""

    first: int
    head: struct.Struct
    unit: int
    inclusive: bool
    samples: bytes


WAV = Layout(12, struct.Struct("<4sI"), 2, False, b"data")
LAYOUTS = {
    (b"RIFF", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): Layout(12, struct.Struct(">4sI"), 2, False, b"data"),
    (b"FORM", b"AIFF"): Layout(12, struct.Struct(">4sI"), 2, False, b"SSND"),
    (b"FORM", b"AIFC"): Layout(12, struct.Struct(">4sI"), 2, False, b"SSND"),
    (b"riff", b"\xa5\xd6\x28\xdb"): Layout(40, struct.Struct("<4s12xQ"), 8, True, b"data"),  # W64, kinds are GUIDs
}
CAF = Layout(8, struct.Struct(">4sQ"), 1, False, b"data")


def is_cut_off(content: BinaryIO, size: int) -> bool:
    """Whether ``content`` of ``size`` bytes has fewer of them than its own header promises: a WAV, RF64, W64, AIFF, AU,
    CAF, Ogg, or an MP3 that counts its bytes. Other formats tell when they are decoded."""
    content.seek(0)
    start = content.read(XING_WITHIN)
    if start[:4] == b"OggS":
        content.seek(max(0, size - LAST_PAGE))
        return not ends_with_a_page(content.read())
    if start[:4] == b".snd":
        begin, promised = struct.unpack_from(">II", start.ljust(12, b"\0"), 4)
        return promised not in UNKNOWN and begin + promised > size
    layout = CAF if start[:4] == b"caff" else LAYOUTS.get((start[:4], start[8:12]))
    if layout is None:
        return bool(start) and counted(start) > SLACK * size
    long = struct.unpack_from("<Q", start, 28)[0] if start[:4] == b"RF64" and len(start) > 36 else None
    for kind, begin, promised in chunks_of(content, layout):
        if kind == layout.samples:
            wanted = long if long is not None and promised == 0xFFFFFFFF else promised
            return wanted not in UNKNOWN and begin + wanted > size
    return False


def ends_with_a_page(tail: bytes) -> bool:
    """Whether the last of the Ogg pages that begin in ``tail`` is whole (RFC 3533, section 6)."""
    last = tail.rfind(b"OggS")
    table = last + 27  # a byte for each segment, its length
    if last < 0 or len(tail) < table:
        return False
    segments = tail[table - 1]
    return len(tail) >= table + segments + sum(tail[table : table + segments])


def unnumbered(ogg: bytes) -> bytes:
    """An Ogg whose stream has the number 0 in place of a random one, so that the same sound gives the same bytes."""
    pages, start = [], 0
    while ogg[start : start + 4] == b"OggS":
        segments = ogg[start + 26]
        end = start + 27 + segments + sum(ogg[start + 27 : start + 27 + segments])
        page = ogg[start : start + 14] + bytes(4) + ogg[start + 18 : start + 22] + bytes(4) + ogg[start + 26 : end]
        pages += [page[:22], ogg_checksum(page), page[26:]]
        start = end
    return b"".join(pages)


def ogg_checksum(page: bytes) -> bytes:
    """The four bytes of a page's CRC-32 (RFC 3533, section 6): zlib's polynomial with all bits reversed, and nothing
    inverted at the beginning and the end."""
    reflected = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return reflected.to_bytes(4, "big").translate(REVERSED)  # reversed bits, least significant byte first


def counted(start: bytes) -> int:
    """The bytes that an MP3 says it has, its tag before the first frame included; 0 where it says nothing."""
    place = max(start.find(b"Xing"), start.find(b"Info"))
    begins = start[:3] == b"ID3" or (start[0] == 0xFF and start[1:2] >= b"\xe0")
    if not begins or not 0 <= place <= len(start) - 16:
        return 0
    flags, *numbers = struct.unpack_from(">III", start, place + 4)
    return place + numbers[flags & 1] if flags & 2 else 0


def with_comment(wav: bytes, text: str) -> bytes:
    """A WAV with a comment behind its samples, where any program finds it: in a list of the kind ``INFO``."""
    value = text.encode() + b"\0"
    entry = COMMENT + struct.pack("<I", len(value)) + value + b"\0" * (len(value) % 2)
    chunk = b"LIST" + struct.pack("<I", 4 + len(entry)) + b"INFO" + entry
    padded = wav + b"\0" * (len(wav) % 2)
    return padded[:4] + struct.pack("<I", len(padded) + len(chunk) - 8) + padded[8:] + chunk


def comment_in(content: BinaryIO, most: int) -> str:
    """The comment of a WAV, of at most ``most`` bytes; empty where there is none."""
    for kind, _, size in chunks_of(content, WAV):
        if kind == b"LIST" and size <= most and content.read(4) == b"INFO":
            entries = content.read(size - 4)
            start = entries.find(COMMENT)
            if start >= 0 and len(entries) >= start + 8:
                (length,) = struct.unpack_from("<I", entries, start + 4)
                return entries[start + 8 : start + 8 + length].rstrip(b"\0").decode(errors="replace")
    return ""


def chunks_of(content: BinaryIO, layout: Layout) -> Iterator[tuple[bytes, int, int]]:
    """Of each chunk the kind, where its content begins and how long it says that it is; where it is given out,
    ``content`` stands at that beginning."""
    position = layout.first
    for _ in range(MOST_CHUNKS):
        content.seek(position)
        head = content.read(layout.head.size)
        if len(head) < layout.head.size:
            return
        kind, size = layout.head.unpack(head)
        size -= layout.head.size if layout.inclusive else 0
        if size < 0 or position + size >= 1 << 62:
            yield kind, position + layout.head.size, max(size, 0)
            return
        yield kind, position + layout.head.size, size
        position += layout.head.size + size
        position += -position % layout.unit
