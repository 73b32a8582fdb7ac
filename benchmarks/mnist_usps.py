"""Translation between two domains of digits: is a digit still the same digit in the other domain?

    python benchmarks/mnist_usps.py PATH-TO-MNIST PATH-TO-USPS.npz [--quick] [--seeds 3] [--time 600]

MNIST's and USPS's training digits, both at 28x28, unpaired and without labels: the recipe `reframed` as it is.
Then the test digits are translated, and a classifier of the target domain, trained on real digits of it, reads them.
Published for adapting a classifier (another protocol, with labels of the source): CoGAN 91.2 / 89.1, UNIT 95.97 / 93.58
and CyCADA 95.6 / 96.5 (MNIST to USPS / USPS to MNIST).

USPS's digits fill their pictures, MNIST's stand in the middle, so the translators frame anew before they redraw.
What the classifiers read of untranslated digits is given beside the rest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from at_times import models_at
from torch import Tensor, nn

from sparring.features.keeping import on
from sparring.images.data import ImageSource, open_source
from sparring.images.features.learning import classifier
from sparring.images.features.pixels import scaled
from sparring.images.recipes import images
from sparring.media.pictures.sheets import channels_last, sheet, to_bytes
from sparring.metrics.features import in_chunks
from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.translation.game import DIRECTIONS

SETTINGS = {"size": "28", "measure_every": 0, "sample_every": "1h", "checkpoint_every": "10m"}
PUBLISHED = {
    "a2b": {"CoGAN": 91.2, "UNIT": 95.97, "CyCADA": 95.6},
    "b2a": {"CoGAN": 89.1, "UNIT": 93.58, "CyCADA": 96.5},
}
TIMES = (60, 120, 600, 900)  # seconds
STEPS = 1500  # of a classifier
CPU = torch.device("cpu")
SHOWN = 20  # digits of a row on the picture

Classify = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Domain:
    """Digits to train on, digits to test on, and a classifier of them with its accuracy on the latter."""

    training: Path
    test: dict[str, Tensor]
    classify: Classify
    accuracy: float


def open_domain(training: Path, test: Path, steps: int) -> Domain:
    """The digits in two files, with a classifier that learned so many steps from the training digits."""
    learned = classifier(digits(training), CPU, steps)
    source = digits(test)
    batch = source.batch(np.arange(len(source)))
    logits = on(nn.Sequential(learned.trunk, learned.head), CPU, scaled)

    def classify(pictures: Tensor) -> Tensor:
        return logits(pictures).argmax(1)

    return Domain(training, batch, classify, share_read(classify, batch["images"], batch["labels"]))


def digits(path: Path) -> ImageSource:
    """The digits in a file, at 28x28."""
    return open_source(images.changed({"data": str(path), "size": "28"}))


def usps_as_images(usps: Path, folder: Path) -> tuple[Path, Path]:
    """Files of USPS's training and test digits that Sparring reads, written into ``folder``."""
    arrays = np.load(usps)
    paths = folder / "usps.npz", folder / "usps-test.npz"
    for path, part in zip(paths, ("train", "test"), strict=True):
        np.savez(path, images=arrays[f"x_{part}"], labels=arrays[f"y_{part}"])
    return paths


def share_read(classify: Classify, pictures: Tensor, labels: Tensor) -> float:
    """The share of pictures, bytes ``(n, 1, 28, 28)``, that are read as their label, one of ``labels`` ``(n,)``."""
    return (in_chunks(classify, pictures) == labels).float().mean().item()


def translated(model: Model, direction: str, pictures: Tensor) -> Tensor:
    """The translations of pictures, bytes ``(n, 1, 28, 28)`` both."""
    source, _ = DIRECTIONS[direction]
    output = model.game.outputs[direction]
    return to_bytes(output.generate(model.networks, {source: pictures.to(model.device)}, seed=0))


def play(domains: dict[str, Domain], seed: int, seconds: float) -> tuple[list[dict[str, Any]], Tensor]:
    """Train one seed: a row at each of ``TIMES``, and some translations, bytes ``(40, 1, 28, 28)``."""
    paths = {"data": str(domains["a"].training), "data_b": str(domains["b"].training)}
    recipe = RECIPES["reframed"].changed({**SETTINGS, **paths, "seed": seed})
    rows, shown = [], torch.empty(0)
    for time, outcome, model in models_at(recipe, TIMES, seconds):
        row: dict[str, Any] = {"seed": seed, "seconds": time, "examples": outcome.examples}
        strips = []
        for direction, (source, target) in DIRECTIONS.items():
            test = domains[source].test
            pictures = translated(model, direction, test["images"])
            row[direction] = share_read(domains[target].classify, pictures, test["labels"])
            strips.append(pictures[:SHOWN])
        print(row, flush=True)
        rows.append(row)
        shown = torch.cat(strips)
    return rows, shown


def floors_of(domains: dict[str, Domain]) -> dict[str, float]:
    """The shares that the classifiers read of real test digits, and of untranslated ones of the other domain."""
    a, b = domains["a"], domains["b"]
    return {
        "classifier of a": a.accuracy,
        "classifier of b": b.accuracy,
        "a untranslated, read by b's": share_read(b.classify, a.test["images"], a.test["labels"]),
        "b untranslated, read by a's": share_read(a.classify, b.test["images"], b.test["labels"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("usps", type=Path, help="USPS as an .npz of x_train, y_train, x_test and y_test")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--time", type=float, default=600.0, help="seconds of training a seed, at most")
    parser.add_argument("--quick", action="store_true", help="one seed, 10 seconds: does it run")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.time = 1, 10.0

    # Training
    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        usps, usps_test = usps_as_images(options.usps, Path(folder))
        steps = 60 if options.quick else STEPS
        domains = {
            "a": open_domain(options.mnist, options.mnist / "t10k-images-idx3-ubyte.gz", steps),
            "b": open_domain(usps, usps_test, steps),
        }
        floors = floors_of(domains)
        print(floors)
        runs, strips = [], []
        for seed in range(options.first, options.first + options.seeds):
            rows, shown = play(domains, seed, options.time)
            runs += rows
            strips.append(shown)

    # Results
    last = [row for row in runs if row["seconds"] == options.time]
    medians = {direction: statistics.median(row[direction] for row in last) for direction in DIRECTIONS}
    machine.show(
        [{key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()} for row in runs]
    )
    print({"median": medians, "published": PUBLISHED})
    machine.draw("mnist_usps", sheet(channels_last(torch.cat(strips)), SHOWN), quick=options.quick)
    results = {"settings": SETTINGS, "floors": floors, "runs": runs, "medians": medians, "published": PUBLISHED}
    machine.write("mnist_usps", facts, quick=options.quick, seed=options.first, **results)


if __name__ == "__main__":
    machine.run(main)
