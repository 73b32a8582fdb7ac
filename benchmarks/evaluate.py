"""What does an evaluation cost? `sparring evaluate` on 100, 1,000 and 10,000 drawn pictures of 64x64 pixels.

    python benchmarks/evaluate.py [--quick] [--seed 0]

So many samples beside twice as many real pictures, files of arrays, in a process of its own each: in pretrained
features (with the extra 'pretrained'), and in learned ones with nothing kept, so that they are learned. Shown are the
seconds that a person waits, and those of the CPU, with the start of Python and torch.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np

from sparring.images.features.lite0 import installed

SIZE = 64


def drawn(count: int, seed: int) -> np.ndarray:
    """Discs, bars and squares of many colours in many places, bytes ``(count, 64, 64, 3)``."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    pictures = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for picture in pictures:
        picture[:], colour = random.integers(0, 256, (2, 3))
        middle, reach = random.integers(SIZE // 4, 3 * SIZE // 4, 2), random.integers(SIZE // 8, SIZE // 3)
        down, right = abs(rows - middle[0]), abs(columns - middle[1])
        inside = (down**2 + right**2 < reach**2, down < reach // 3, np.maximum(down, right) < reach)
        picture[inside[random.integers(3)]] = colour
    return pictures


def evaluated(count: int, features: str, seed: int) -> dict[str, Any]:
    """The cost of one evaluation of ``count`` pictures. Raises CalledProcessError when it fails."""
    with tempfile.TemporaryDirectory() as place:
        made, real = Path(place) / "made.npz", Path(place) / "real.npz"
        np.savez(made, images=drawn(count, seed + 1))
        np.savez(real, images=drawn(2 * count, seed))
        command = [sys.executable, "-m", "sparring", "evaluate", str(made), "--data", str(real)]
        environment = {**os.environ, "SPARRING_CACHE": str(Path(place) / "cache")}
        before, began = os.times(), time.monotonic()
        subprocess.run(
            [*command, "--features", features, "--out", str(Path(place) / "out"), "--device", "cpu"],
            env=environment, check=True, capture_output=True,
        )  # fmt: skip
        seconds, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"pictures": count, "features": features, "seconds": round(seconds, 1), "cpu seconds": round(cpu, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 pictures alone: does it run")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    counts = (100,) if options.quick else (100, 1_000, 10_000)
    chosen = ("lite0", "learned") if installed() else ("learned",)
    rows = [evaluated(count, features, options.seed) for count in counts for features in chosen]
    machine.show(rows)
    machine.write("evaluate", facts, quick=options.quick, seed=options.seed, rows=rows)


if __name__ == "__main__":
    machine.run(main)
