"""The standard synthetic task for text GANs: lines of 20 tokens drawn from a random LSTM whose weights are published.

    python benchmarks/text_oracle.py PATH-TO-seqgan_oracle.npz [--quick] [--seeds 3] [--first 0] [--steps 400]

10,000 lines are trained on, 1,000 others end pretraining, 4,000 others test. ``NLL_oracle``, the negative
log-likelihood of generated lines under the oracle, measures quality; ``NLL_test``, that of the oracle's lines under the
generator, diversity; both in nats a token, lower is better. One alone says nothing (a low temperature gives any
NLL_oracle), so both are given at several temperatures, after pretraining (maximum likelihood) and after the adversarial
phase, beside the curve of maximum likelihood that Caccia et al. 2020 ("Language GANs falling short") published, and
that of CoT in their files.

The vocabulary is what 10,000 lines hold, a little less than all 5,000 tokens; those that were never seen share the
probability of the unknown token equally, so that NLL_test is a proper one over 5,000.
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
from phases import WITH, WITHOUT, after_each, crossing, parsed, parser, spread
from torch import Tensor

from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.text.game import TextGame, generator_of
from sparring.text.vocabulary import PAD, SPECIAL, UNKNOWN

LENGTH, TOKENS, WIDTH = 20, 5000, 32
LINES, HELD_OUT, TEST = 10_000, 1_000, 4_000  # to train on, to end pretraining by, to test
CHUNK = 500  # lines at a time
TEMPERATURES = (1.0, 0.9, 0.8, 0.7, 0.6)
MLE = ((6.0, 9.26), (6.5, 8.86), (7.0, 8.53), (7.5, 8.28), (8.0, 8.06), (8.74, 7.78))
EQUAL = (7.5, 8.0, 8.74)  # NLL_oracle at which phases are compared
COT = ((6.5, 9.10), (7.0, 8.53), (7.5, 8.19), (8.0, 7.93), (8.74, 7.69))
SETTINGS: dict[str, Any] = {
    "token": "word",
    "least_count": 1,
    "length": LENGTH - 1,  # without a position for an end: every line is cut, that is to say, full
    "embedding": 64,
    "width": 256,
    "learning_rate": 5e-3,
    "steps": 0,
    "held_out": HELD_OUT,
    "sample_every": "1h",
    "checkpoint_every": "10m",
}


class Oracle:
    """An LSTM with the published weights (Yu et al. 2017)."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.weights = {name: torch.from_numpy(file[name]) for name in file.files}

    def step(self, tokens: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden and the cell state after ``tokens`` ``(n,)``, from those before them, all ``(n, 32)``."""
        inputs = self.weights["embedding"][tokens]

        def gate(name: str) -> Tensor:
            return inputs @ self.weights["w" + name] + hidden @ self.weights["u" + name] + self.weights["b" + name]

        cell = gate("f").sigmoid() * cell + gate("i").sigmoid() * gate("c").tanh()
        return gate("og").sigmoid() * cell.tanh(), cell

    def logits(self, hidden: Tensor) -> Tensor:
        """The logits of the next token, ``(n, tokens)``, from hidden states ``(n, 32)``."""
        return hidden @ self.weights["wo"] + self.weights["bo"]

    def draw(self, count: int, seed: int) -> Tensor:
        """Random lines, int64 ``(count, 20)``."""
        random = torch.Generator().manual_seed(seed)
        return torch.cat([self.draw_chunk(min(CHUNK, count - at), random) for at in range(0, count, CHUNK)])

    def draw_chunk(self, count: int, random: torch.Generator) -> Tensor:
        """A few random lines, int64 ``(count, 20)``."""
        hidden = cell = torch.zeros(count, WIDTH)
        tokens, line = torch.zeros(count, dtype=torch.long), []
        for _ in range(LENGTH):
            hidden, cell = self.step(tokens, hidden, cell)
            tokens = torch.multinomial(self.logits(hidden).softmax(1), 1, generator=random)[:, 0]
            line.append(tokens)
        return torch.stack(line, 1)

    def negative_log_likelihood(self, lines: Tensor) -> float:
        """The mean negative log-likelihood of a token of lines ``(n, 20)``, in nats."""
        total = 0.0
        for chunk in torch.split(lines, CHUNK):
            hidden = cell = torch.zeros(len(chunk), WIDTH)
            before = torch.zeros(len(chunk), dtype=torch.long)
            for tokens in chunk.unbind(1):
                hidden, cell = self.step(before, hidden, cell)
                total -= self.logits(hidden).log_softmax(1).gather(1, tokens[:, None]).sum().item()
                before = tokens
        return total / lines.numel()


def points(model: Model, oracle: Oracle, test: Tensor, seed: int) -> list[dict[str, float | None]]:
    """NLL_oracle, and NLL_test on lines ``test`` ``(n, 20)``, at each temperature."""
    rows = []
    for temperature in TEMPERATURES:
        lines = [text.split() for text in model.sample(TEST, seed=seed, temperature=temperature)]
        whole = torch.tensor([[int(token) for token in line] for line in lines if len(line) == LENGTH])
        at = oracle.negative_log_likelihood(whole)
        row: dict[str, float | None] = {
            "temperature": temperature,
            "oracle": at,
            "test": negative_log_likelihood(model, test, temperature),
            "whole": len(whole) / len(lines),
            "mle": published(MLE, at),
            "cot": published(COT, at),
        }
        rows.append(row)
        print(rows[-1], flush=True)
    return rows


@torch.no_grad()
def negative_log_likelihood(model: Model, test: Tensor, temperature: float) -> float:
    """The mean negative log-likelihood of a token of lines ``(n, 20)`` under the generator at a temperature, in
    nats."""
    game, generator = model.game, generator_of(model.networks)
    assert isinstance(game, TextGame)
    unseen = math.log(TOKENS - (len(game.vocabulary) - SPECIAL) or 1)
    total = 0.0
    for chunk in torch.split(test, CHUNK):
        rows = [[*game.vocabulary.encode(" ".join(map(str, line))), PAD] for line in chunk.tolist()]
        lines = torch.tensor(rows, device=model.device)
        logits = generator.logits(generator.hidden_before(lines, None)[:, :LENGTH]) / temperature
        tokens = lines[:, :LENGTH]
        nats = logits.log_softmax(2).gather(2, tokens[..., None])[..., 0] - unseen * (tokens == UNKNOWN)
        total -= nats.sum().item()
    return total / test.numel()


def published(curve: tuple[tuple[float, float], ...], at: float) -> float | None:
    """The NLL_test of a published curve at an NLL_oracle, between its points; None beyond them."""
    if not curve[0][0] <= at <= curve[-1][0]:
        return None
    across, down = zip(*curve, strict=True)
    return float(np.interp(at, across, down))


def play(oracle: Oracle, test: Tensor, seed: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train one seed on lines of the oracle and measure it on lines ``test`` ``(n, 20)`` after each phase."""
    lines = oracle.draw(400 if options.quick else LINES + HELD_OUT, 100 + seed)
    data = folder / f"oracle-{seed}.txt"
    data.write_text("".join(" ".join(map(str, line)) + "\n" for line in lines.tolist()))
    recipe = RECIPES["text"].changed({**SETTINGS, "data": str(data), "seed": seed})
    phases, examples = {}, {}
    for phase, outcome, model in after_each(recipe, folder / str(seed), options):
        phases[phase], examples[phase] = points(model, oracle, test, seed), outcome.examples
    return {"seed": seed, "steps": options.steps, "examples": examples, "phases": phases}


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each temperature after each phase, over seeds: how far NLL_test is above what was published at the same
    NLL_oracle."""
    rows = []
    for phase in runs[0]["phases"]:
        for index, temperature in enumerate(TEMPERATURES):
            seeds = [run["phases"][phase][index] for run in runs]
            rows.append({
                "phase": phase,
                "T": temperature,
                "oracle": spread([point["oracle"] for point in seeds]),
                "test": spread([point["test"] for point in seeds]),
                **{
                    f"above {curve}": spread([point["test"] - point[curve] for point in seeds if point[curve]])
                    for curve in ("mle", "cot")
                },
            })  # fmt: skip
    return rows


def effect(runs: list[dict[str, Any]]) -> dict[str, str]:
    """NLL_test at equal NLL_oracle, with adversarial loss less without it, over seeds: above 0 is worse."""

    def test(run: dict[str, Any], phase: str, at: float) -> float:
        return crossing(run["phases"][phase], "test", "oracle", at)

    return {f"{at:g}": spread([test(run, WITH, at) - test(run, WITHOUT, at) for run in runs]) for at in EQUAL}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("oracle", type=Path, help="seqgan_oracle.npz")
    options = parsed(arguments)
    facts = machine.facts()
    print(machine.described(facts))
    oracle = Oracle(options.oracle)
    test = oracle.draw(200 if options.quick else TEST, 99)
    floor = oracle.negative_log_likelihood(test)
    print(f"floor, the oracle's own lines: {floor:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        runs = [play(oracle, test, seed, Path(folder), options) for seed in options.seeds]
    rows, differences = summary(runs), effect(runs)
    machine.show(rows)
    print("\neffect of the adversarial loss on NLL_test, with less without, by NLL_oracle:", differences)
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
    machine.run(main)
