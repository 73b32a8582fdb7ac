"""Pictures per second of ``model.sample``: as it is, and as it was before weights were placed for the CPU.

    python benchmarks/sampling.py [--quick] [--sizes 28x28x1,64x64x3] [--rounds 7] [--count 1024]

The lean networks of the recipe ``images``, float32, on one thread, in turn in one process. Plain is a model whose
weights lie as files hold them, and which makes 256 pictures at a time. Both draw the same latents; the largest
difference between their pictures is printed beside the speeds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import machine
import numpy as np
import torch

import sparring
from sparring.core import adversarial
from sparring.core.processes import Process
from sparring.core.run import create
from sparring.images.recipes import images
from sparring.model import Model
from sparring.verbs.session import Session

SEED = 0
PICTURES = 64  # that a model is told of, and learns nothing from
BEFORE = 256  # pictures at a time
WANTED = 1.3  # times as fast as before, at least


def contest(size: str, rounds: int, count: int) -> dict[str, Any]:
    """The two models of pictures of one size, in turn, ``rounds`` times; a first round does not count."""
    with tempfile.TemporaryDirectory() as folder:
        placed, plain = (untrained(size, Path(folder)) for _ in range(2))
    for network in plain.networks.values():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    speeds = [(speed(placed, count), speed(plain, count, BEFORE)) for _ in range(rounds + 1)][1:]
    ratios = [fast / slow for fast, slow in speeds]
    drawn = placed.sample(PICTURES, seed=SEED)
    return {
        "size": size,
        "images_per_second": {"sparring": [fast for fast, _ in speeds], "plain": [slow for _, slow in speeds]},
        "ratio": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
        "difference": (drawn - plain.sample(PICTURES, seed=SEED)).abs().max().item(),
        "same_twice": torch.equal(drawn, placed.sample(PICTURES, seed=SEED)),
    }


def untrained(size: str, folder: Path) -> Model:
    """A model of pictures of ``HEIGHTxWIDTHxCHANNELS`` as it is loaded from its folder; chance made its weights."""
    if not (folder / "run").exists():
        height, width, channels = map(int, size.split("x"))
        pixels = np.random.default_rng(SEED).integers(0, 256, (PICTURES, height, width, channels), dtype=np.uint8)
        np.save(folder / "pictures.npy", pixels)
        recipe = images.changed({"data": str(folder / "pictures.npy"), "seed": SEED, "device": "cpu"})
        trainer = Session(recipe, Process(), lambda: create(folder / "run", recipe)).trainer
        trainer.save()
    return sparring.load(folder / "run", device="cpu")


def speed(model: Model, count: int, at_once: int = adversarial.CHUNK) -> float:
    """Pictures per second of this thread's time, so many of them made at once."""
    with patch.object(adversarial, "CHUNK", at_once):
        began = time.thread_time()
        model.sample(count, seed=SEED)
        return count / (time.thread_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="28x28x1,64x64x3", help="HEIGHTxWIDTHxCHANNELS, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=1024, help="pictures drawn at a time")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 64 pictures: does it run")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.count = 2, 64

    torch.set_num_threads(1)
    facts = machine.facts()
    print(machine.described(facts))
    contests = [contest(size, options.rounds, options.count) for size in options.sizes.split(",")]
    rows = [
        {
            "images/s": each["size"],
            **{name: f"{statistics.median(speeds):,.0f}" for name, speeds in each["images_per_second"].items()},
            **{name: f"{ratio:.2f}" for name, ratio in each["ratio"].items()},
            "difference": f"{each['difference']:.0e}",
            "same twice": "yes" if each["same_twice"] else "no",
        }
        for each in contests
    ]
    machine.show(rows)
    print(f"wanted: a median ratio of {WANTED} or more")
    machine.write("sampling", facts, quick=options.quick, seed=SEED, settings=vars(options), contests=contests)


if __name__ == "__main__":
    machine.run(main)
