"""One run, looked at on its way: trained to a mark, loaded, trained on to the next."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import sparring
from sparring.core.recipe import Recipe
from sparring.verbs.model import Model
from sparring.verbs.session import Outcome


def trained_to(recipe: Recipe, marks: Sequence[float], seconds: float) -> Iterator[tuple[float, Outcome, Model]]:
    """Each mark (seconds of training) below ``seconds``, then ``seconds`` itself: how far the run is, and its model."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        for mark in [*(mark for mark in marks if mark < seconds), seconds]:
            if run.exists():
                outcome = sparring.resume(run, time=str(mark))
            else:
                outcome = sparring.train(recipe.changed({"time": str(mark), "steps": 0}), out=run)
            yield mark, outcome, sparring.load(run)
