"""Time: how long a run has been trained, over all its sessions, and when something is due again."""

from __future__ import annotations

import time


class Timer:
    """Seconds of training, going on from those of earlier sessions."""

    def __init__(self, earlier: float) -> None:
        self._from = time.monotonic() - earlier

    def seconds(self) -> float:
        """So far."""
        return time.monotonic() - self._from


class Due:
    """Something to do every ``interval`` seconds, or every ``growth`` of the run's age where that is longer."""

    def __init__(self, interval: float, growth: float = 0.0) -> None:
        self.interval = interval
        self.growth = growth
        self._last: float | None = None

    def now(self, seconds: float) -> bool:
        """Whether it is due at this age of the run; the first time always."""
        if self._last is not None and 0 <= seconds - self._last < max(self.interval, self.growth * seconds):
            return False
        self._last = seconds
        return True
