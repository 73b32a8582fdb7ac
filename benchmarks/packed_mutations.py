"""Ways to damage binary files whose format is known: headers that lie, with checksums that are right."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

SIZES = (0, 1, 3, 255, 65_535, 100_000, 2**31 - 1, 2**31, 2**32 - 1)
HUGE = (0, 1, 7, 2**20, 10**9, 10**12, 2**63 - 1, 2**64 - 1)


def change_safetensors(content: bytes, random: Random, change_json: Callable[[Any, Random], str]) -> bytes:
    """The length of the header, a value in it, or a value in the JSON among its notes."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    action = random.choice(("length", "header", "entry", "entry", "note", "note"))
    if action == "length":
        return random.choice((*HUGE, length - 1, length + 1)).to_bytes(8, "little", signed=False) + content[8:]
    notes = header.get("__metadata__", {})
    if action == "note" and notes:
        name = random.choice(sorted(notes))
        try:
            notes[name] = change_json(json.loads(notes[name]), random)
        except ValueError:
            notes[name] = random.choice(("", "x" * 100_000, "\x1b[1m", "\ud800"))
        text = json.dumps(header)
    elif action == "entry":
        entry = header[random.choice([name for name in header if name != "__metadata__"] or ["__metadata__"])]
        change_entry(entry, random)
        text = json.dumps(header)
    else:
        text = change_json(header, random)
    packed = text.encode("utf-8", "surrogatepass")
    return len(packed).to_bytes(8, "little") + packed + content[8 + length :]


def change_entry(entry: dict[str, Any], random: Random) -> None:
    """The shape, type or place of one tensor."""
    size = random.choice(HUGE)
    entry |= random.choice((
        {"shape": [size]}, {"shape": [-1]}, {"shape": []}, {"shape": [1] * 100},
        {"shape": entry.get("shape", [])[::-1]},
        {"dtype": random.choice(("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X", ""))},
        {"data_offsets": [0, size]}, {"data_offsets": [size, 0]}, {"data_offsets": [0, 0]},
    ))  # fmt: skip


def change_npy(content: bytes, random: Random) -> bytes:
    """The header of an array: another shape, type or order, or none."""
    shape = random.choice((
        "()", "(0,)", "(0, 0)", "(1000000000000,)", "(1000000, 1000, 1000, 3)", "(-1, 2)", "(2,)", "(1,) * 9",
        "(4, 8, 8)", "(2.5,)", "(" + "1, " * 70 + ")", "'x'", "(9" + "9" * 5000 + ",)", "[" * 3000,
    ))  # fmt: skip
    kind = random.choice((
        "'|u1'", "'<f8'", "'<f2'", "'>f4'", "'|O'", "'<U9999999'", "'<M8[s]'", "'|V8'", "'<c16'", "[('a', '<f4')]",
        "'|b1'", "'x'", "'|S0'", "'<i8'", "'<f16'", "('<f4', (1000, 1000))",
    ))  # fmt: skip
    old = content[10 : 10 + int.from_bytes(content[8:10], "little")].decode("latin-1")
    shape_now = (re.search(r"'shape': (\([^)]*\))", old) or ["", "(4,)"])[1]
    kind_now = (re.search(r"'descr': ('[^']*')", old) or ["", "'|u1'"])[1]
    which = random.choice(("shape", "kind", "both", "order"))
    text = "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}".format(
        kind if which in ("kind", "both") else kind_now,
        random.choice(("True", "3", "'x'")) if which == "order" else "False",
        shape if which in ("shape", "both") else shape_now,
    )
    header = (text + " " * (63 - (len(text) + 10) % 64) + "\n").encode("latin-1")
    return b"\x93NUMPY\1\0" + struct.pack("<H", min(len(header), 65_535)) + header + content[10 + len(old) :]


