"""The standard synthetic task for text GANs: lines of 20 units drawn from a random LSTM whose weights are published.

    python benchmarks/text_oracle.py PATH-TO-seqgan_oracle.npz [--quick] [--seeds 3] [--first 0] [--steps 400]

10,000 lines are trained on, 1,000 others end the first act, 4,000 others test. ``NLL_oracle``, what the oracle thinks
of written lines, says quality;
``NLL_test``, what the generator thinks of the oracle's lines, diversity; both in nats a unit, lower is better. One
alone says nothing (a low temperature gives any NLL_oracle), so both are told at several temperatures, after the first
act (maximum likelihood) and after the second (the adversary), beside the curve of maximum likelihood that Caccia et al.
2020 ("Language GANs falling short") published, and that of CoT in their files.

The vocabulary is what 10,000 lines hold, a little less than all 5,000 units; what was never seen shares the probability
of the unknown unit equally, so that NLL_test is a proper one over 5,000.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from acts import after_each, crossing, parsed, parser, spread
from torch import Tensor

from sparring.modalities import RECIPES
from sparring.text.game import TextGame
from sparring.text.networks.writer import Writer
from sparring.text.vocabulary import PAD, UNKNOWN
from sparring.model import Model

PLACES, UNITS, WIDTH = 20, 5000, 32
LINES, CHECKING, TEST = 10_000, 1_000, 4_000  # to train on, to end the first act by, to test
SOME = 500  # lines at a time
TEMPERATURES = (1.0, 0.9, 0.8, 0.7, 0.6)
MLE = ((6.0, 9.26), (6.5, 8.86), (7.0, 8.53), (7.5, 8.28), (8.0, 8.06), (8.74, 7.78))
EQUAL = (7.5, 8.0, 8.74)  # NLL_oracle at which acts are compared
COT = ((6.5, 9.10), (7.0, 8.53), (7.5, 8.19), (8.0, 7.93), (8.74, 7.69))
SETTINGS: dict[str, Any] = {
    "unit": "word",
    "least_count": 1,
    "length": PLACES - 1,  # without a place for an end: every line is cut, that is to say, full
    "embedding": 64,
    "width": 256,
    "learning_rate": 5e-3,
    "steps": 0,
    "held_out": CHECKING,
    "sample_every": "1h",
    "checkpoint_every": "10m",
}


class Oracle:
    """An LSTM with the published weights (Yu et al. 2017)."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.weights = {name: torch.from_numpy(file[name]) for name in file.files}

    def step(self, units: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The state after ``units`` ``(n,)``."""
        inputs = self.weights["embedding"][units]

        def gate(name: str) -> Tensor:
            return inputs @ self.weights["w" + name] + hidden @ self.weights["u" + name] + self.weights["b" + name]

        cell = gate("f").sigmoid() * cell + gate("i").sigmoid() * gate("c").tanh()
        return gate("og").sigmoid() * cell.tanh(), cell

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next unit, ``(n, units)``."""
        return hidden @ self.weights["wo"] + self.weights["bo"]

    def draw(self, count: int, seed: int) -> Tensor:
        """Lines ``(count, 20)``."""
        random = torch.Generator().manual_seed(seed)
        return torch.cat([self.draw_some(min(SOME, count - at), random) for at in range(0, count, SOME)])

    def draw_some(self, count: int, random: torch.Generator) -> Tensor:
        """A few."""
        hidden = cell = torch.zeros(count, WIDTH)
        units, line = torch.zeros(count, dtype=torch.long), []
        for _ in range(PLACES):
            hidden, cell = self.step(units, hidden, cell)
            units = torch.multinomial(self.logits(hidden).softmax(1), 1, generator=random)[:, 0]
            line.append(units)
        return torch.stack(line, 1)

    def surprise(self, lines: Tensor) -> float:
        """The mean negative log-likelihood of a unit, in nats."""
        total = 0.0
        for some in torch.split(lines, SOME):
            hidden = cell = torch.zeros(len(some), WIDTH)
            before = torch.zeros(len(some), dtype=torch.long)
            for units in some.unbind(1):
                hidden, cell = self.step(before, hidden, cell)
                total -= self.logits(hidden).log_softmax(1).gather(1, units[:, None]).sum().item()
                before = units
        return total / lines.numel()


def points(model: Model, oracle: Oracle, test: Tensor, seed: int) -> list[dict[str, float | None]]:
    """(NLL_oracle, NLL_test) at each temperature."""
    rows = []
    for temperature in TEMPERATURES:
        lines = [text.split() for text in model.sample(TEST, seed=seed, temperature=temperature)]
        whole = torch.tensor([[int(unit) for unit in line] for line in lines if len(line) == PLACES])
        at = oracle.surprise(whole)
        row: dict[str, float | None] = {
            "temperature": temperature,
            "oracle": at,
            "test": surprise(model, test, temperature),
            "whole": len(whole) / len(lines),
            "mle": published(MLE, at),
            "cot": published(COT, at),
        }
        rows.append(row)
        print(rows[-1], flush=True)
    return rows


@torch.no_grad()
def surprise(model: Model, test: Tensor, temperature: float) -> float:
    """What the generator at a temperature thinks of a unit of the oracle's, in nats."""
    game, writer = model.game, model.networks["generator"]
    assert isinstance(game, TextGame)
    assert isinstance(writer, Writer)
    unseen = math.log(UNITS - (len(game.vocabulary) - 4) or 1)
    total = 0.0
    for some in torch.split(test, SOME):
        rows = [[*game.vocabulary.encode(" ".join(map(str, line))), PAD] for line in some.tolist()]
        lines = torch.tensor(rows)
        logits = writer.logits(writer.read(lines, None)[:, :PLACES]) / temperature
        chosen = lines[:, :PLACES]
        found = logits.log_softmax(2).gather(2, chosen[..., None])[..., 0] - unseen * (chosen == UNKNOWN)
        total -= found.sum().item()
    return total / test.numel()


def published(curve: tuple[tuple[float, float], ...], at: float) -> float | None:
    """NLL_test on the curve at an NLL_oracle, between its points; None beyond them."""
    if not curve[0][0] <= at <= curve[-1][0]:
        return None
    across, down = zip(*curve, strict=True)
    return float(np.interp(at, across, down))


def play(oracle: Oracle, test: Tensor, seed: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One seed: the first act's likeliest weights, then the second's last, with the adversary and without."""
    lines = oracle.draw(400 if options.quick else LINES + CHECKING, 100 + seed)
    data = folder / f"oracle-{seed}.txt"
    data.write_text("".join(" ".join(map(str, line)) + "\n" for line in lines.tolist()))
    recipe = RECIPES["text"].changed({**SETTINGS, "data": str(data), "seed": seed})
    acts, examples = {}, {}
    for act, outcome, model in after_each(recipe, folder / str(seed), options):
        acts[act], examples[act] = points(model, oracle, test, seed), outcome.examples
    return {"seed": seed, "steps": options.steps, "examples": examples, "acts": acts}


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Over seeds, at each temperature of each act: how far above what was published, at the same NLL_oracle."""
    rows = []
    for act in runs[0]["acts"]:
        for at, temperature in enumerate(TEMPERATURES):
            found = [run["acts"][act][at] for run in runs]
            rows.append({
                "act": act,
                "T": temperature,
                "oracle": spread([point["oracle"] for point in found]),
                "test": spread([point["test"] for point in found]),
                **{
                    f"above {curve}": spread([point["test"] - point[curve] for point in found if point[curve]])
                    for curve in ("mle", "cot")
                },
            })  # fmt: skip
    return rows


def effect(runs: list[dict[str, Any]]) -> dict[str, str]:
    """NLL_test at equal NLL_oracle, with the adversary less without it, over seeds: above 0 is worse."""

    def test(run: dict[str, Any], act: str, at: float) -> float:
        return crossing(run["acts"][f"second act {act}"], "test", "oracle", at)

    return {f"{at:g}": spread([test(run, "with", at) - test(run, "without", at) for run in runs]) for at in EQUAL}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("oracle", type=Path)
    options = parsed(arguments)
    facts = machine.facts()
    print(machine.described(facts))
    oracle = Oracle(options.oracle)
    test = oracle.draw(200 if options.quick else TEST, 99)
    floor = oracle.surprise(test)
    print(f"floor, the oracle's own lines: {floor:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        runs = [play(oracle, test, seed, Path(folder), options) for seed in options.seeds]
    rows, differences = summary(runs), effect(runs)
    machine.show(rows)
    print("\nthe adversary's effect on NLL_test, with less without, by NLL_oracle:", differences)
    machine.write(
        "text_oracle",
        facts,
        quick=options.quick,
        seed=options.first,
        settings=SETTINGS,
        floor=floor,
        summary=rows,
        effect=differences,
        runs=runs,
        published={"mle": MLE, "cot": COT},
    )


if __name__ == "__main__":
    main()
