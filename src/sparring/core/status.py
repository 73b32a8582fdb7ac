"""What a person sees while something takes long: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from sparring.core.terminal import printable, tell

PLAIN_SECONDS = 10.0  # between lines where there is no terminal, or
PLAIN_GROWTH = 0.02  # of the time since the first of them, where that is longer
LIVE_SECONDS = 0.5  # between changes of the live line


class Status:
    """Writes to standard error; ``quiet`` (processes that do not write) says nothing."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet
        self.stream = stream or sys.stderr  # None where a process has none
        self.live = _is_terminal(self.stream)
        self._first_shown: float | None = None
        self._next = -math.inf

    def __call__(self, line: str) -> None:
        """What :meth:`say` does, for whoever only wants to say something."""
        self.say(line)

    def say(self, line: str) -> None:
        """A line that stays."""
        if not self.quiet:
            tell(("\r\x1b[2K" if self.live else "") + printable(line), self.stream)

    def show(self, line: str) -> None:
        """The live line; without a terminal, a line every ten seconds, and ever fewer of them as time goes by."""
        if self.quiet:
            return
        if self.live:
            width = shutil.get_terminal_size().columns
            tell("\r\x1b[2K" + printable(line)[: width - 1], self.stream, end="")
        elif (now := time.monotonic()) >= self._next:
            self._first_shown = now if self._first_shown is None else self._first_shown
            self._next = now + max(PLAIN_SECONDS, PLAIN_GROWTH * (now - self._first_shown))
            tell(printable(line), self.stream)


class Countdown:
    """How much of ``total`` parts of a piece of work is done, and how long the rest takes at the mean speed so far: the
    live line of a :class:`Status`; by any other ``say``, as where there is no terminal, a line every ten seconds."""

    def __init__(self, say: Callable[[str], None], work: str, total: int) -> None:
        self.work, self.total = work, total
        self.status = say if isinstance(say, Status) else None
        self.tell = self.status.show if self.status else say
        self.interval = LIVE_SECONDS if self.status and self.status.live else PLAIN_SECONDS
        self.began = self.told = time.monotonic()

    def done(self, parts: int) -> None:
        """Tell that so many parts, 1 or more, are done, unless that was told just before."""
        now = time.monotonic()
        if now - self.told >= self.interval:
            self.told = now
            left = (now - self.began) * (self.total / parts - 1)
            self.tell(f"{self.work}: {parts / self.total:.0%} | {clock(left)} left")


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def progress_line(entry: Mapping[str, Any], left: float | None) -> str:
    """One line from a journal entry: step, examples, speed, time left, losses, the discriminator's accuracies on real
    and fake examples."""
    losses = "  ".join(f"{name} {value:.3f}" for name, value in entry["losses"].items() if value is not None)
    accuracies = entry.get("accuracy", {})
    accuracy = "  ".join(f"{name} {value:.0%}" for name, value in accuracies.items() if value is not None)
    parts = [
        f"step {entry['step']:,}",
        f"{entry['examples']:,} examples",
        f"{entry['examples_per_second']:,.0f}/s",
        f"{clock(left)} left" if left is not None else clock(entry["seconds"]),
        f"loss: {losses}",
    ]
    return " | ".join([*parts, f"discriminator accuracy: {accuracy}"] if accuracy else parts)


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    whole = round(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
