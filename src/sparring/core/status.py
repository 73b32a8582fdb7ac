"""What a person sees while something takes long: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TextIO, TypeVar

from sparring.core.settings import is_first
from sparring.core.terminal import printable, redraw, tell

PLAIN_SECONDS = 10.0  # between lines where there is no terminal, or
PLAIN_GROWTH = 0.02  # of the time since the first of them, where that is longer
LIVE_SECONDS = 0.5  # between changes of the live line
SEPARATOR = " | "
FULL, EMPTY = "━", "─"  # of a bar
ASCII = str.maketrans({FULL: "#", EMPTY: "."})
NARROWEST, WIDEST = 8, 24  # cells of a bar
BOLD, GREEN, YELLOW, RED, CYAN = "1", "32", "33", "31", "36"
WORDS = {
    "balanced": GREEN, "improving": GREEN, "discriminator ahead": YELLOW, "generator ahead": YELLOW,
    "stalled": YELLOW, "slowing": "", "warming up": "",
}  # fmt: skip
"""The colours of words of health; any other names a trouble and is red."""
T = TypeVar("T")
_plain: ContextVar[bool] = ContextVar("plain", default=False)
_silent: ContextVar[bool] = ContextVar("silent", default=False)


class Field(NamedTuple):
    """A part of the live line. It is shown whole or not at all: of fields that do not fit, the one of the highest
    ``rank`` goes first. ``colour`` is a parameter of ECMA-48's SGR."""

    text: str
    rank: int = 0
    colour: str = ""


@contextmanager
def _within(flag: ContextVar[bool], value: bool) -> Iterator[None]:
    token = flag.set(value)
    try:
        yield
    finally:
        flag.reset(token)


def plain_lines(plain: bool = True) -> AbstractContextManager[None]:
    """Inside, nothing is redrawn or coloured, on terminals neither."""
    return _within(_plain, plain)


def silence(silent: bool = True) -> AbstractContextManager[None]:
    """Inside, nothing is told."""
    return _within(_silent, silent)