def change_npy_in_zip(content: bytes, random: Random) -> bytes:
    """An array of an .npz with another header, under another name, missing or there twice."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    action = random.choice(("array",) * 4 + ("rename", "remove", "object"))
    if action == "array":
        members[name] = change_npy(members[name], random)
    elif action == "object":
        members[name] = b"\x80\x04cos\nsystem\n(S'touch fuzzed'\ntR."
    else:
        array = members.pop(name)
        if action == "rename":
            members[random.choice(("x.npy", "../fuzzed.npy", "", "labels.npy", "images", "n" * 5000))] = array
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, array in members.items():
            archive.writestr(each or " ", array)
    return packed.getvalue()


def change_zip(content: bytes, random: Random) -> bytes:
    """A field of a central or local header, or of the end of the directory: sizes, methods, flags, names, counts."""
    signature, fields = random.choice((
        (b"PK\1\2", {"flags": (8, 2), "method": (10, 2), "crc": (16, 4), "packed": (20, 4), "size": (24, 4),
                     "name": (28, 2), "extra": (30, 2), "offset": (42, 4)}),
        (b"PK\3\4", {"flags": (6, 2), "method": (8, 2), "packed": (18, 4), "size": (22, 4), "name": (26, 2),
                     "extra": (28, 2)}),
        (b"PK\5\6", {"count": (10, 2), "size": (12, 4), "offset": (16, 4), "comment": (20, 2)}),
    ))  # fmt: skip
    places = [match.start() for match in re.finditer(re.escape(signature), content)]
    if not places:
        return content[::-1]
    start = random.choice(places)
    if random.random() < 0.2 and signature != b"PK\5\6":  # the name itself
        begin = start + (46 if signature == b"PK\1\2" else 30)
        name = random.choice((b"../", b"/a/", b"\0\0\0", b"\xff\xfe\x80", b"\x1b[1", b"a/b", b"   "))
        return content[:begin] + name + content[begin + len(name) :]
    offset, width = random.choice(list(fields.values()))
    value = random.choice((*SIZES, 8, 12, 14, 93, 99)) & ((1 << 8 * width) - 1)
    return content[: start + offset] + value.to_bytes(width, "little") + content[start + offset + width :]


def change_tar(content: bytes, random: Random) -> bytes:
    """A field of a member's header, with a checksum that fits."""
    headers = [start for start in range(0, len(content) - 511, 512) if content[start + 257 : start + 262] == b"ustar"]
    if not headers:
        return content[::-1]
    start = random.choice(headers)
    header = bytearray(content[start : start + 512])
    offset, value = random.choice((
        (124, b"77777777777\0"), (124, b"\x80" + b"\xff" * 11), (124, b"00000000000\0"), (124, b"-0000000001\0"),
        (156, b"1"), (156, b"2"), (156, b"3"), (156, b"6"), (156, b"x"), (156, b"L"), (156, b"S"),
        (0, b"../../fuzzed\0"), (0, b"/fuzzed\0"),
        (0, b"\xff\xfe\0"), (157, b"/etc/passwd\0"),
    ))  # fmt: skip
    header[offset : offset + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return content[:start] + bytes(header) + content[start + 512 :]


def change_gz(content: bytes, random: Random) -> bytes:
    """What is packed, changed; or much more of it than there was."""
    inner = gzip.decompress(content)
    change = change_tar if inner[257:262] == b"ustar" else change_idx
    if random.random() < 0.15:
        return content + more_than_was_said()
    return gzip.compress(change(inner, random), 1)


@cache
def more_than_was_said() -> bytes:
    """400 MB of zeros, as a further member of a gzipped file."""
    return gzip.compress(b"\0" * 400_000_000, 1)


def change_idx(content: bytes, random: Random) -> bytes:
    """A size, the type or the number of dimensions in the header of an IDX file."""
    offset, width = random.choice(((4, 4), (8, 4), (12, 4), (0, 4), (2, 1), (3, 1)))
    value = random.choice(SIZES) & ((1 << 8 * width) - 1)
    return content[:offset] + value.to_bytes(width, "big") + content[offset + width :]


def change_png(content: bytes, random: Random) -> bytes:
    """A chunk changed, doubled, dropped, moved or put in, all with checksums that fit."""
    chunks = png_chunks(content)
    index = random.randrange(len(chunks))
    kind, body = chunks[index]
    action = random.choice(("header", "header", "drop", "twice", "swap", "text", "body"))
    if action == "header":
        index, (kind, body) = next(
            ((n, chunk) for n, chunk in enumerate(chunks) if chunk[0] == b"IHDR"), (0, chunks[0])
        )
        offset, width = random.choice(((0, 4), (4, 4), (8, 1), (9, 1), (10, 1), (12, 1)))
        value = random.choice((*SIZES, 2, 4, 16, 20_000)) & ((1 << 8 * width) - 1)
        chunks[index] = (kind, body[:offset] + value.to_bytes(width, "big") + body[offset + width :])
    elif action == "drop":
        del chunks[index]
    elif action == "twice":
        chunks.insert(index, chunks[index])
    elif action == "swap":
        other = random.randrange(len(chunks))
        chunks[index], chunks[other] = chunks[other], chunks[index]
    elif action == "body":
        chunks[index] = (kind, body[: len(body) // 2] + random.randbytes(4))
    else:
        chunks.insert(1, random.choice(png_extras()))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each)) + name + each + struct.pack(">I", zlib.crc32(name + each)) for name, each in chunks
    )


@cache
def png_extras() -> tuple[tuple[bytes, bytes], ...]:
    """Chunks that ask much of a reader: a note that unpacks to 100 MB, notes that are no JSON, frames, profiles."""
    bomb = zlib.compress(b"\0" * 100_000_000, 9)
    return (
        (b"zTXt", b"sparring\0\0" + bomb), (b"iCCP", b"x\0\0" + bomb), (b"tEXt", b"sparring\0{" + b"[" * 100_000),
        (b"iTXt", b"sparring\0\1\0\0\0" + bomb), (b"tEXt", b"sparring\0" + b"9" * 5000), (b"tEXt", b"sparring\0[1, 2]"),
        (b"acTL", struct.pack(">II", 2**31 - 1, 0)), (b"PLTE", b"\0" * 4), (b"tRNS", b"\0" * 999),
        (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
        (b"gAMA", b"\0\0\0\0"), (b"fcTL", b"\xff" * 26), (b"abCD", b"x" * 100),
    )  # fmt: skip


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, kind and body. Raises ValueError for what is none."""
    chunks, start = [], 8
    while start + 8 <= len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        chunks.append((content[start + 4 : start + 8], content[start + 8 : start + 8 + length]))
        start += 12 + length
    if not chunks:
        raise ValueError("not a PNG")
    return chunks


def change_jpeg(content: bytes, random: Random) -> bytes:
    """A segment of a JPEG: the picture's size, its number of components, the length of a segment."""
    segments = [match.start() for match in re.finditer(rb"\xff[\xc0\xc2\xc4\xda\xdb\xe0\xe1]", content)]
    start = random.choice(segments)
    offset, width = random.choice(((2, 2), (5, 2), (7, 2), (4, 1), (9, 1), (1, 1)))
    value = random.choice(SIZES) & ((1 << 8 * width) - 1)
    return content[: start + offset] + value.to_bytes(width, "big") + content[start + offset + width :]
