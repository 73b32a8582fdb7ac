"""How far a run came, when something is due again, when the budget is used up, and which weights were the best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import torch

from sparring.core import processes
from sparring.core.recipe import Recipe

WORTH = 100
"""Something is due again after this many times what it last took: 1 % of a run at most for each such thing."""


@dataclass
class Progress:
    """Steps, examples seen, seconds of training over all sessions, returns to a checkpoint after NaN, and how many of
    the seconds went into services: what is done beside training."""

    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    rollbacks: int = 0
    services: float = 0.0

    def share_of_services(self) -> float:
        """The share of the seconds that went into services, from 0 to 1."""
        return self.services / self.seconds if self.seconds else 0.0


class Timer:
    """Seconds of training, going on from those of earlier sessions."""

    def __init__(self, earlier: float) -> None:
        self._from = time.monotonic() - earlier

    def seconds(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._from


class Due:
    """Something to do every ``interval`` seconds, every ``growth`` of the run's age, or every ``WORTH`` times the
    seconds ``cost`` that it took last, whichever is longest; at once, unless it was done at the age ``last``."""

    def __init__(self, interval: float, growth: float = 0.0, last: float | None = None) -> None:
        self.interval, self.growth = interval, growth
        self.cost = 0.0
        self._last = last

    def now(self, seconds: float) -> bool:
        """Whether it is due at this age of the run, in seconds."""
        wait = max(self.interval, self.growth * seconds, WORTH * self.cost)
        if self._last is not None and 0 <= seconds - self._last < wait:
            return False
        self._last = seconds
        return True


class Services:
    """What is done beside training, and the seconds that it takes: agreed on among the processes, so that what is due
    in one of them is due in all. ``progress`` is kept up to date."""

    def __init__(self, progress: Progress, device: torch.device) -> None:
        self.progress, self.device = progress, device
        self.timer = Timer(progress.seconds)
        self.planned: list[tuple[Due, Callable[[], None]]] = []

    def tick(self) -> None:
        """Take the run's age from the furthest of the processes' clocks."""
        self.progress.seconds = processes.max_over(self.timer.seconds(), self.device)

    def plan(self, service: Callable[[], None], interval: float, growth: float = 0.0) -> None:
        """Do this whenever it is :class:`Due`: in a run that begins at once, for it has nothing of the kind yet."""
        last = self.progress.seconds if self.progress.step else None
        self.planned.append((Due(interval, growth, last), service))

    def do_what_is_due(self) -> None:
        """Do what is due by now, and note what it cost."""
        for due, service in self.planned:
            if due.now(self.progress.seconds):
                due.cost = self.do(service)

    def do(self, service: Callable[[], None]) -> float:
        """Do this now; the seconds that it took."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # steps that still wait for the GPU are none of its cost
            self.tick()
        began = self.progress.seconds
        service()
        self.tick()
        self.progress.services += self.progress.seconds - began
        return self.progress.seconds - began


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
