"""Translation between two worlds of digits: is a digit still the same digit in the other world's manner?

    python benchmarks/mnist_usps.py PATH-TO-MNIST PATH-TO-USPS.npz [--quick] [--seeds 3] [--time 600]

MNIST's and USPS's training digits, both at 28x28, unpaired and without labels: the recipe `reframed` as it is.
Then the test digits are translated, and a classifier of the target world, trained on real digits of it, reads them.
Published for adapting a classifier (another protocol, with labels of the source): CoGAN 91.2 / 89.1, UNIT 95.97 / 93.58
and CyCADA 95.6 / 96.5 (MNIST to USPS / USPS to MNIST).

USPS's digits fill their pictures, MNIST's stand in the middle, so the translators frame anew before they redraw.
What the classifiers read of untranslated digits is told beside the rest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from marks import trained_to
from torch import Tensor

from sparring.images.data import ImageSource, open_source
from sparring.images.features import learn
from sparring.images.features.learned import reader
from sparring.images.recipes import images
from sparring.media.pictures.sheets import sheet, to_bytes
from sparring.metrics.features import in_chunks
from sparring.modalities import RECIPES
from sparring.translation.directions import WAYS, as_numbers, translated
from sparring.model import Model

SETTINGS = {"size": "28", "measure_every": 0, "sample_every": "1h", "checkpoint_every": "10m"}
PUBLISHED = {
    "a2b": {"CoGAN": 91.2, "UNIT": 95.97, "CyCADA": 95.6},
    "b2a": {"CoGAN": 89.1, "UNIT": 93.58, "CyCADA": 96.5},
}
MARKS = (60, 120, 600, 900)  # seconds
STEPS = 1500  # of a classifier
CPU = torch.device("cpu")
SHOWN = 20  # digits of a row on the picture


@dataclass(frozen=True)
class World:
    """Digits to train on, digits to test on, and a classifier of them."""

    training: Path
    test: dict[str, Tensor]
    classify: Any
    accuracy: float


def world(training: Path, test: Path, steps: int) -> World:
    """With a classifier learned from the training digits."""
    trunk, head, _ = learn.classifier(digits(training), CPU, steps)
    source = digits(test)
    everything = source.batch(np.arange(len(source)))
    classify = reader(trunk.eval(), head.eval(), CPU)
    return World(training, everything, classify, read(classify, everything["images"], everything["labels"]))


def digits(path: Path) -> ImageSource:
    """At 28x28."""
    return open_source(images.changed({"data": str(path), "size": "28"}))


def usps_as_images(usps: Path, folder: Path) -> tuple[Path, Path]:
    """Its training and its test digits, each as a file that Sparring reads."""
    arrays = np.load(usps)
    paths = folder / "usps.npz", folder / "usps-test.npz"
    for path, part in zip(paths, ("train", "test"), strict=True):
        np.savez(path, images=arrays[f"x_{part}"], labels=arrays[f"y_{part}"])
    return paths


def read(classify: Any, pictures: Tensor, labels: Tensor) -> float:
    """The share that is read as its label."""
    return (in_chunks(classify, pictures) == labels).float().mean().item()


def made(model: Model, way: str, pictures: Tensor) -> Tensor:
    """Bytes to bytes."""
    with torch.no_grad():
        return to_bytes(translated(model.networks["generator"], way, as_numbers(pictures)))


def play(worlds: dict[str, World], seed: int, seconds: float) -> tuple[list[dict[str, Any]], Tensor]:
    """One seed: a row at each mark, and some translations."""
    places = {"data": str(worlds["a"].training), "data_b": str(worlds["b"].training)}
    rows, shown = [], torch.empty(0)
    for mark, outcome, model in trained_to(
        RECIPES["reframed"].changed({**SETTINGS, **places, "seed": seed}), MARKS, seconds
    ):
        row: dict[str, Any] = {"seed": seed, "seconds": mark, "examples": outcome.examples}
        strips = []
        for way, (source, target) in WAYS.items():
            test = worlds[source].test
            pictures = made(model, way, test["images"])
            row[way] = read(worlds[target].classify, pictures, test["labels"])
            strips.append(pictures[:SHOWN])
        print(row, flush=True)
        rows.append(row)
        shown = torch.cat(strips)
    return rows, shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("usps", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--time", type=float, default=600.0, help="seconds of training a seed, at most")
    parser.add_argument("--quick", action="store_true", help="one seed, 10 seconds: does it run")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.time = 1, 10.0

    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        usps, usps_test = usps_as_images(options.usps, Path(folder))
        steps = 60 if options.quick else STEPS
        worlds = {
            "a": world(options.mnist, options.mnist / "t10k-images-idx3-ubyte.gz", steps),
            "b": world(usps, usps_test, steps),
        }
        floors = floors_of(worlds)
        print(floors)
        runs, sheets = [], []
        for seed in range(options.first, options.first + options.seeds):
            rows, shown = play(worlds, seed, options.time)
            runs += rows
            sheets.append(shown)
    last = [row for row in runs if row["seconds"] == options.time]
    medians = {way: statistics.median(row[way] for row in last) for way in WAYS}
    machine.show(
        [{key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()} for row in runs]
    )
    print({"median": medians, "published": PUBLISHED})
    machine.draw("mnist_usps", sheet(torch.cat(sheets).permute(0, 2, 3, 1).numpy(), SHOWN), quick=options.quick)
    machine.write(
        "mnist_usps",
        facts,
        quick=options.quick,
        seed=options.first,
        settings=SETTINGS,
        floors=floors,
        runs=runs,
        medians=medians,
        published=PUBLISHED,
    )


def floors_of(worlds: dict[str, World]) -> dict[str, float]:
    """The classifiers on real test digits, and on untranslated ones of the other world."""
    a, b = worlds["a"], worlds["b"]
    return {
        "classifier of a": a.accuracy,
        "classifier of b": b.accuracy,
        "a untranslated, read by b's": read(b.classify, a.test["images"], a.test["labels"]),
        "b untranslated, read by a's": read(a.classify, b.test["images"], b.test["labels"]),
    }


if __name__ == "__main__":
    main()
