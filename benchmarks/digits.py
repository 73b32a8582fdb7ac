"""Are the digits readable, and are they all there? A classifier that never saw a generated one reads the samples.

    python benchmarks/digits.py [--quick] [--time 3m] [--seeds 3]

The recipe ``digits``, as a new user would train it. The classifier (a perceptron of 128 hidden units) learns from
half of the real digits; the other half tells how well it reads, and how often it is sure of real ones: that is the
floor to compare with.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import sparring

SAMPLES = 1000
SURE = 0.9  # a probability


def train_reader() -> tuple[MLPClassifier, np.ndarray, np.ndarray]:
    """The classifier, with the real digits that it has not seen: pixels ``(n, 64)`` in [0, 1], labels ``(n,)``."""
    pixels, labels = load_digits(return_X_y=True)
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        pixels / 16, labels, test_size=0.5, random_state=0, stratify=labels
    )
    reader = MLPClassifier((128,), alpha=0.1, max_iter=500, random_state=0).fit(seen, seen_labels)
    return reader, unseen, unseen_labels


def read(reader: MLPClassifier, pixels: np.ndarray) -> dict[str, float]:
    """The share of ``pixels`` ``(n, 64)`` in [0, 1] that the reader is sure of, and that of the rarest digit."""
    probabilities = reader.predict_proba(pixels)
    counts = np.bincount(probabilities.argmax(1), minlength=10)
    return {"sure": float((probabilities.max(1) >= SURE).mean()), "rarest_digit": float(counts.min() / len(pixels))}


def play(reader: MLPClassifier, seed: int, time: str) -> dict[str, Any]:
    """Train one run and read its samples."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = sparring.train("digits", out=Path(folder) / "run", time=time, seed=seed)
        model = sparring.load(outcome.run)
        samples = model.sample(SAMPLES, seed=seed + 1)
    names = model.sample_labels(SAMPLES, None) or []
    pixels = ((samples + 1) / 2).clamp(0, 1).flatten(1).numpy()
    labels = np.array([int(name) for name in names])
    row = {"seed": seed, "seconds": round(outcome.seconds), "examples": outcome.examples, **read(reader, pixels)}
    return {**row, "as_asked": float((reader.predict(pixels) == labels).mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, 5 seconds: does it run")
    parser.add_argument("--time", default="3m", help="of training")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if options.quick:
        options.time, options.seeds = "5s", 1

    facts = machine.facts()
    print(machine.described(facts))
    reader, unseen, unseen_labels = train_reader()
    rows = [play(reader, seed, options.time) for seed in range(options.seeds)]
    floor = {"accuracy": reader.score(unseen, unseen_labels), **read(reader, unseen)}
    machine.show([{**row, "sure": f"{row['sure']:.3f}", "as_asked": f"{row['as_asked']:.3f}"} for row in rows])
    print(f"floor, {len(unseen)} real digits that the reader has not seen: {floor}")
    machine.write("digits", facts, quick=options.quick, seed=0, settings=vars(options), runs=rows, floor=floor)


if __name__ == "__main__":
    machine.run(main)
