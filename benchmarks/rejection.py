"""Are samples that the judge keeps better, and as varied? 25 Gaussians and MNIST, each way to keep them.

    python benchmarks/rejection.py [--quick] [--mnist PATH] [--seeds 3] [--only gaussians,mnist]

Of 25 Gaussians 2,500 samples: the share within 3 sigma of a centre (98.9 % of the mixture itself) and the reverse KL
divergence of the modes' frequencies (.004 of the mixture itself). Of MNIST 10,000 samples, after two minutes of
training: the Fréchet distance to its test digits in a digit classifier's features, with recall and precision.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import numpy as np
from classifier import digit_classifier, real_digits

import sparring
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.frechet import frechet
from sparring.metrics.neighbours import neighbourhoods
from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.points.data import MIXTURES, mixture
from sparring.points.metrics import modes

POINTS, DIGITS = 2_500, 10_000
WAYS = (("none", 0.0), ("rejection", 2.0), ("rejection", 3.0), ("chain", 100.0))
DIGIT_WAYS = (("none", 0.0), ("rejection", 2.0), ("rejection", 3.0), ("rejection", 5.0))

Score = Callable[[Model, int, str, float], dict[str, float]]


def of_points(model: Model, seed: int, judge: str, proposals: float) -> dict[str, float]:
    """Modes of samples, and how many were made for each."""
    points = model.sample(POINTS, seed=seed + 1, judge=judge, proposals=proposals).numpy()
    return {name: float(value) for name, value in modes(points, MIXTURES["gaussians-25"]()).items()}


def of_digits(options: argparse.Namespace) -> Score:
    """The distance of samples to test digits, with recall and precision."""
    count = 500 if options.quick else DIGITS
    features = digit_classifier(options.mnist, options.quick).features
    real = features(real_digits(options.mnist).batch(np.arange(count))["images"])

    def score(model: Model, seed: int, judge: str, proposals: float) -> dict[str, float]:
        made = features(to_bytes(model.sample(count, seed=seed + 1, judge=judge, proposals=proposals)))
        near = neighbourhoods(real, made)
        return {
            "frechet": frechet(real, made)["frechet"].value,
            "recall": near["recall"].value,
            "precision": near["precision"].value,
        }

    return score


def play(name: str, seed: int, score: Score, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train and calibrate one run; a row for each way to keep samples."""
    rows: list[dict[str, Any]] = []
    settings: dict[str, Any] = {"seed": seed, "device": "cpu"}
    if name == "gaussians":
        settings |= {"time": 0, "held_out": 2000, **({"steps": 50} if options.quick else {})}
        ways = WAYS
    else:
        settings |= {"data": str(options.mnist.resolve()), "time": 10 if options.quick else 120}
        ways = DIGIT_WAYS
    with tempfile.TemporaryDirectory() as folder:
        run = sparring.train(RECIPES[name].changed(settings), out=Path(folder) / "run").run
        began = time.process_time()
        found = sparring.calibrate(run, seed=seed, device="cpu", steps=50 if options.quick else STEPS[name])
        seconds, model = time.process_time() - began, sparring.load(run, "cpu")
        for judge, proposals in ways:
            pairs = {"pairs told apart": found["separation"]["auc"], "cpu seconds of calibrate": round(seconds, 1)}
            row = {"data": name, "seed": seed, "judge": judge, "proposals": proposals}
            rows.append({**row, **score(model, seed, judge, proposals), **pairs})
            print(rows[-1], flush=True)
    return rows


STEPS = {"gaussians": 6000, "mnist": 1500}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="gaussians,mnist", help="data sets, separated by commas")
    parser.add_argument("--quick", action="store_true", help="one seed, few steps: does it run")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    scores: dict[str, Score] = {"gaussians": of_points}
    if options.mnist:
        scores["mnist"] = of_digits(options)
    rows = [
        row
        for name, score in scores.items()
        if name in options.only.split(",")
        for seed in range(1 if options.quick else options.seeds)
        for row in play(name, seed, score, options)
    ]
    for name in scores:
        machine.show([row for row in rows if row["data"] == name])
    floor = modes(mixture(MIXTURES["gaussians-25"](), POINTS, seed=1), MIXTURES["gaussians-25"]())
    print(f"{POINTS:,} points of the mixture itself: {floor}")
    machine.write("rejection", facts, quick=options.quick, seed=0, runs=rows, floor=floor)


if __name__ == "__main__":
    machine.run(main)
