"""What is shown to a person: any text made fit to be printed, and lines that a broken stream cannot stop."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from sparring.core.errors import UserError

LONGEST_VALUE = 80  # characters of a value in a message
LONGEST_PATH = 200  # of the path of a file or a folder there
LONGEST_LINE = 2000  # characters of a message
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
CLEAR = "\r\x1b[2K"  # back to the beginning of the line, and nothing on it any more
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone halves of a pair, separators of lines and paragraphs
DIRECTIONS = {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # bidirectional marks


def printable(text: str, keep: str = "") -> str:
    """``text`` with every character that could move the cursor, colour the terminal, reverse the direction of reading
    or fail to be encoded replaced by U+FFFD, but for those in ``keep``. Names of files come as the system gives them:
    bytes that are no UTF-8 are lone surrogates."""
    if text.translate(dict.fromkeys(map(ord, keep))).isprintable():
        return text
    return "".join(character if character in keep or _shows(character) else REPLACEMENT for character in text)


def escaped(text: str) -> str:
    """``text`` with what is not :func:`printable` written out, so that different names stay different and can be typed:
    a byte that is no UTF-8 as ``\\xff``, another character as ``\\u202e``."""
    if text.isprintable():
        return text
    return "".join(character if _shows(character) else _written_out(ord(character)) for character in text)


def _written_out(code: int) -> str:
    code -= 0xDC00 if 0xDC80 <= code <= 0xDCFF else 0  # how the system's bytes come in Python
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _shows(character: str) -> bool:
    import unicodedata  # here, for the command line's help must not wait for it

    return unicodedata.category(character) not in UNSEEN and ord(character) not in DIRECTIONS


def shortened(value: Any, most: int = LONGEST_VALUE) -> str:
    """A value in one printable line of at most ``most`` characters, with the middle left out where it is longer; a
    tuple as its items."""
    if isinstance(value, tuple):
        ends = value if len(value) <= most else (*value[:most], *value[-most:])
        value = ", ".join(map(str, ends))
    try:
        text = printable(str(value)) or "none"
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        text = f"{type(value).__name__} too large to show"
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-(most - most // 2 - 5) :]}"


def quoted(value: Any) -> str:
    """A value as messages quote it, shortened."""
    return "''" if value == "" else f"'{shortened(value)}'"


def quoted_place(place: Any) -> str:
    """A path, or what was given as one, as messages quote it, shortened where it is very long."""
    return "''" if place == "" else f"'{shortened(place, LONGEST_PATH)}'"


def one_line(message: object) -> str:
    """A message in one printable line, cut where it is longer than anybody reads."""
    line = printable(" ".join(str(message).split()))
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 4]} ..."


def tell(line: str, stream: TextIO | None = None, end: str = "\n") -> None:
    """Print a line on standard error, or another stream, in place of a live line. A stream that cannot take it, closed,
    full or gone with its terminal, is passed over: nobody's work ends because nobody reads about it."""
    clear()
    with suppress(OSError, ValueError):  # a closed file gives a ValueError
        print(line, file=stream or sys.stderr, end=end, flush=True)


_live: list[TextIO] = []  # the terminal on which an unfinished line stands


def redraw(line: str, stream: TextIO) -> None:
    """A live line on a terminal: it stands until anything else is printed there."""
    _live.clear()
    tell(CLEAR + line, stream, end="")
    _live.append(stream)


def clear() -> None:
    """Take the live line away, where there is one."""
    if _live:
        tell(CLEAR, _live.pop(), end="")


def show(text: str) -> None:
    """Print a verb's result on standard output. Who reads no further, as ``head`` does, is content; raises
    :class:`UserError` where the text cannot be written."""
    clear()
    try:
        print(text, flush=True)
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left must not fail again at the end
        if not isinstance(problem, BrokenPipeError):
            raise UserError(
                f"standard output: cannot be written ({problem.strerror}); write it to another place"
            ) from None


def as_json(value: Any) -> str:
    """``value`` as JSON in one line of readable letters; what is not :func:`printable` is escaped."""
    import json

    text = json.dumps(value, default=str, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def open_standard_streams() -> None:
    """Give a process that was started with a closed standard stream the null device in its place: or else the first
    file that is opened gets its number, and what a library prints goes into that file."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")  # a terminal that knows fewer letters than a user's files
