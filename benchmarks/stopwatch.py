"""Where the time of a step goes, measured from outside: functions are wrapped while the watch runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import torch

from sparring.core.game import Game, Step, Turn

PARTS = ("data", "forward", "backward", "optimiser")


class Stopwatch:
    """Seconds by part of a step. Waits for the GPU at both ends of a part, so it costs time there: none on a CPU."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Inside, time counts for this part."""
        began = now()
        yield
        self.seconds[part] += now() - began

    def timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """The function, timed as this part."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            with self.timing(part):
                return function(*arguments, **options)

        return wrapper

    def watch(self, owner: object, name: str, part: str) -> AbstractContextManager[object]:
        """A context in which ``owner.name`` (of a module, a class or one object) is timed as this part."""
        return patch.object(owner, name, self.timed(getattr(owner, name), part))

    def watch_turns(self, game: Game) -> AbstractContextManager[object]:
        """A context in which what a game computes for its turns, and their losses, is timed as forward."""
        play = game.turns

        def turns(step: Step) -> Iterator[Turn]:
            inner = play(step)
            while True:
                with self.timing("forward"):
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
