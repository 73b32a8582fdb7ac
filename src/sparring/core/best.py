"""Which weights were the best so far, by a distance that is measured now and then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass
class Best:
    """The lowest ``distance`` so far, after how many ``examples``, and how many measurements since were no better."""

    distance: float = math.inf
    examples: int = 0
    misses: int = 0

    def improved_by(self, distance: float, examples: int) -> bool:
        """Take in a measurement; whether it is the best one."""
        if distance < self.distance:
            self.distance, self.examples, self.misses = distance, examples, 0
            return True
        self.misses += 1
        return False

    def state(self) -> dict[str, float]:
        """For a checkpoint."""
        return asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, float]) -> Best:
        """From a checkpoint."""
        return cls(float(state["distance"]), int(state["examples"]), int(state["misses"]))


def due(before: int, after: int, every: int) -> bool:
    """Whether a multiple of ``every`` examples lies in (before, after]; a function of examples, so that a resumed run
    measures where an uninterrupted one does."""
    return every > 0 and after // every > before // every
