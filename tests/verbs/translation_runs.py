"""What tests of verbs on translations share: tiny runs, and models whose translators are known functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table import smallest
from torch import Tensor
from translating import Known

from sparring.cli import main
from sparring.model import Model
from sparring.verbs.train import train

Change = Callable[[Tensor], Tensor]


def same(pictures: Tensor) -> Tensor:
    return pictures


def tiny(name: str, place: Path, **settings: Any) -> Path:
    """A run of one step, 16x16 pixels."""
    return train(smallest(name, place, frame=False, **settings), out=place / "run").run


def knowing(patch: pytest.MonkeyPatch, **changes: Change) -> dict[str, Known]:
    """From now on verbs find these translators, by their direction, in every model."""
    translators = {direction: Known(change) for direction, change in changes.items()}
    begin = Model.__init__

    def begin_knowing(model: Model, *arguments: Any, **named: Any) -> None:
        begin(model, *arguments, **named)
        for direction, translator in translators.items():
            model.networks["generator"][direction] = translator  # type: ignore[operator]

    patch.setattr(Model, "__init__", begin_knowing)
    return translators


class Alternating:
    """Brighter by ``step`` of [-1, 1], then darker, and so on; a copy goes on by itself."""

    def __init__(self, step: float) -> None:
        self.step = -step

    def __call__(self, pictures: Tensor) -> Tensor:
        self.step = -self.step
        return pictures + self.step


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that the command line answers with, after what it said on the way."""
    capsys.readouterr()
    assert main([*map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if line.startswith("sparring: ")]
    assert printed.err.rstrip().endswith(line)
    assert "Traceback" not in printed.err
    return line


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def noisy(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """uint8 ``(height, width, channels)``."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
