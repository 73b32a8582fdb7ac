"""Time to quality on MNIST: Fréchet distance in the features of a digit classifier, against seconds of training.

    python benchmarks/mnist.py PATH-TO-MNIST [--quick] [--seeds 3] [--time 120] [--only images,dcgan]

The default (the recipe `images`), `tutorial`, and the classics `dcgan`, `wgan-gp` and `sn-hinge`: the lean networks of
the same width, their papers' objectives and optimisers, the same trainer, all without labels. Each is trained with the
command's own functions up to each of several times, then 10,000 samples are compared with MNIST's 10,000 test digits.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from at_times import models_at
from classifier import digit_classifier, real_digits

from sparring.images.data import open_source
from sparring.images.recipes import images
from sparring.media.pictures.sheets import channels_last, sheet, to_bytes
from sparring.metrics.frechet import frechet
from sparring.metrics.neighbours import neighbourhoods
from sparring.modalities import RECIPES
from sparring.model import Model

DEFAULT = "images"
CONTENDERS = (DEFAULT, "tutorial", "dcgan", "wgan-gp", "sn-hinge")
TIMES = (15, 30, 45, 60, 120, 180, 300, 600)  # seconds
SAMPLES = 10_000
SHOWN = 20  # samples of each run on the picture
SETTINGS = {"labelled": "no", "sample_every": "1h", "checkpoint_every": "10m", "measure_every": 0}


def play(name: str, seed: int, seconds: int, yardstick: Yardstick) -> list[dict[str, Any]]:
    """Train one contender; a row at each of ``TIMES``."""
    rows = []
    recipe = RECIPES[name].changed({"data": str(yardstick.mnist), "seed": seed, **SETTINGS})
    for time, outcome, model in models_at(recipe, TIMES, seconds):
        scores = yardstick.score(model, seed, neighbours=time == seconds)
        rows.append({"seconds": time, "examples": outcome.examples, **scores})
    return rows


class Yardstick:
    """The classifier and the real digits that every contender is compared with."""

    def __init__(self, mnist: Path, samples: int) -> None:
        self.mnist, self.count = mnist, samples
        self.classifier = digit_classifier(mnist, quick=samples < SAMPLES)
        test = real_digits(mnist)
        self.real = self.classifier.features(test.batch(np.arange(samples))["images"])
        self.pictures: list[torch.Tensor] = []

    def score(self, model: Model, seed: int, neighbours: bool = True) -> dict[str, float]:
        """The distance of 10,000 samples to as many test digits and, if asked for, precision and recall."""
        pictures = to_bytes(model.sample(self.count, seed=seed + 1))
        if neighbours:
            self.pictures.append(pictures[:SHOWN])
        return self.measured(pictures, neighbours)

    def measured(self, pictures: torch.Tensor, neighbours: bool = True) -> dict[str, float]:
        """The distance of pictures, bytes ``(n, 1, 28, 28)``, and, if asked for, precision and recall."""
        features = self.classifier.features(pictures)
        near = neighbourhoods(self.real, features) if neighbours else {}
        return {
            "frechet": frechet(self.real, features)["frechet"].value,
            **{key: near[key].value for key in ("precision", "recall") if neighbours},
        }

    def floor(self) -> dict[str, float]:
        """The same of training digits: the real-data baseline."""
        source = open_source(images.changed({"data": str(self.mnist)}))
        chosen = np.random.default_rng(0).permutation(len(source))[: self.count]
        return self.measured(source.batch(chosen)["images"])


def crossed(rows: list[dict[str, Any]], distance: float) -> float | None:
    """The first of the times, in seconds, at which a curve is at ``distance`` or below; None if it never is."""
    return next((row["seconds"] for row in rows if row["frechet"] <= distance), None)


def summary(curves: dict[str, list[list[dict[str, Any]]]]) -> dict[str, Any]:
    """The final distances, and when the default recipe reaches the best baseline's: medians over seeds."""
    final = {name: statistics.median(rows[-1]["frechet"] for rows in each) for name, each in curves.items()}
    others = {name: value for name, value in final.items() if name != DEFAULT}
    if not others or DEFAULT not in final:
        return {"final": final}
    best = min(others, key=lambda name: others[name])
    times = [crossed(rows, others[best]) for rows in curves[DEFAULT]]
    return {
        "final": final,
        "best_baseline": best,
        "seconds_to_its_distance": times,
        "median_share_of_its_time": statistics.median(time or math.inf for time in times)
        / curves[DEFAULT][0][-1]["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="one seed, 10 seconds, 500 samples: does it run")
    parser.add_argument("--time", type=int, default=120, help="seconds of training for each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTENDERS))
    options = parser.parse_args()
    if options.quick:
        options.time, options.seeds = 10, 1

    facts = machine.facts()
    print(machine.described(facts))
    yardstick = Yardstick(options.mnist, 500 if options.quick else SAMPLES)
    features, floor = yardstick.classifier.features, yardstick.floor()
    print(f"{features.name}; floor, training digits against test digits: {floor}")

    # Every contender, seed by seed
    curves: dict[str, list[list[dict[str, Any]]]] = {}
    for seed in range(options.seeds):
        for name in options.only.split(","):
            curves.setdefault(name, []).append(play(name, seed, options.time, yardstick))
            last = curves[name][-1]
            print(name, seed, [(row["seconds"], round(row["frechet"], 2)) for row in last], flush=True)

    # Results
    rows = [
        {"recipe": name, **{f"{row['seconds']} s": f"{row['frechet']:.2f}" for row in median_curve(each)}}
        for name, each in curves.items()
    ]
    machine.show(rows)
    final = summary(curves)
    print(final)
    pictures = channels_last(torch.cat(yardstick.pictures))
    machine.draw("mnist", sheet(pictures, SHOWN, scale=1), quick=options.quick)
    machine.write(
        "mnist",
        facts,
        quick=options.quick,
        seed=0,
        samples=yardstick.count,
        features=features.name,
        features_hash=features.hash,
        floor=floor,
        summary=final,
        curves=curves,
        recipes={name: RECIPES[name].changed(SETTINGS).to_dict() for name in curves},
    )


def median_curve(each: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The median over seeds at each time."""
    return [
        {"seconds": rows[0]["seconds"], "frechet": statistics.median(row["frechet"] for row in rows)}
        for rows in zip(*each, strict=True)
    ]


if __name__ == "__main__":
    machine.run(main)
