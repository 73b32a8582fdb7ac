"""A flag that is raised after some steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sparring.core.signals import Stop
from sparring.core.trainer import Trainer


def stop_after(steps: int, patch: pytest.MonkeyPatch) -> Stop:
    stop, step = Stop(), Trainer.step

    def counted(self: Trainer, batches: Iterator[Any]) -> None:
        step(self, batches)
        stop.raised = self.progress.step == steps

    patch.setattr(Trainer, "step", counted)
    return stop
