"""Whether examples are those that a run began with: their number and form say too little of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sparring.data.source import Source

SPACED = 32  # examples that are looked at


def fingerprint_of(source: Source) -> dict[str, list[float]]:
    """The mean of each of some examples, evenly spaced, by the name of its tensor: it tells other data of the same form
    apart, whatever decoder reads them."""
    indices = sorted({round(index) for index in np.linspace(0, len(source) - 1, SPACED)})
    batch = source.batch(np.array(indices, dtype=np.int64))
    return {name: value.double().reshape(len(indices), -1).mean(1).tolist() for name, value in batch.items()}


def other_examples(before: Any, now: Mapping[str, list[float]]) -> bool:
    """Whether more than a quarter of the means of a fingerprint differ from those noted ``before`` by more than other
    versions of a decoder make; never where there was no fingerprint."""
    if not isinstance(before, dict) or before.keys() != now.keys():
        return False
    for name, means in now.items():
        noted = before[name]
        if not isinstance(noted, list) or not all(isinstance(mean, int | float) for mean in noted):
            return False
        tolerance = max(0.05 * float(np.std(means)), 0.005 * float(np.abs(means).max()))
        apart = [abs(one - other) > tolerance for one, other in zip(noted, means, strict=False)]
        if len(noted) != len(means) or sum(apart) > len(apart) / 4:
            return True
    return False
