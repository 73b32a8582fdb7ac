"""What a metric says: a number never comes alone, but with its error, its floor and what the sample size adds.

A metric compares feature vectors of samples with those of real examples; where the features come from is the
modality's affair. ``metrics/compare.py`` measures, this file says what a measurement is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

PARTS = 10  # of the samples, each left out in turn to tell a standard error

T = TypeVar("T")


class NotComputable(ValueError):
    """Why a metric has no number here, in one line for the user."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error over the samples (None where it has none)."""

    value: float
    error: float | None = None


@dataclass(frozen=True)
class Metric:
    """What a metric is called and how it is read, declared once.

    ``better`` is ``low``, ``high``, or ``floor`` for as near to real examples as can be, and empty for a number that
    others are read by; ``about`` says in a few words what the number is. ``bias`` says how what the number of samples
    adds to it is told from halves of the samples: by ``halving``, by halving the square of a ``root``, or not at all
    (None).
    """

    name: str
    better: str
    about: str
    bias: str | None = None


@dataclass(frozen=True)
class Family:
    """Metrics computed together: ``measure(reference, samples, seed)`` gives an estimate for the name of each.

    ``reference`` ``(m, dimensions)`` and ``samples`` ``(n, dimensions)`` are float features. May raise
    :class:`NotComputable`. A ``wide`` one needs no covariance and takes as many dimensions as the features have.
    """

    metrics: tuple[Metric, ...]
    measure: Callable[[Tensor, Tensor, int], Mapping[str, Estimate]]
    wide: bool = False


@dataclass(frozen=True)
class Score:
    """One row of an evaluation: a metric's number. ``value`` is None where ``reason`` says why.

    ``floor`` is the same metric on as many real examples that are not in the reference: what a perfect generator
    would score. ``bias`` is what the number of samples alone still adds: how much the value moves when samples and
    reference are halved, the first term of Quenouille's jackknife; None where there is none, or it cannot be told.
    """

    metric: Metric
    value: float | None
    error: float | None = None
    floor: float | None = None
    floor_error: float | None = None
    bias: float | None = None
    count: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name


def need(count: int, least: int, what: str = "samples") -> None:
    """Raise :class:`NotComputable` for fewer than ``least``."""
    if count < least:
        raise NotComputable(f"needs at least {least:,} {what}, not {count:,}")


def blocks(samples: Tensor) -> list[Tensor]:
    """``PARTS`` blocks of samples ``(n, ...)``, of about equal size, in the order of the samples."""
    return list(samples.tensor_split(PARTS))


def error_without_each(parts: Sequence[T], statistic: Callable[[list[T]], float]) -> float:
    """The standard error of ``statistic`` of all parts: sqrt((J - 1) / J sum (s_j - mean)^2), s_j without part j (the
    jackknife of Quenouille 1949 and Tukey 1958)."""
    values = [statistic([*parts[:index], *parts[index + 1 :]]) for index in range(len(parts))]
    mean = sum(values) / len(values)
    return math.sqrt((len(values) - 1) / len(values) * sum((value - mean) ** 2 for value in values))


def mean_score(metric: Metric, values: Tensor, floor: Tensor | None = None) -> Score:
    """The mean over examples of ``values`` ``(n,)``, and that of the floor's ``(m,)``, with their standard errors."""
    below, below_error = (None, None) if floor is None else mean_and_error(floor)
    return Score(metric, *mean_and_error(values), below, below_error, count=len(values))


def mean_and_error(values: Tensor) -> tuple[float, float | None]:
    """The mean of ``values`` ``(n,)`` and its standard error; None of a single one."""
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else None
    return values.mean().item(), error
