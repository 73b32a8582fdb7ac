"""Is anything lost per step where gradient penalties are taken on a quarter of each batch, and logits reused?

    python benchmarks/penalty_share.py [--quick] [--mnist PATH] [--emoji PATH] [--seeds 3] [--only gaussians,mnist]

Four arms on 25 Gaussians, MNIST, Stacked MNIST and emoji at 64 pixels: R1 and R2 on the whole batch, on a quarter of
it, on a quarter at first that rises to all of it, and on a quarter with the discriminator's logits of real examples
reused in the generator's turn. All play the same number of steps from the same seeds; what a step costs is measured by
``speed.py``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from classifier import digit_classifier, real_digits
from stacked_mnist import measured as modes_of_triples

import sparring
from sparring.core.recipe import Recipe
from sparring.images.data import open_source
from sparring.images.features.learned import learned_features, random_features
from sparring.images.recipes import images
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.frechet import frechet
from sparring.metrics.neighbours import neighbourhoods
from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.points.data import MIXTURES
from sparring.points.metrics import modes

ARMS: dict[str, dict[str, Any]] = {
    "whole": {"penalty_share": 1, "reuse_logits": "no"},
    "quarter": {"penalty_share": 0.25, "reuse_logits": "no"},
    "rising": {"penalty_share": "0.25:1@800k", "reuse_logits": "no"},
    "quarter, reused": {"penalty_share": 0.25, "reuse_logits": "yes"},
}
STEPS = {"gaussians": 22_000, "mnist": 22_000, "stacked-mnist": 50_000, "emoji": 5_000}  # the ends of the recipes' runs
MOMENTS = (0.5, 1.0)  # of the steps, at which samples are scored
QUIET = {"time": 0, "sample_every": "1h", "checkpoint_every": "1h", "measure_every": 0}
CPU = torch.device("cpu")

Score = Callable[[Model, int], dict[str, float]]


def contests(options: argparse.Namespace) -> dict[str, tuple[Recipe, Score]]:
    """The recipe of each data set that is there, and how samples of its models are scored."""
    found: dict[str, tuple[Recipe, Score]] = {"gaussians": (RECIPES["gaussians"], score_points)}
    if options.mnist:
        data = str(options.mnist.resolve())
        found["mnist"] = (images.changed({"data": data, "labelled": "no"}), digits_score(options))
        stacked = RECIPES["stacked-mnist"].changed({"data": f"stacked-mnist:{data}"})
        found["stacked-mnist"] = (stacked, triples_score(options))
    if options.emoji:
        recipe = images.changed({"data": str(options.emoji.resolve()), "size": "64"})
        found["emoji"] = (recipe, pictures_score(recipe, options))
    return {name: contest for name, contest in found.items() if name in options.only.split(",")}


def score_points(model: Model, seed: int) -> dict[str, float]:
    """Modes, and the share of 2,500 points within 3 sigma of a centre."""
    points = model.sample(2_500, seed=seed + 1).numpy()
    return {name: float(value) for name, value in modes(points, MIXTURES["gaussians-25"]()).items()}


def digits_score(options: argparse.Namespace) -> Score:
    """The distance of samples to MNIST's test digits in a digit classifier's features."""
    count = 500 if options.quick else 10_000
    features = digit_classifier(options.mnist, options.quick).features
    real = features(real_digits(options.mnist).batch(np.arange(count))["images"])

    def score(model: Model, seed: int) -> dict[str, float]:
        return {"frechet": frechet(real, features(to_bytes(model.sample(count, seed=seed + 1))))["frechet"].value}

    return score


def triples_score(options: argparse.Namespace) -> Score:
    """Modes of 26,000 samples, and the KL of their frequencies to equal ones."""
    classifier = digit_classifier(options.mnist, options.quick)

    def score(model: Model, seed: int) -> dict[str, float]:
        return modes_of_triples(to_bytes(model.sample(260 if options.quick else 26_000, seed=seed + 1)), classifier)

    return score


def pictures_score(recipe: Recipe, options: argparse.Namespace) -> Score:
    """Distances of samples to all pictures in features learned by contrast and in those of random convolutions, and how
    many real pictures are near a sample."""
    source = open_source(recipe)  # type: ignore[arg-type]
    real = source.batch(np.arange(300 if options.quick else len(source)))["images"]
    random = random_features(real[:512], CPU)
    kinds = {"random": random, "contrast": random if options.quick else learned_features(source, CPU, print)}
    known = {name: features(real) for name, features in kinds.items()}

    def score(model: Model, seed: int) -> dict[str, float]:
        pictures = to_bytes(model.sample(len(real), seed=seed + 1))
        made = {name: features(pictures) for name, features in kinds.items()}
        distances = {f"frechet {name}": frechet(known[name], made[name])["frechet"].value for name in kinds}
        near = neighbourhoods(known["contrast"], made["contrast"])
        return {**distances, "recall": near["recall"].value, "coverage": near["coverage"].value}

    return score


def play(name: str, arm: str, seed: int, recipe: Recipe, score: Score, quick: bool) -> list[dict[str, Any]]:
    """Train one run; a row at each of ``MOMENTS``."""
    rows: list[dict[str, Any]] = []
    steps = 40 if quick else STEPS[name]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        for moment in MOMENTS:
            budget = round(moment * steps)
            if run.exists():
                sparring.resume(run, steps=budget)
            else:
                sparring.train(recipe.changed({**QUIET, **ARMS[arm], "seed": seed, "steps": budget}), out=run)
            rows.append({"data": name, "arm": arm, "seed": seed, "steps": budget, **score(sparring.load(run), seed)})
            print(rows[-1], flush=True)
    return rows


def summary(rows: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    """For each data set and number of steps the median of every score over seeds, by arm."""
    table = []
    for name, steps in sorted({(row["data"], row["steps"]) for row in rows}):
        here = [row for row in rows if (row["data"], row["steps"]) == (name, steps)]
        for score in [key for key in here[0] if key not in ("data", "arm", "seed", "steps")]:
            each = {arm: [row[score] for row in here if row["arm"] == arm] for arm in ARMS}
            cells = {
                arm: f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"
                for arm, values in each.items()
            }
            table.append({"data": name, "steps": f"{steps:,}", "score": score, **cells})
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--emoji", type=Path, help="folder of pictures")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(STEPS), help="data sets, separated by commas")
    parser.add_argument("--quick", action="store_true", help="one seed, 40 steps: does it run")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    rows: list[Mapping[str, Any]] = []
    for name, (recipe, score) in contests(options).items():
        for seed in range(1 if options.quick else options.seeds):
            for arm in ARMS:
                rows += play(name, arm, seed, recipe, score, options.quick)
    machine.show(summary(rows))
    machine.write("penalty_share", facts, quick=options.quick, seed=0, arms=ARMS, moments=MOMENTS, runs=rows)


if __name__ == "__main__":
    machine.run(main)
