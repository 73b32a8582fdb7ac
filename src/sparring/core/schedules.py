"""Settings that change while training: pure functions of the examples seen."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sparring.core.errors import UserError
from sparring.core.terminal import quoted, shortened

SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6}
SHAPES = ("cosine", "linear")


@dataclass(frozen=True)
class Schedule:
    """From ``start`` to ``end`` over the first ``examples`` examples, then constant.

    ``cosine`` is the burn-in of Huang et al. 2024 (R3GAN), half a period of a cosine; ``linear`` a straight
    line. Written as text: ``0.0002``, ``0.0002:0.00005@20M`` (cosine) or ``1:0@500k,linear``.
    """

    start: float
    end: float
    examples: float = 0.0
    shape: str = "cosine"

    def __call__(self, examples_seen: float) -> float:
        """The value after ``examples_seen`` examples."""
        if examples_seen >= self.examples:
            return self.end
        passed = examples_seen / self.examples
        if self.shape == "cosine":
            passed = (1 - math.cos(math.pi * passed)) / 2
        return self.start + passed * (self.end - self.start)

    def __str__(self) -> str:
        if self.start == self.end:
            return exact(self.end)
        tail = "" if self.shape == "cosine" else f",{self.shape}"
        return f"{exact(self.start)}:{exact(self.end)}@{exact(self.examples)}{tail}"

    @property
    def lowest(self) -> float:
        """The smallest value it ever takes."""
        return min(self.start, self.end)

    @property
    def highest(self) -> float:
        """The largest value it ever takes."""
        return max(self.start, self.end)


def schedule(text: str | float | Schedule) -> Schedule:
    """Read a schedule from its text, or from a number (constant). Raises :class:`UserError` on anything else."""
    if isinstance(text, Schedule):
        return text
    match = re.fullmatch(r"([^:@,]+)(?::([^:@,]+)@([^:@,]+)(?:,([a-z]+))?)?", str(text).replace(" ", ""))
    if not match or (match[4] or "cosine") not in SHAPES:
        raise UserError(f"{quoted(text)} is no schedule: write 0.1, or 0.2:0.1@500k, or 0.2:0.1@500k,linear")
    start = number(match[1])
    if match[2] is None:
        return Schedule(start, start)
    end, length = number(match[2]), number(match[3])
    if length < 0:
        raise UserError(f"{quoted(text)} lasts {shortened(match[3])} examples: a schedule's length cannot be negative")
    return Schedule(start, end, length, match[4] or "cosine") if start != end else Schedule(start, start)


def number(text: str | float) -> float:
    """A finite number, with k or M for thousands or millions: ``500k``. Raises :class:`UserError` for anything else."""
    match = re.fullmatch(r"([-+]?[0-9._]*(?:e[-+]?[0-9]+)?)([km]?)", str(text).strip().lower())
    try:
        value = float(match[1]) * SUFFIXES[match[2]] if match else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{quoted(text)} is not a number")
    return value


def exact(value: float) -> str:
    """The shorter of its two texts that is read back as the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else str(value)
