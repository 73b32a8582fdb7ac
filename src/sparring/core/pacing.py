"""How far a run came, when something is due again, when the budget is used up, and which weights were the best."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch

from sparring.core import processes
from sparring.core.recipe import Recipe


@dataclass
class Progress:
    """Steps, examples seen, seconds of training over all sessions, and returns to a checkpoint after NaN."""

    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    rollbacks: int = 0


class Timer:
    """Seconds of training, going on from those of earlier sessions."""

    def __init__(self, earlier: float) -> None:
        self._from = time.monotonic() - earlier

    def seconds(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._from


class Due:
    """Something to do every ``interval`` seconds, or every ``growth`` of the run's age where that is longer."""

    def __init__(self, interval: float, growth: float = 0.0) -> None:
        self.interval = interval
        self.growth = growth
        self._last: float | None = None

    def now(self, seconds: float) -> bool:
        """Whether it is due at this age of the run, in seconds; the first time always."""
        if self._last is not None and 0 <= seconds - self._last < max(self.interval, self.growth * seconds):
            return False
        self._last = seconds
        return True


def passed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of ``every`` examples lies in (before, after]; never where ``every`` is 0."""
    return every > 0 and after // every > before // every


class Budget:
    """How long ``recipe`` lets a run be trained; the answer is the same in every process."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device

    def used_up(self, progress: Progress, misses: int, stopped: bool) -> str:
        """Why to stop now, in words; empty to go on.

        ``misses`` are the measurements since the best one; ``stopped`` is whether this process was asked to stop.
        """
        recipe = self.recipe
        if recipe.steps and progress.step >= recipe.steps:
            return f"all {recipe.steps:,} steps are done"
        if recipe.time and progress.seconds >= recipe.time:
            return "the time is up"
        if recipe.patience and misses >= recipe.patience:
            return f"{recipe.metric} has been no better for {misses} measurements"
        return "stopped" if processes.any_over(stopped, self.device) else ""

    def left(self, progress: Progress) -> float | None:
        """Seconds until the budget is used up, at the mean speed so far; None without a budget."""
        recipe = self.recipe
        left = [recipe.time - progress.seconds] if recipe.time else []
        if recipe.steps and progress.step:
            left.append((recipe.steps / progress.step - 1) * progress.seconds)
        return min(left, default=None)


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
        """The fields as JSON-able numbers, for a checkpoint."""
        return asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, float]) -> Best:
        """What :meth:`state` gave, read back."""
        return cls(float(state["distance"]), int(state["examples"]), int(state["misses"]))
