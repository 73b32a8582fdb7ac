"""The bundled topics, where the truth is known: how many samples are sentences, and of the topic that was asked for,
and how far the generator is from the grammar.

    python benchmarks/grammar.py [--quick] [--seeds 3] [--first 0] [--steps 400]

``valid`` and ``on_topic`` are shares of samples at temperature 1; ``divergence`` is the Kullback-Leibler divergence of
the generator from the grammar in nats a line, its mean over lines drawn anew; both probabilities are exact. The grammar
itself has 1, 1 and 0. ``different`` is the share of samples that no other sample equals, beside that of real lines.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import machine
import numpy as np
from phases import WITH, WITHOUT, after_each, parsed, parser, spread

from sparring.modalities import RECIPES
from sparring.model import Model
from sparring.text import grammar
from sparring.text.data import TextForm, draw_topics
from sparring.text.game import TextGame
from sparring.text.metrics.topics import excess, sentences

COUNT = 6_000
NAMES = ("valid", "on_topic", "divergence", "different")
SETTINGS: dict[str, Any] = {"steps": 0, "sample_every": "1h", "checkpoint_every": "10m"}


def measured(model: Model, seed: int, count: int) -> dict[str, float]:
    """The numbers of ``count`` samples, and the divergence on as many lines drawn anew."""
    game = model.game
    assert isinstance(game, TextGame)
    assert isinstance(model.form, TextForm)
    samples, labels = model.sample(count, seed=seed), game.conditions(count)["labels"].tolist()
    valid, on_topic = sentences(samples, labels)
    lines = draw_topics(count, 1000 + seed, game.recipe, model.form)
    batch = {name: rows.to(model.device) for name, rows in lines.batch(np.arange(count)).items()}
    log_likelihoods = game.log_likelihoods(model.networks, batch["lines"], batch["labels"]).sum(1).double()
    return {
        "valid": float(valid.mean()),
        "on_topic": float(on_topic.mean()),
        "divergence": float(excess(lines.texts, batch["labels"].tolist(), log_likelihoods.cpu().numpy()).mean()),
        "different": different(samples),
    }


def different(texts: Sequence[str]) -> float:
    """The share of texts that no other one equals."""
    times = Counter(texts)
    return sum(times[text] == 1 for text in texts) / len(texts)


def play(seed: int, folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Train one seed and measure it after each phase."""
    phases = {}
    for phase, outcome, model in after_each(RECIPES["topics"].changed({**SETTINGS, "seed": seed}), folder, options):
        result = measured(model, seed, 200 if options.quick else COUNT)
        phases[phase] = {"examples": outcome.examples, "seconds": outcome.seconds, **result}
        print(seed, phase, {name: round(value, 4) for name, value in phases[phase].items()}, flush=True)
    return phases


def effect(runs: Mapping[int, dict[str, dict[str, float]]]) -> dict[str, str]:
    """The numbers with adversarial loss less those without it, over seeds."""
    return {name: spread([run[WITH][name] - run[WITHOUT][name] for run in runs.values()]) for name in NAMES}


def main() -> None:
    options = parsed(parser(__doc__))
    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        runs = {seed: play(seed, Path(folder) / str(seed), options) for seed in options.seeds}
    rows: list[dict[str, object]] = [
        {"topics": phase, **{name: spread([run[phase][name] for run in runs.values()]) for name in NAMES}}
        for phase in runs[options.first]
    ]
    truth = {"valid": 1, "on_topic": 1, "divergence": 0, "different": f"{different(grammar.draw(COUNT, 0)[0]):.3f}"}
    rows.append({"topics": "the grammar", **truth})
    machine.show(rows)
    print("\neffect of the adversarial loss, with less without:", effect(runs))
    settings = {**SETTINGS, "steps of the adversarial phase": options.steps}
    content = {"settings": settings, "samples": COUNT, "summary": rows, "effect": effect(runs), "runs": runs}
    machine.write("grammar", facts, quick=options.quick, seed=options.first, **content)


if __name__ == "__main__":
    machine.run(main)
