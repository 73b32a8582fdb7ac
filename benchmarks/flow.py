"""Flows on MNIST: bits per dimension of the test digits, and Fréchet distance, after the same CPU time.

    python benchmarks/flow.py PATH-TO-MNIST [--quick] [--seed 0] [--time 15m] [--times 1m,5m] [--only flow,flow-gan]

The recipes `flow` (by maximum likelihood alone) and `flow-gan` (with an adversarial loss beside it), without labels, in
their last weights, beside independent histograms of the pixels, which any density should beat. The likelihood is that
of MNIST's 10,000 test digits, the mean of four draws of the noise that dequantises; the distance is that of 10,000
samples to them in the features of a digit classifier. Times are CPU time of the process, on one thread.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cpu_clock
import machine
import numpy as np
import torch
from at_times import models_at
from classifier import real_digits
from mnist import SAMPLES, SHOWN, Yardstick

from sparring.core.settings import duration
from sparring.data.order import held_out_count, split
from sparring.images.data import open_source
from sparring.images.flow import DRAWS, FlowGame
from sparring.images.recipes import flow
from sparring.media.pictures.sheets import channels_last, sheet
from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.probability.histogram import Histograms

CONTENDERS = ("flow", "flow-gan")
SETTINGS = {"labelled": "no", "sample_every": "1h", "checkpoint_every": "10m"}


def told(bits: torch.Tensor) -> dict[str, float]:
    """The mean of bits per dimension ``(n,)`` of test digits, and its standard error."""
    return {"bits": bits.mean().item(), "error": bits.std().item() / len(bits) ** 0.5}


def likelihood(model: Model, digits: torch.Tensor) -> dict[str, float]:
    """The bits per dimension of digits, bytes ``(n, 1, 28, 28)``, under a flow."""
    assert isinstance(model.game, FlowGame)
    return told(model.game.bits_per_dimension(model.networks, {"images": digits}, seed=0, draws=DRAWS))


def histograms(mnist: Path, seed: int, digits: torch.Tensor) -> dict[str, Any]:
    """The row of independent histograms of the pixels, of those digits that the flows learn from."""
    source = open_source(flow.changed({"data": str(mnist)}))
    members, _ = split(len(source), seed, held_out_count(flow.held_out, len(source)))
    bits = Histograms([source.batch(members)["images"]]).bits_per_dimension(digits)
    return {"recipe": "histograms", "cpu_seconds": 0.0, "examples": len(members), **told(bits)}


def play(name: str, options: argparse.Namespace, yardstick: Yardstick, digits: torch.Tensor) -> list[dict[str, Any]]:
    """Train one recipe; a row at each of the times."""
    rows = []
    recipe = RECIPES[name].changed({"data": str(options.mnist), "seed": options.seed, **SETTINGS})
    for seconds, outcome, model in models_at(recipe, options.times, options.time):
        scores = yardstick.score(model, options.seed, neighbours=seconds == options.time)
        row = {"recipe": name, "cpu_seconds": seconds, "examples": outcome.examples, **likelihood(model, digits)}
        rows.append({**row, **scores})
        print(rows[-1], flush=True)
    return rows


def shown(rows: list[dict[str, Any]]) -> None:
    """The table."""
    names = ("recipe", "cpu_seconds", "examples", "bits", "error", "frechet", "precision", "recall")
    values = ({name: row.get(name, "") for name in names} for row in rows)
    machine.show([
        {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()} for row in values
    ])  # fmt: skip


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="seconds, 500 digits: does it run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time", type=duration, default="15m", help="of training each, CPU time")
    parser.add_argument("--times", default="1m,5m", help="before that, at which it is measured too")
    parser.add_argument("--only", default=",".join(CONTENDERS))
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.times = [duration(time) for time in options.times.split(",") if time]
    if options.quick:
        options.time, options.times = 6.0, [3.0]
    return options


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    facts = machine.facts()
    print(machine.described(facts))

    # The yardsticks: what is compared with, and what is to be beaten
    count = 500 if options.quick else SAMPLES
    yardstick, digits = Yardstick(options.mnist, count), real_digits(options.mnist).batch(np.arange(count))["images"]
    floor, rows = yardstick.floor(), [histograms(options.mnist, options.seed, digits)]
    print(f"{yardstick.classifier.features.name}; training digits against test digits: {floor}")

    # The flows; what there is is written after each
    name = "flow" if set(options.only) == set(CONTENDERS) else "_".join(options.only).replace("-", "_")
    for contender in options.only:
        with cpu_clock.cpu_time():
            rows += play(contender, options, yardstick, digits)
        machine.write(
            name, facts, quick=options.quick, seed=options.seed, samples=count, draws=DRAWS,
            features=yardstick.classifier.features.name, features_hash=yardstick.classifier.features.hash,
            floor=floor, rows=rows, recipes={each: RECIPES[each].changed(SETTINGS).to_dict() for each in options.only},
        )  # fmt: skip
    shown([*rows, {"recipe": "training digits", **floor}])
    machine.draw(name, sheet(channels_last(torch.cat(yardstick.pictures)), SHOWN, scale=1), quick=options.quick)


if __name__ == "__main__":
    machine.run(main)
