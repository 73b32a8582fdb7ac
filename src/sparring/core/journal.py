"""The journal: one JSON object a line, the only record of a run that everything else is drawn from."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparring.core.callbacks import SILENT, Callbacks
from sparring.core.errors import UserError
from sparring.core.files import aside
from sparring.core.install import TENSORBOARD
from sparring.core.reading import open_regular, parse_json

LONGEST = 1 << 24  # bytes of a line; what is longer was written by nobody of ours
LARGE = 1 << 24  # bytes of a journal that is held in memory as it is: half a day, at a line a second
STEP = re.compile(rb'\{"event": "step", "step": [0-9]{1,18}, "examples": ([0-9]{1,18}),.*\}\n')
"""Nearly all lines of a long journal."""


class Journal:
    """Appends to ``journal.jsonl``; a process that does not write (``path`` None) keeps silent.

    What is written, ``callbacks`` hear. With ``board``, every number goes to TensorBoard as well, over examples seen,
    in a folder beside the journal.
    """

    def __init__(self, path: Path | None, board: bool = False, callbacks: Callbacks = SILENT) -> None:
        self.path, self.callbacks = path, callbacks
        self.board = board_writer()(str(path.parent / "tensorboard"), flush_secs=10) if path and board else None

    def write(self, event: str, **entry: Any) -> None:
        """Append one line. Raises :class:`UserError` when the disk is full."""
        if self.path is None:
            return
        if self.board and "examples" in entry:
            for name, value in numbers(entry):
                self.board.add_scalar(name, value, entry["examples"])
        line = json.dumps({"event": event, **finite(entry)}) + "\n"
        try:
            with os.fdopen(self._open(), "a", encoding="utf-8") as file:
                file.write(line)
        except OSError as problem:
            raise UserError(
                f"{self.path}: cannot be written ({problem.strerror}); free some space and resume"
            ) from None
        self.callbacks.hear(event, entry, self.path.parent)

    def _open(self) -> int:
        """The journal, to be appended to: never another file that a link in its place leads to. A folder that somebody
        moved away meanwhile is made anew."""
        assert self.path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            return os.open(self.path, flags, 0o666)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, flags, 0o666)

    def cut(self, examples_seen: int) -> None:
        """Forget what was noted after ``examples_seen``: a resumed run will live through it again."""
        if self.path is None or not self.path.exists():
            return
        with aside(self.path) as temporary, temporary.open("wb") as file:
            for line in lines(self.path):
                if step := STEP.fullmatch(line):  # not taken apart: there may be millions
                    file.write(line if int(step[1]) <= examples_seen else b"")
                elif (entry := parsed(line)) is not None and kept_until(entry, examples_seen):
                    file.write((json.dumps(finite(entry)) + "\n").encode())


def kept_until(entry: Mapping[str, Any], examples_seen: int) -> bool:
    """Whether an entry was noted by then; one that says no time was."""
    noted = entry.get("examples", 0)
    return not isinstance(noted, int | float) or noted <= examples_seen


def board_writer() -> Any:
    """The class of TensorBoard's writer. Raises :class:`UserError` where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(f"tensorboard: is not installed; {TENSORBOARD}") from None
    return SummaryWriter


def numbers(entry: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of an entry by name; those in groups as ``losses/generator``."""
    for name, value in entry.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}/")
        elif isinstance(value, float) and math.isfinite(value):
            yield prefix + name, value


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The journal's entries; a line that a crash left half-written, or that is otherwise damaged, is passed over, and
    so is all of a journal that is no regular file."""
    return (entry for line in lines(path) if (entry := parsed(line)) is not None)


def digest(path: Path) -> list[dict[str, Any]]:
    """The journal's entries at once. One of more than ``LARGE`` bytes has too many steps for that: every so many of
    them is there, and what is still beyond twice as many bytes is left out."""
    found: list[dict[str, Any]] = []
    steps = taken = 0
    try:
        stride = 1 + os.stat(path).st_size // LARGE
    except OSError:
        return found
    for line in lines(path):
        steps += (is_step := STEP.fullmatch(line) is not None)
        if is_step and steps % stride:
            continue
        taken += len(line)
        if taken > 2 * LARGE:
            break
        if (entry := parsed(line)) is not None:
            found.append(entry)
    return found


def lines(path: Path) -> Iterator[bytes]:
    """The journal's lines, none of them longer than ``LONGEST``; none at all of what is no regular file."""
    try:
        file = open_regular(path)
    except OSError:
        return
    with file:
        while line := file.readline(LONGEST):
            yield line


def parsed(line: bytes) -> dict[str, Any] | None:
    """The entry in a line; None for what is damaged: no JSON, a number of 5,000 digits, brackets without end."""
    try:
        entry = parse_json(line.decode("utf-8", errors="replace"))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def finite(value: Any) -> Any:
    """``value`` with every number that JSON cannot hold (NaN, infinity) replaced by null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
