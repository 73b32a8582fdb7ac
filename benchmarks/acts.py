"""Both acts of a game on text, apart: the first to its own end, then the second, with the adversary and without.

Without, everything else is the same (the step's size, the number of steps), so that the difference is the adversary's.
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
from sparring.rooms import from_dict
from sparring.text.recipes import TextRecipe
from sparring.verbs.model import Model
from sparring.verbs.session import Outcome

ADVERSARY = {"with": {}, "without": {"adversarial_weight": 0.0}}  # settings of the second act
QUICK = {"discriminator_warmup": 0, "measure_every": 100, "time": 3.0}
NEVER = 10**9  # examples


def parser(about: str | None) -> argparse.ArgumentParser:
    """With the options that benchmarks of both acts share."""
    found = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--seeds", type=int, default=3)
    found.add_argument("--first", type=int, default=0, help="the first seed")
    found.add_argument("--steps", type=int, default=400, help="of the second act")
    found.add_argument("--quick", action="store_true", help="one seed, a few steps: does it run")
    return found


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; ``seeds`` as a range."""
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.steps = 1, 4
    options.seeds = range(options.first, options.first + options.seeds)
    return options


def first_act(recipe: Recipe, folder: Path) -> Outcome:
    """Until held-out lines become no likelier, or the recipe's time is up."""
    assert isinstance(recipe, TextRecipe)
    alone = {"patience": recipe.pretrain_patience, "steps": 0, "pretrain_examples": NEVER}
    return sparring.train(recipe.changed(alone), out=folder)


def second_act(first: Outcome, folder: Path, steps: int, **settings: object) -> Outcome:
    """From where the first act ended, ``steps`` more, in a copy of its run; its recipe with other ``settings``."""
    shutil.copytree(first.run, folder)
    run, content = find(folder)
    recipe = from_dict(content, str(run.recipe)).changed({**settings, "pretrain_examples": first.examples})
    run.recipe.write_text(recipe.to_yaml())
    return sparring.resume(folder, patience=0, time=0.0, steps=first.steps + steps)


def after_each(recipe: Recipe, folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, Outcome, Model]]:
    """The model after the first act, at its likeliest; after a second with the adversary; and without."""
    first = first_act(recipe.changed(QUICK if options.quick else {}), folder / "first")
    yield "first act", first, sparring.load(first.run / "best")
    for name, settings in ADVERSARY.items():
        second = second_act(first, folder / name, options.steps, **settings)
        yield f"second act {name}", second, sparring.load(second.run)


def crossing(points: Sequence[Mapping[str, float]], along: str, name: str, at: float) -> float:
    """``along`` where ``name`` is ``at``, on straight lines between points of a curve; NaN where it never is."""
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
