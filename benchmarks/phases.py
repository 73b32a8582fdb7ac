"""The two phases of a game on text, apart: pretraining to its own end, then the adversarial phase with the adversarial
loss and without.

Without it everything else is the same (learning rate, number of steps), so the difference is the effect of that loss.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

import sparring
from sparring.core.recipe import Recipe
from sparring.core.run import find
from sparring.modalities import from_dict
from sparring.model import Model
from sparring.text.recipes import TextRecipe
from sparring.verbs.session import Outcome

PRETRAINING, WITH, WITHOUT = "pretraining", "adversarial phase", "the same without adversarial loss"
SETTINGS: dict[str, dict[str, float]] = {WITH: {}, WITHOUT: {"adversarial_weight": 0.0}}
QUICK = {"discriminator_warmup": 0, "measure_every": 100, "time": 3.0}
NEVER = 10**9  # examples


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with the options that the benchmarks of both phases share."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", type=int, default=3)
    made.add_argument("--first", type=int, default=0, help="the first seed")
    made.add_argument("--steps", type=int, default=400, help="of the adversarial phase")
    made.add_argument("--quick", action="store_true", help="one seed, a few steps: does it run")
    return made


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; ``seeds`` as a range."""
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.steps = 1, 4
    options.seeds = range(options.first, options.first + options.seeds)
    return options


def pretrain(recipe: Recipe, folder: Path) -> Outcome:
    """Train by maximum likelihood until held-out lines become no likelier, or the recipe's time is up."""
    assert isinstance(recipe, TextRecipe)
    alone = {"patience": recipe.pretrain_patience, "steps": 0, "pretrain_examples": NEVER}
    return sparring.train(recipe.changed(alone), out=folder)


def adversarial_phase(pretrained: Outcome, folder: Path, steps: int, **settings: float) -> Outcome:
    """Train ``steps`` more from where pretraining ended, in a copy of its run, whose recipe gets other ``settings``."""
    shutil.copytree(pretrained.run, folder)
    run, content = find(folder)
    recipe = from_dict(content, str(run.recipe)).changed({**settings, "pretrain_examples": pretrained.examples})
    run.recipe.write_text(recipe.to_yaml())
    return sparring.resume(folder, patience=0, time=0.0, steps=pretrained.steps + steps)


def after_each(recipe: Recipe, folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, Outcome, Model]]:
    """The model at the end of pretraining, at its likeliest; of the adversarial phase; and of one without adversarial
    loss."""
    pretrained = pretrain(recipe.changed(QUICK if options.quick else {}), folder / "pretraining")
    yield PRETRAINING, pretrained, sparring.load(pretrained.run / "best")
    for number, (name, settings) in enumerate(SETTINGS.items()):
        outcome = adversarial_phase(pretrained, folder / f"adversarial-{number}", options.steps, **settings)
        yield name, outcome, sparring.load(outcome.run)


def crossing(points: Sequence[Mapping[str, float]], along: str, name: str, at: float) -> float:
    """The value of ``along`` where ``name`` is ``at``, on straight lines between the points of a curve; NaN where it
    never is."""
    across, up = zip(*sorted((point[name], point[along]) for point in points), strict=True)
    return float(np.interp(at, across, up, left=np.nan, right=np.nan))


def temperature_at(points: Sequence[Mapping[str, float]], name: str, at: float) -> float:
    """The temperature at which ``name`` is ``at``, or as near as the curve comes."""
    values = [point[name] for point in points]
    return crossing(points, "temperature", name, float(np.clip(at, min(values), max(values))))


def spread(values: Sequence[float]) -> str:
    """The mean over seeds, and its standard error."""
    error = f" +- {statistics.stdev(values) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{error}" if values else ""
