"""Opening files that others made: regular files alone, and no more of one than was agreed.

A pipe, a socket or a device that stands where a file is expected would hang a reader or never end. Packed files are
unpacked to what they say and no further: every reader of an archive asks here how much that may be.
"""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import json
import lzma
import math
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from sparring.core.terminal import one_line

KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}  # fmt: skip
SMALL = 1 << 26  # bytes of a file that describes others: labels, settings, a journal's note
UNPACKED = 1 << 28  # bytes that anything packed may unpack to
RATIO = 100  # times its packed size that something larger may unpack to; data of ours stay far below
WORDS = 1 << 16  # bytes of a recipe
AT_ONCE = 1 << 26  # bytes that a tar may ask for in one piece
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # how a text says that it is no UTF-8
PARTS = 1 << 18  # brackets in a model's description, which has a few and those of its tokens: millions take seconds
LEVELS = 64  # of lists and objects in each other in the JSON of others


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """``a named pipe``, ``a socket``, ``a device``, ``a folder``; empty for a regular file, also behind links. Raises
    OSError where there is nothing."""
    return KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "")


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file is there, also behind links."""
    try:
        return not kind_of_file(path)
    except (OSError, ValueError):  # a name with a null in it
        return False


def regular(path: Path) -> Path:
    """``path``, for a library that opens it itself. Raises OSError, with the reason, for anything but a regular
    file."""
    kind = kind_of_file(path)
    if kind:
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))
    return path


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file opened for reading bytes. Raises OSError, with the reason, for anything else: nothing hangs."""
    handle = os.open(regular(Path(path)), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # it became something else meanwhile
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_bytes(path: str | os.PathLike[str], most: int = SMALL) -> bytes:
    """The content of a regular file of at most ``most`` bytes. Raises OSError, with the reason, for anything else."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:  # told before any of it is read
            raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
        return whole(file, most, path)


def read_text(path: str | os.PathLike[str], most: int = SMALL) -> str:
    """The UTF-8 text in a regular file of at most ``most`` bytes, without its byte order mark. Raises OSError or
    UnicodeDecodeError for anything else."""
    return read_bytes(path, most).decode("utf-8-sig")


def reason(problem: BaseException) -> str:
    """Why a file cannot be read or written, in one line without its name."""
    return one_line(getattr(problem, "strerror", None) or problem) or type(problem).__name__


def read_json(path: str | os.PathLike[str], most: int = SMALL) -> Any:
    """The value in a JSON file of at most ``most`` bytes. Raises OSError for what cannot be read, ValueError for what
    is no JSON: also for a name that is there twice, for NaN, for more brackets in each other or in all than any of ours
    has."""
    text = read_text(path, most)
    if text.count("[") + text.count("{") > PARTS:
        raise ValueError(f"more than {PARTS:,} brackets")
    return parse_json(text, object_pairs_hook=_by_name, parse_constant=_no_constant)


def _by_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON's")


def whole(file: IO[bytes], most: int, path: str | os.PathLike[str]) -> bytes:
    """All that can be read from an open file, also one that unpacks. Raises OSError where that is more than ``most``
    bytes."""
    content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
    return content


def may_unpack_to(packed: int) -> int:
    """The bytes that something of ``packed`` bytes may unpack to."""
    return max(UNPACKED, RATIO * packed)


def memory() -> float:
    """The bytes of memory that this machine has; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return math.inf


def has_memory_for(count: int) -> bool:
    """Whether this machine could hold so many bytes twice; what is said of a file is not believed beyond that."""
    return 2 * count <= memory()


def parse_json(text: str, **hooks: Any) -> Any:
    """The value of a JSON text that others wrote. Raises ValueError, with the reason in one line, for what is no JSON
    and for more than ``LEVELS`` of lists and objects in each other, which would stop those that go through it.
    ``hooks`` are json's own."""
    try:
        value = json.loads(text, **hooks)
    except RecursionError:
        raise ValueError(f"more than {LEVELS} brackets in each other") from None
    containers, level = [value], 0
    while containers := [
        inner
        for each in containers
        if isinstance(each, list | dict)
        for inner in (each.values() if isinstance(each, dict) else each)
        if isinstance(inner, list | dict)
    ]:
        level += 1
        if level >= LEVELS:
            raise ValueError(f"more than {LEVELS} brackets in each other")
    return value


def open_gzip(path: Path) -> BinaryIO:
    """A gzipped regular file, to be read with a bound (:func:`whole`). Raises OSError for anything else."""
    packed = open_regular(path)
    file = gzip.GzipFile(fileobj=packed, mode="rb")
    file.myfileobj = cast(Any, packed)  # to be closed with it
    return cast(BinaryIO, file)


class Unpacking:
    """A file that unpacks as it is read, for a library that believes what an archive says of itself. Reading beyond
    ``most`` bytes, or more than ``AT_ONCE`` of them at a time, raises OSError."""

    def __init__(self, file: IO[bytes], most: int, path: str | os.PathLike[str]) -> None:
        self._file, self._most, self._path = file, most, str(path)

    def read(self, count: int = -1) -> bytes:
        """The next ``count`` bytes. Raises OSError where these are too many."""
        if not 0 <= count <= AT_ONCE:
            raise OSError(errno.EFBIG, f"a part of it is larger than {AT_ONCE >> 20} MiB", self._path)
        self._check(self._file.tell() + count)
        return self._file.read(count)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, counted from the beginning. Raises OSError where that is too far."""
        self._check(position)
        return self._file.seek(position, whence)

    def tell(self) -> int:
        """The present position, in bytes."""
        return self._file.tell()

    def _check(self, position: int) -> None:
        if not 0 <= position <= self._most:
            raise OSError(errno.EFBIG, f"unpacks to more than {self._most >> 20} MiB", self._path)


def open_zip(path: Path) -> zipfile.ZipFile:
    """A zip to be read by :func:`zip_member`. Raises OSError for what is no regular file or no zip that can be read."""
    regular(path)
    try:
        return zipfile.ZipFile(path)
    except OSError:
        raise
    except Exception as problem:  # a broken file may trip zipfile up in any way: names that are no UTF-8, a version
        raise OSError(errno.EINVAL, f"not a readable zip ({problem})", str(path)) from None


def zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of a member of a zip, as many bytes as it says. Raises OSError where that is more than it may unpack
    to, BadZipFile for a damaged or encrypted one, and what zipfile raises besides."""
    most = may_unpack_to(min(member.compress_size, archive.start_dir))  # the first is what the zip says
    if member.file_size > most:
        raise OSError(errno.EFBIG, f"unpacks to more than {most >> 20} MiB: may be a zip bomb", member.filename)
    if member.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return _unpack_bounded(archive, member)
    with archive.open(member) as file:
        return file.read(member.file_size)


def _unpack_bounded(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """As :func:`zip_member`, where zipfile itself would unpack without a bound: bzip2 and lzma."""
    packed = _packed(archive, member)
    try:
        if member.compress_type == zipfile.ZIP_BZIP2:
            content = bz2.BZ2Decompressor().decompress(packed, member.file_size)
        else:  # two bytes of version, two of the properties' length (5), the properties, the stream: APPNOTE.TXT 5.8.8
            alone = packed[4:9] + member.file_size.to_bytes(8, "little") + packed[9:]
            content = lzma.LZMADecompressor(lzma.FORMAT_ALONE, UNPACKED).decompress(alone, member.file_size)
    except (OSError, EOFError, lzma.LZMAError) as problem:
        raise zipfile.BadZipFile(str(problem)) from None
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {member.filename!r}")
    return content


def _packed(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes as they lie in the zip, behind its local header (APPNOTE.TXT 4.3.7)."""
    file = archive.fp
    if file is None or member.flag_bits & 1:
        raise zipfile.BadZipFile("encrypted")
    file.seek(member.header_offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04" or len(header) < 30:
        raise zipfile.BadZipFile("Bad magic number for file header")
    file.seek(sum(struct.unpack("<26x2H", header)), os.SEEK_CUR)
    return file.read(member.compress_size)