class Status:
    """Writes to standard error; ``quiet`` (processes that do not write) says nothing."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet or _silent.get()
        self.stream = stream or sys.stderr  # None where a process has none
        self.live = _is_terminal(self.stream) and os.environ.get("TERM") != "dumb" and not _plain.get()
        self.coloured = self.live and not os.environ.get("NO_COLOR")  # no-color.org: unless it is empty
        self._first_shown: float | None = None
        self._next = -math.inf

    def __call__(self, line: str) -> None:
        """What :meth:`say` does, for whoever only wants to say something."""
        self.say(line)

    @property
    def columns(self) -> int:
        """How wide the terminal is now; 0 where there is none."""
        return columns_of(self.stream) if self.live else 0

    def say(self, line: str) -> None:
        """A line that stays."""
        if not self.quiet:
            tell(printable(line), self.stream)

    def show(self, *fields: Field) -> None:
        """The live line, of the fields that fit; without a terminal, a line of all of them every ten seconds, and ever
        fewer of them as time goes by."""
        if self.quiet:
            return
        if self.live:
            shown = fitting(fields, self.columns - 1)  # in the last column the cursor may wrap
            line = SEPARATOR.join(self._drawn(field) for field in shown)
            redraw(line if _encodes(self.stream, line) else line.translate(ASCII), self.stream)
        elif (now := time.monotonic()) >= self._next:
            self._first_shown = now if self._first_shown is None else self._first_shown
            self._next = now + max(PLAIN_SECONDS, PLAIN_GROWTH * (now - self._first_shown))
            tell(printable(joined(fields)), self.stream)

    def _drawn(self, field: Field) -> str:
        text = printable(field.text)
        return f"\x1b[{field.colour}m{text}\x1b[0m" if field.colour and self.coloured else text


def joined(fields: Sequence[Field]) -> str:
    """The fields in one line."""
    return SEPARATOR.join(field.text for field in fields)


def fitting(fields: Sequence[Field], columns: int) -> list[Field]:
    """The fields that are left when those of the highest rank have gone until the line fits."""
    shown = list(fields)
    while shown and len(joined(shown)) > columns:
        shown.remove(max(shown, key=lambda field: field.rank))
    return shown


def columns_of(stream: TextIO) -> int:
    """The width of a terminal, asked anew, for people resize their windows; 0 of what is none."""
    if not _is_terminal(stream):
        return 0
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    return width or shutil.get_terminal_size().columns  # which knows COLUMNS, and else takes 80


def starting(*, plain: bool = False) -> None:
    """Say at once that PyTorch is being imported, which takes seconds, unless it has been; where there is no terminal
    only if it is to be a ``plain`` line there."""
    status = Status(quiet=not is_first())
    if "torch" not in sys.modules and (status.live or plain):
        status.show(Field("loading PyTorch ..."))


class Countdown:
    """How much of ``total`` parts of a piece of work is done, and how long the rest takes at the mean speed so far: the
    live line of a :class:`Status`; by any other ``say``, as where there is no terminal, a line every ten seconds."""

    def __init__(self, say: Callable[[str], None], work: str, total: int) -> None:
        self.work, self.total = work, total
        self.status = say if isinstance(say, Status) else None
        self.say = say
        self.interval = LIVE_SECONDS if self.status and self.status.live else PLAIN_SECONDS
        self.began = self.told = time.monotonic()

    def done(self, parts: int) -> None:
        """Tell that so many parts, 1 or more, are done, unless that was told just before."""
        now = time.monotonic()
        if now - self.told >= self.interval:
            self.told = now
            left = (now - self.began) * (self.total / parts - 1)
            fields = Field(f"{self.work}: {parts / self.total:.0%}"), Field(f"{clock(left)} left", rank=1)
            self.status.show(*fields) if self.status else self.say(joined(fields))


def counted(items: Iterable[T], work: str, total: int) -> Iterator[T]:
    """The ``items`` as they are, of which there are ``total``; a person is told how many have been taken, where that
    takes long."""
    countdown = Countdown(Status(quiet=not is_first()), work, total)
    for number, item in enumerate(items):
        if number:
            countdown.done(number)
        yield item


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _encodes(stream: TextIO, line: str) -> bool:
    try:
        line.encode(getattr(stream, "encoding", None) or "utf-8")
    except (LookupError, UnicodeError):
        return False
    return True


def progress_fields(
    entry: Mapping[str, Any], left: float | None, *, word: str = "", best: str = "", columns: int = 0
) -> list[Field]:
    """The line of progress from a journal entry, ``left`` seconds before the end, in the order in which it is read;
    ranks say in which order its fields go where it is narrow. ``word`` is that of :class:`Condition`. A terminal of so
    many ``columns`` has a bar, where it is known when training ends; logs have none."""
    done = None if left is None else entry["seconds"] / max(entry["seconds"] + max(left, 0.0), 1e-9)
    cells = max(NARROWEST, min(WIDEST, columns // 10)) if columns else 0
    fields = [
        Field("" if done is None else f"{done:.0%}", 0, BOLD),
        Field("" if done is None else bar(done, cells), 4, CYAN),
        Field(f"{clock(entry['seconds'])} so far" if left is None else f"{clock(left)} left", 1),
        Field(word, 2, WORDS.get(word, RED)),
        Field(f"{entry['examples_per_second']:,.0f}/s", 3),
        Field(best, 5),
        Field(f"step {entry['step']:,}", 6),
        Field(f"{entry['examples']:,} examples", 8),
        Field(listed("loss", entry["losses"], ".3f"), 7),
        Field(listed("discriminator accuracy", entry.get("accuracy", {}), ".0%"), 9),
    ]
    return [field for field in fields if field.text]


def best_score(metric: str, distance: float) -> str:
    """``best frechet 3.21``; empty before there is one."""
    return f"best {metric} {distance:.3g}" if math.isfinite(distance) else ""


def listed(title: str, values: Mapping[str, float | None], form: str) -> str:
    """``title: name value  name value`` of the values that there are; empty without any."""
    parts = [f"{name} {value:{form}}" for name, value in values.items() if value is not None]
    return f"{title}: {'  '.join(parts)}" if parts else ""


def bar(share: float, cells: int) -> str:
    """A share from 0 to 1 as a bar of so many cells."""
    full = min(cells, int(share * cells))
    return FULL * full + EMPTY * (cells - full)


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    whole = round(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
