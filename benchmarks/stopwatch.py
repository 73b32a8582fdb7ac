"""Where the time of a step goes, measured from outside: functions are wrapped while the watch runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import torch

from sparring.core.game import Game, Step, Turn

PHASES = ("data", "forward", "backward", "optimiser")


class Stopwatch:
    """Seconds by phase. Waits for the GPU at both ends of a phase, so it costs time there: none on a CPU."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens inside is time of this phase."""
        began = now()
        yield
        self.seconds[name] += now() - began

    def timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """The function, its time taken."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            with self.phase(phase):
                return function(*arguments, **options)

        return wrapper

    def watch(self, owner: object, name: str, phase: str) -> AbstractContextManager[object]:
        """Time ``owner.name`` (of a module, a class or one object) inside ``with``."""
        return patch.object(owner, name, self.timed(getattr(owner, name), phase))

    def watch_turns(self, game: Game) -> AbstractContextManager[object]:
        """Time what a game computes for its turns, and their losses, as forward."""
        play = game.turns

        def turns(step: Step) -> Iterator[Turn]:
            inner = play(step)
            while True:
                with self.phase("forward"):
                    turn = next(inner, None)
                if turn is None:
                    return
                yield Turn(turn.mover, self.timed(turn.loss, "forward"))

        return patch.object(game, "turns", turns)


def now() -> float:
    """Seconds on a clock, once the device has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
