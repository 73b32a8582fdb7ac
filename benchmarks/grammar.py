"""The bundled topics, where the truth is known: how many samples are sentences, of the topic asked for, and how far the
generator is from the grammar.

    python benchmarks/grammar.py [--quick] [--seeds 3] [--first 0] [--steps 400]

``valid`` and ``on_topic`` are shares of samples at temperature 1; ``divergence`` is the Kullback-Leibler divergence of
the generator from the grammar in nats a line, its mean over lines drawn anew; both probabilities are exact. The truth
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
from acts import after_each, parsed, parser, spread

from sparring.modalities import RECIPES
from sparring.text import grammar
from sparring.text.data import drawn
from sparring.text.game import TextGame
from sparring.text.measures.truth import excess, sentences
from sparring.text.recipes import TextRecipe
from sparring.model import Model

COUNT = 6_000
NAMES = ("valid", "on_topic", "divergence", "different")
SETTINGS: dict[str, Any] = {"steps": 0, "sample_every": "1h", "checkpoint_every": "10m"}


def judged(model: Model, seed: int, count: int) -> dict[str, float]:
    """Of as many samples as lines drawn anew."""
    game = model.game
    assert isinstance(game, TextGame)
    assert isinstance(model.recipe, TextRecipe)
    labels = [at % len(model.labels) for at in range(count)]
    samples = model.sample(count, seed=seed)
    valid, on_topic = sentences(samples, labels)
    lines = drawn(count, 1000 + seed, model.recipe, model.form)
    batch = lines.batch(np.arange(count))
    found = game.log_likelihoods(model.networks, batch["lines"], batch["labels"]).sum(1).double().numpy()
    return {
        "valid": float(valid.mean()),
        "on_topic": float(on_topic.mean()),
        "divergence": float(excess(lines.texts, batch["labels"].tolist(), found).mean()),
        "different": different(samples),
    }


def different(texts: Sequence[str]) -> float:
    """The share of texts that no other one equals."""
    times = Counter(texts)
    return sum(times[text] == 1 for text in texts) / len(texts)


def play(seed: int, folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """One seed."""
    acts = {}
    for act, outcome, model in after_each(RECIPES["topics"].changed({**SETTINGS, "seed": seed}), folder, options):
        acts[act] = {
            "examples": outcome.examples,
            "seconds": outcome.seconds,
            **judged(model, seed, 200 if options.quick else COUNT),
        }
        print(seed, act, {name: round(value, 4) for name, value in acts[act].items()}, flush=True)
    return acts


def effect(runs: Mapping[int, dict[str, dict[str, float]]]) -> dict[str, str]:
    """With the adversary less without it, over seeds."""
    second = [(run["second act with"], run["second act without"]) for run in runs.values()]
    return {name: spread([one[name] - other[name] for one, other in second]) for name in NAMES}


def main() -> None:
    options = parsed(parser(__doc__))
    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        runs = {seed: play(seed, Path(folder) / str(seed), options) for seed in options.seeds}
    acts = runs[options.first]
    rows: list[dict[str, object]] = [
        {"topics": act, **{name: spread([run[act][name] for run in runs.values()]) for name in NAMES}} for act in acts
    ]
    truth = {"valid": 1, "on_topic": 1, "divergence": 0, "different": f"{different(grammar.draw(COUNT, 0)[0]):.3f}"}
    rows.append({"topics": "the truth", **truth})
    machine.show(rows)
    print("\nthe adversary's effect, with less without:", effect(runs))
    settings = {**SETTINGS, "steps of the second act": options.steps}
    content = {"settings": settings, "samples": COUNT, "summary": rows, "effect": effect(runs), "runs": runs}
    machine.write("grammar", facts, quick=options.quick, seed=options.first, **content)


if __name__ == "__main__":
    main()
