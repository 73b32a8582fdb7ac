"""Time to quality on MNIST: Fréchet distance in the features of a digit classifier, against seconds of training.

    python benchmarks/mnist.py PATH-TO-MNIST [--quick] [--seeds 3] [--time 120] [--only images,dcgan]

Our default (the recipe `images`), `tutorial`, and the classics `dcgan`, `wgan-gp` and `sn-hinge`: the lean networks of
the same width, their papers' objectives and optimisers, the same trainer, all without labels. Each is trained with the
command's own functions up to each mark, then 10,000 samples are compared with MNIST's 10,000 test digits.
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
from judge import Judge, judge, real_digits
from marks import trained_to

from sparring.media.pictures.sheets import sheet, to_bytes
from sparring.metrics.frechet import frechet
from sparring.metrics.neighbours import neighbourhoods
from sparring.modalities import RECIPES
from sparring.model import Model

OURS = "images"
CONTENDERS = (OURS, "tutorial", "dcgan", "wgan-gp", "sn-hinge")
MARKS = (15, 30, 45, 60, 120, 180, 300, 600)  # seconds
SAMPLES = 10_000
SHOWN = 20  # samples of each run on the picture
SETTINGS = {"labelled": "no", "sample_every": "1h", "checkpoint_every": "10m", "measure_every": 0}


def play(name: str, seed: int, seconds: int, where: Where) -> list[dict[str, Any]]:
    """Train one contender, a row at each mark."""
    rows = []
    asked = RECIPES[name].changed({"data": str(where.mnist), "seed": seed, **SETTINGS})
    for mark, outcome, model in trained_to(asked, MARKS, seconds):
        found = where.score(model, seed, neighbours=mark == seconds)
        rows.append({"seconds": mark, "examples": outcome.examples, **found})
    return rows


class Where:
    """The judge and the real digits that every contender is held against."""

    def __init__(self, mnist: Path, samples: int) -> None:
        self.mnist, self.count = mnist, samples
        self.judge: Judge = judge(mnist, quick=samples < SAMPLES)
        test = real_digits(mnist)
        self.real = self.judge.features(test.batch(np.arange(samples))["images"])
        self.pictures: list[torch.Tensor] = []

    def score(self, model: Model, seed: int, neighbours: bool = True) -> dict[str, float]:
        """Of 10,000 samples against as many test digits."""
        pictures = to_bytes(model.sample(self.count, seed=seed + 1))
        if neighbours:
            self.pictures.append(pictures[:SHOWN])
        return self.measured(pictures, neighbours)

    def measured(self, pictures: torch.Tensor, neighbours: bool = True) -> dict[str, float]:
        """Distance, and if asked for precision and recall, of bytes ``(n, 1, 28, 28)``."""
        seen = self.judge.features(pictures)
        near = neighbourhoods(self.real, seen) if neighbours else {}
        return {
            "frechet": frechet(self.real, seen)["frechet"].value,
            **{key: near[key].value for key in ("precision", "recall") if neighbours},
        }

    def floor(self) -> dict[str, float]:
        """Training digits against test digits."""
        from sparring.images.data import open_source
        from sparring.images.recipes import images

        source = open_source(images.changed({"data": str(self.mnist)}))
        chosen = np.random.default_rng(0).permutation(len(source))[: self.count]
        return self.measured(source.batch(chosen)["images"])


def crossed(rows: list[dict[str, Any]], distance: float) -> float | None:
    """Seconds until a curve is at ``distance`` or below, to the first mark; None if it never is."""
    return next((row["seconds"] for row in rows if row["frechet"] <= distance), None)


def summary(curves: dict[str, list[list[dict[str, Any]]]]) -> dict[str, Any]:
    """Final distances, and when ours reaches the best baseline's: medians over seeds."""
    final = {name: statistics.median(rows[-1]["frechet"] for rows in each) for name, each in curves.items()}
    others = {name: value for name, value in final.items() if name != OURS}
    if not others or OURS not in final:
        return {"final": final}
    best = min(others, key=lambda name: others[name])
    times = [crossed(rows, others[best]) for rows in curves[OURS]]
    return {
        "final": final,
        "best_baseline": best,
        "seconds_to_its_distance": times,
        "median_share_of_its_time": statistics.median(time or math.inf for time in times)
        / curves[OURS][0][-1]["seconds"],
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
    where = Where(options.mnist, 500 if options.quick else SAMPLES)
    floor = where.floor()
    print(f"judge: {where.judge.features.name}; floor, training digits against test digits: {floor}")
    curves: dict[str, list[list[dict[str, Any]]]] = {}
    for seed in range(options.seeds):
        for name in options.only.split(","):
            curves.setdefault(name, []).append(play(name, seed, options.time, where))
            last = curves[name][-1]
            print(name, seed, [(row["seconds"], round(row["frechet"], 2)) for row in last], flush=True)
    rows = [
        {"recipe": name, **{f"{row['seconds']} s": f"{row['frechet']:.2f}" for row in median_curve(each)}}
        for name, each in curves.items()
    ]
    machine.show(rows)
    found = summary(curves)
    print(found)
    made = torch.cat(where.pictures).permute(0, 2, 3, 1).contiguous().numpy()
    machine.draw("mnist", sheet(made, SHOWN, scale=1), quick=options.quick)
    sizes = {"samples": where.count, "features": where.judge.features.name, "features_hash": where.judge.features.hash}
    machine.write(
        "mnist",
        facts,
        quick=options.quick,
        seed=0,
        **sizes,
        floor=floor,
        summary=found,
        curves=curves,
        recipes={name: RECIPES[name].changed(SETTINGS).to_dict() for name in curves},
    )


def median_curve(each: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Mark by mark."""
    return [
        {"seconds": rows[0]["seconds"], "frechet": statistics.median(row["frechet"] for row in rows)}
        for rows in zip(*each, strict=True)
    ]


if __name__ == "__main__":
    main()
