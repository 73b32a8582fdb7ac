"""The standard error of any statistic, by leaving out a part of the samples at a time (Quenouille 1949, Tukey 1958)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor

PARTS = 10

T = TypeVar("T")


def blocks(samples: Tensor) -> list[Tensor]:
    """``PARTS`` blocks of samples ``(n, ...)``, of about equal size, in the order of the samples."""
    return list(samples.tensor_split(PARTS))


def error_without_each(parts: Sequence[T], statistic: Callable[[list[T]], float]) -> float:
    """The standard error of ``statistic`` of all parts: sqrt((J - 1) / J sum (s_j - mean)^2), s_j without part j."""
    values = [statistic([*parts[:index], *parts[index + 1 :]]) for index in range(len(parts))]
    mean = sum(values) / len(values)
    return math.sqrt((len(values) - 1) / len(values) * sum((value - mean) ** 2 for value in values))
