"""From the bytes of a file to its text, and what reading one comes to: its texts with their labels, and its bad rows.

Text is UTF-8, or UTF-16 that says so with a mark at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sparring.core.reading import UTF_16, read_bytes
from sparring.data.source import BadFile

LARGEST = 1 << 30  # bytes of a file: all of it is held in memory
PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")  # zip, gzip, bzip2, xz, zstd


class BadText(Exception):
    """A file that cannot be used; says why and how to mend it, but not where: the caller knows the path."""


@dataclass
class ReadText:
    """Texts as they stand in a file, each with its label, None where nothing gives one, and what could not be used."""

    pairs: list[tuple[str, str | None]] = field(default_factory=list)
    bad_files: list[BadFile] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what was left aside, a line each


def gather(rows: Iterable[tuple[str, str, str | None]], bad_files: Iterable[BadFile] = ()) -> ReadText:
    """The texts of rows of place, text and label. Where some rows have a label, those without one are bad."""
    rows = list(rows)
    content = ReadText(bad_files=list(bad_files))
    labelled = any(label for _, _, label in rows)
    for place, text, label in rows:
        if labelled and not label:
            content.bad_files.append(BadFile(place, "has no label"))
        else:
            content.pairs.append((text, label or None))
    return content


def left_aside(learned_from: int, others: int, what: str) -> str:
    """What is said where data are in parts called train, test and the like: that only the first are learned from."""
    what += "" if learned_from == 1 else "s"
    return f"learned from train ({learned_from:,} {what}) alone; left aside: {others:,}, for evaluate --data"


def read_text(path: Path) -> str:
    """All the text of a file. Raises :class:`BadText` when it is empty, or no text in a known encoding."""
    try:
        content = read_bytes(path, LARGEST)
    except OSError as problem:
        mend = "change its permissions" if isinstance(problem, PermissionError) else "give a file of text"
        raise BadText(f"cannot be read ({problem.strerror}); {mend}") from None
    if not content.strip():
        raise BadText("is empty; write one sentence a line")
    if content.startswith(PACKED):
        raise BadText("is packed; unpack it first")
    if content.startswith(UTF_16):
        return _from_utf_16(content)
    if (zero := content.find(b"\0")) >= 0:
        raise BadText(f"line {_line(content, zero)} holds a zero byte: no text, or not UTF-8; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        where = f"line {_line(content, problem.start)} holds the byte 0x{content[problem.start]:02x}"
        raise BadText(f"{where}, which is not UTF-8; save it as UTF-8") from None


def split_lines(text: str) -> list[str]:
    """The lines of a text, cut at line ends only; ``str.splitlines`` would cut at form feeds and the like too."""
    return re.split(r"\r\n|\n|\r", text)


def _from_utf_16(content: bytes) -> str:
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].decode("utf-16", "ignore").count("\n") + 1
        raise BadText(f"line {line} is not UTF-16, as its beginning says; save it as UTF-8") from None


def _line(content: bytes, position: int) -> int:
    return len(re.split(rb"\r\n|\n|\r", content[:position]))
