"""The journal: one JSON object a line, the only record of a run that everything else is drawn from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.reading import open_regular

LONGEST = 1 << 24  # bytes of a line; what is longer was written by nobody of ours


class Journal:
    """Appends to ``journal.jsonl``; a process that does not write (``path`` None) keeps silent.

    With ``board``, every number goes to TensorBoard as well, over examples seen, in a folder beside the journal.
    """

    def __init__(self, path: Path | None, board: bool = False) -> None:
        self.path = path
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
        kept = [entry for entry in entries(self.path) if kept_until(entry, examples_seen)]
        lines = [json.dumps(finite(entry)) + "\n" for entry in kept]
        write_atomically(self.path, "".join(lines).encode())


def kept_until(entry: Mapping[str, Any], examples_seen: int) -> bool:
    """Whether an entry was noted by then; one that says no time was."""
    noted = entry.get("examples", 0)
    return not isinstance(noted, int | float) or noted <= examples_seen


def board_writer() -> Any:
    """The class of TensorBoard's writer. Raises :class:`UserError` where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("tensorboard: is not installed; pip install 'sparring[log]'") from None
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
    try:
        file = open_regular(path)
    except OSError:
        return
    with file:
        while line := file.readline(LONGEST):
            try:
                entry = json.loads(line.decode("utf-8", errors="replace"))
            except (ValueError, RecursionError):  # no JSON, a number of 5,000 digits, brackets without end
                continue
            if isinstance(entry, dict):
                yield entry


def finite(value: Any) -> Any:
    """``value`` with every number that JSON cannot hold (NaN, infinity) replaced by null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
