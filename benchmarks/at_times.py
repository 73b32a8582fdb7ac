"""One run at several times of training: trained to the first, loaded, trained on to the next."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import sparring
from sparring.core.recipe import Recipe
from sparring.model import Model
from sparring.verbs.session import Outcome


def models_at(recipe: Recipe, times: Sequence[float], seconds: float) -> Iterator[tuple[float, Outcome, Model]]:
    """The run and its model at each of ``times`` (seconds of training) below ``seconds``, then at ``seconds``."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        for time in [*(time for time in times if time < seconds), seconds]:
            if run.exists():
                outcome = sparring.resume(run, time=str(time))
            else:
                outcome = sparring.train(recipe.changed({"time": str(time), "steps": 0}), out=run)
            yield time, outcome, sparring.load(run)
