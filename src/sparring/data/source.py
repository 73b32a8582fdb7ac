"""What a data set is to a trainer: examples by number, what one looks like, what was wrong with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class BadFile:
    """A file that could not be used; it is named, counted and skipped."""

    path: str
    reason: str


class Source(Protocol):
    """Examples of one kind, numbered from 0. Picklable, so that worker processes can read for the trainer."""

    name: str
    """What the user gave: a path, or the name of a set."""

    form: dict[str, Any]
    """What an example looks like, JSON-able. Two sources of the same form can feed the same networks."""

    bad_files: list[BadFile]
    """Those found so far. A set that streams from disk may still find more while it is read."""

    in_memory: bool
    """Whether a batch costs no more than copying it; otherwise worker processes pay."""

    def __len__(self) -> int:
        """How many examples there are."""

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The examples at ``indices``, int64 ``(n,)``: tensors of ``n`` rows each, by the room's names."""
