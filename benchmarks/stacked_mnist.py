"""Stacked MNIST: are all 1,000 triples of digits made, and equally often?

    python benchmarks/stacked_mnist.py PATH-TO-MNIST [--quick] [--recipe stacked-mnist] [--seeds 1] [--time 30m]
                                       [--times 5m,10m,20m,30m,45m]

Three random digits as red, green and blue (Metz et al. 2017; PacGAN's 128,000 examples). 26,000 samples are read by a
classifier of single digits; a mode is found when one sample is read as its triple, KL is that of the triples'
frequencies to equal ones, in nats. A perfect generator scores about 0.02: that much comes from counting 26,000. The
recipe `stacked-mnist` is for a CPU, `r3gan-stacked-mnist-narrow` for one GPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from at_times import models_at
from classifier import DigitClassifier, digit_classifier
from torch import Tensor

from sparring.core.settings import duration
from sparring.images.data import open_source
from sparring.images.recipes import images
from sparring.media.pictures.sheets import channels_last, sheet, to_bytes
from sparring.metrics.features import in_chunks
from sparring.modalities import RECIPES

SAMPLES = 26_000
MODES = 1000
BORDER = 2  # pixels around a digit in the 32x32 pictures


def measured(pictures: Tensor, classifier: DigitClassifier) -> dict[str, float]:
    """The modes and the KL of pictures, bytes ``(n, 3, 32, 32)``, and the part of it that is owed to the frequencies of
    single digits."""
    digits = pictures[:, :, BORDER:-BORDER, BORDER:-BORDER]
    read = torch.stack([in_chunks(classifier.classify, digits[:, channel : channel + 1]) for channel in range(3)], 1)
    triples = (read * torch.tensor([100, 10, 1])).sum(1)
    counts = torch.bincount(triples, minlength=MODES)
    singles = sum(divergence(torch.bincount(read[:, channel], minlength=10)) for channel in range(3))
    return {"modes": int((counts > 0).sum()), "kl": divergence(counts), "kl_of_single_digits": singles}


def divergence(counts: Tensor) -> float:
    """The KL of the frequencies that ``counts`` ``(kinds,)`` give to equal ones, in nats."""
    shares = counts[counts > 0].double() / counts.sum()
    return float((shares * (shares * len(counts)).log()).sum())


def play(
    name: str,
    seed: int,
    seconds: float,
    mnist: Path,
    classifier: DigitClassifier,
    times: Sequence[float],
) -> tuple[list[dict[str, Any]], Tensor]:
    """Train one run of the recipe ``name``: a row at each of ``times``, and the last samples, bytes
    ``(26000, 3, 32, 32)``."""
    rows: list[dict[str, Any]] = []
    recipe = RECIPES[name].changed({"data": f"stacked-mnist:{mnist}", "seed": seed, "sample_every": "1h"})
    for time, outcome, model in models_at(recipe, times, seconds):
        pictures = to_bytes(model.sample(SAMPLES, seed=seed + 1))
        rows.append({"seed": seed, "seconds": time, "examples": outcome.examples, **measured(pictures, classifier)})
        print(rows[-1], flush=True)
    return rows, pictures


def floor(mnist: Path, classifier: DigitClassifier) -> dict[str, float]:
    """The same of 26,000 real triples."""
    source = open_source(images.changed({"data": f"stacked-mnist:{mnist}"}))
    chosen = np.random.default_rng(1).permutation(len(source))[:SAMPLES]
    return measured(source.batch(chosen)["images"], classifier)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="10 seconds: does it run")
    parser.add_argument("--recipe", default="stacked-mnist", choices=("stacked-mnist", "r3gan-stacked-mnist-narrow"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--time", default="30m", help="of training")
    parser.add_argument("--times", default="5m,10m,20m,30m,45m", help="of training, at which samples are read too")
    options = parser.parse_args()
    times = [duration(time) for time in options.times.split(",")]
    seconds, seeds = (10.0, 1) if options.quick else (duration(options.time), options.seeds)

    facts = machine.facts()
    print(machine.described(facts))
    classifier = digit_classifier(options.mnist, options.quick)
    features, perfect = classifier.features, floor(options.mnist, classifier)
    print(f"{features.name}; floor, {SAMPLES:,} real triples: {perfect}")
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        own, pictures = play(options.recipe, seed, seconds, options.mnist.resolve(), classifier, times)
        rows += own
    machine.show([{**row, **{key: f"{row[key]:.4f}" for key in ("kl", "kl_of_single_digits")}} for row in rows])
    name = options.recipe.replace("-", "_")
    machine.draw(name, sheet(channels_last(pictures[:100]), 10), quick=options.quick)
    machine.write(
        name,
        facts,
        quick=options.quick,
        seed=0,
        samples=SAMPLES,
        classifier={"name": features.name, "hash": features.hash, "accuracy": classifier.accuracy},
        floor=perfect,
        runs=rows,
        recipe=RECIPES[options.recipe].to_dict(),
    )


if __name__ == "__main__":
    machine.run(main)
