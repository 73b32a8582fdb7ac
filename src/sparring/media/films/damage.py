"""What the outermost boxes of a film's file tell about its being whole, which decoders keep to themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

EBML = b"\x1a\x45\xdf\xa3"  # Matroska and WebM begin so
SEGMENT = b"\x18\x53\x80\x67"  # and all that matters is in this
UNKNOWN = (1 << 56) - 1  # size of a Matroska segment that was never finished, or streamed


def missing_bytes(path: Path) -> int:
    """How many bytes the file lacks, by what it says of itself: 0 when it is whole, or does not say."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == EBML:
            end = _segment_end(file)
        elif head[:4] == b"RIFF":
            end = int.from_bytes(head[4:8], "little") + 8
        else:
            end = max((start + size for _, start, size in _boxes(file)), default=0)
    return max(end - path.stat().st_size, 0)


def lacks_index(path: Path) -> bool:
    """Whether an MP4 or MOV has no whole ``moov`` box, without which nothing in it can be found."""
    length = path.stat().st_size
    with path.open("rb") as file:
        ends = {name: start + size for name, start, size in _boxes(file)}
    return b"ftyp" in ends and not 0 < ends.get(b"moov", 0) <= length


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size in bytes of each outermost box of an MP4; nothing for files of other kinds."""
    place, end = 0, file.seek(0, os.SEEK_END)
    while place + 8 <= end:
        file.seek(place)
        size, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if not name.isalnum():
            return
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        elif size == 0:  # up to the end of the file
            size = end - place
        if size < 8:
            return
        yield name, place, size
        place += size


def _segment_end(file: BinaryIO) -> int:
    """Where the segment of a Matroska file should end; 0 when it does not say."""
    file.seek(0)
    head = file.read(4096)
    place = head.find(SEGMENT)
    first = head[place + 4] if 0 <= place < len(head) - 12 else 0
    if not first:
        return 0
    length = 9 - first.bit_length()  # leading zeros tell how many bytes the number has
    size = int.from_bytes(head[place + 4 : place + 4 + length], "big") & ((1 << 7 * length) - 1)
    return 0 if size in (UNKNOWN, (1 << 7 * length) - 1) else place + 4 + length + size
