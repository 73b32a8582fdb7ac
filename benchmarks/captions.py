"""Captions of photographs (COCO, the split of Texygen): BLEU and Self-BLEU of 10,000 samples, and what the adversarial
loss does to both.

    python benchmarks/captions.py FOLDER-WITH-train.txt-AND-test.txt [--quick] [--seeds 3] [--first 0] [--steps 400]

Any BLEU can be had by a low temperature. So BLEU against all test captions is given at that temperature at which
Self-BLEU-5 is that of as many real training captions, found on a curve over temperatures. Published for maximum
likelihood by Caccia et al. 2020 (table 5): BLEU-2 to 5 .74 .52 .33 .21; real training captions have .74 .53 .34 .22.

The effect of the adversarial loss is the difference between an adversarial phase with it and one as long without it: of
BLEU-5 at equal Self-BLEU-5, and of reverse LM at equal LM (negative log-likelihood of a word under a model of n-grams,
in nats), over seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import machine
from phases import WITH, WITHOUT, after_each, crossing, parsed, parser, spread, temperature_at

from sparring.model import Model
from sparring.text.data import open_source
from sparring.text.metrics.bleu import ORDERS, bleu, self_bleu
from sparring.text.metrics.ngrams import NgramModel
from sparring.text.metrics.novelty import copied
from sparring.text.metrics.scores import per_token
from sparring.text.metrics.sentences import Sentence
from sparring.text.recipes import text

EQUAL = 4.0  # LM at which reverse LM is compared
TEMPERATURES = (0.8, 0.9, 1.0, 1.1, 1.2)
PUBLISHED = {2: 0.74, 3: 0.52, 4: 0.33, 5: 0.21}
SETTINGS: dict[str, Any] = {"sample_every": "1h", "checkpoint_every": "10m"}


class Yardstick:
    """The captions, and what is measured against them; at most ``most`` of each file, all where it is None."""

    def __init__(self, folder: Path, most: int | None) -> None:
        self.tokens = open_source(text.changed({"data": str(folder / "train.txt")})).vocabulary.tokens
        self.training, self.test = (self.read(folder / f"{name}.txt")[:most] for name in ("train", "test"))
        words = {word for sentence in (*self.training, *self.test) for word in sentence}
        self.learn = partial(NgramModel, vocabulary=words)
        self.of_real = self.learn(self.training)
        lm = negative_log_likelihood(self.of_real, self.test)  # of what it never saw
        self.real = {**self.measured(self.training), "lm": lm}

    def read(self, path: Path) -> list[Sentence]:
        """The captions of a file, one a line, their punctuation apart from their words, as the published figures have
        it."""
        return [tuple(self.tokens(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]

    def measured(self, sentences: list[Sentence]) -> dict[str, float]:
        """All numbers of as many sentences as there are training captions."""
        against, among = bleu(sentences, self.test, ORDERS), self_bleu(sentences, ORDERS)
        return {
            **{f"bleu{order}": float(against[order].mean()) for order in ORDERS},
            **{f"self-bleu{order}": float(among[order].mean()) for order in ORDERS},
            "lm": negative_log_likelihood(self.of_real, sentences),
            "reverse-lm": negative_log_likelihood(self.learn(sentences), self.test),
        }

    def samples(self, model: Model, temperature: float, seed: int) -> list[Sentence]:
        """As many samples as there are training captions."""
        lines = model.sample(len(self.training), seed=seed, temperature=temperature)
        return [tuple(self.tokens(line)) for line in lines]

    def curve(self, model: Model, seed: int) -> list[dict[str, float]]:
        """All numbers of samples at each temperature."""
        return [
            {"temperature": temperature, **self.measured(self.samples(model, temperature, seed))}
            for temperature in TEMPERATURES
        ]

    def matched(self, model: Model, seed: int) -> dict[str, Any]:
        """The curve, and the numbers of other samples at the temperature at which they repeat each other as real
        captions do."""
        curve = self.curve(model, seed)
        temperature = temperature_at(curve, "self-bleu5", self.real["self-bleu5"])
        sentences = self.samples(model, temperature, seed + 1000)
        matched = {"temperature": temperature, **self.measured(sentences), "copied": copied(sentences, self.training)}
        return {
            "curve": curve,
            "matched": matched,
            "bleu5 at real self-bleu5": crossing(curve, "bleu5", "self-bleu5", self.real["self-bleu5"]),
            "reverse-lm at equal lm": crossing(curve, "reverse-lm", "lm", EQUAL),
        }


def negative_log_likelihood(model: NgramModel, sentences: list[Sentence]) -> float:
    """The mean negative log-likelihood of a word, in nats."""
    log_likelihoods, tokens = model.log_likelihoods(sentences)
    return per_token(-log_likelihoods, tokens)[0]


def play(yardstick: Yardstick, seed: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train one seed and measure it after each phase."""
    recipe = text.changed({**SETTINGS, "data": str(options.folder / "train.txt"), "seed": seed})
    phases = {}
    for phase, outcome, model in after_each(recipe, folder / str(seed), options):
        result = yardstick.matched(model, seed)
        phases[phase] = {"examples": outcome.examples, "seconds": outcome.seconds, **result}
        print(seed, phase, {name: round(value, 3) for name, value in result["matched"].items()}, flush=True)
    return {"seed": seed, "phases": phases}


def summary(runs: list[dict[str, Any]], real: dict[str, float]) -> list[dict[str, str]]:
    """A row for samples after each phase at real captions' Self-BLEU-5, over seeds; then real captions and what was
    published."""
    names = ("temperature", *(f"bleu{order}" for order in ORDERS), "self-bleu5", "lm", "reverse-lm", "copied")
    rows = [
        {"captions": phase, **{name: spread([run["phases"][phase]["matched"][name] for run in runs]) for name in names}}
        for phase in runs[0]["phases"]
    ]
    rows.append({"captions": "real", **{name: f"{real[name]:.3f}" if name in real else "" for name in names}})
    published = {f"bleu{order}": f"{value:.2f}" for order, value in PUBLISHED.items()}
    return [*rows, {"captions": "published", **{name: published.get(name, "") for name in names}}]


def effect(runs: list[dict[str, Any]]) -> dict[str, str]:
    """The numbers with adversarial loss less those without it, over seeds."""
    return {
        name: spread([run["phases"][WITH][name] - run["phases"][WITHOUT][name] for run in runs])
        for name in ("bleu5 at real self-bleu5", "reverse-lm at equal lm")
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("folder", type=Path, help="folder of train.txt and test.txt")
    options = parsed(arguments)
    facts = machine.facts()
    print(machine.described(facts))
    yardstick = Yardstick(options.folder, 200 if options.quick else None)
    with tempfile.TemporaryDirectory() as folder:
        runs = [play(yardstick, seed, Path(folder), options) for seed in options.seeds]
    rows, differences = summary(runs, yardstick.real), effect(runs)
    machine.show(rows)
    print("\neffect of the adversarial loss, with less without:", differences)
    machine.write(
        "captions",
        facts,
        quick=options.quick,
        seed=options.first,
        settings={**SETTINGS, "steps of the adversarial phase": options.steps},
        samples=len(yardstick.training),
        real=yardstick.real,
        summary=rows,
        effect=differences,
        runs=runs,
    )


if __name__ == "__main__":
    machine.run(main)
