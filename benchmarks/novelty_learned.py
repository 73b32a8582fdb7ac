"""Scores of oddness that are learned, on digits of one class among those of ten: the features of the judge, the fresh
discriminator that `sparring calibrate` trains, beside those that it had before it learned, and its logit."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from novelty import CLASSES, Digits, Score, Split, class_row
from torch import Tensor
from torch.nn.functional import normalize

import sparring
from sparring.metrics.features import Features, in_chunks
from sparring.probability.calibrate import new_judge
from sparring.probability.examples import generated
from sparring.probability.grid import grid_of
from sparring.probability.judge import Judge, learn_judge
from sparring.probability.known import trained_on
from sparring.probability.neighbours import Neighbours

TRAINED, STEPS = 20, 750  # CPU seconds of a generator, steps of its judge
SETTINGS: dict[str, Any] = {"sample_every": "1h", "checkpoint_every": "10m", "measure_every": 0, "held_out": 0}


def judges_of(training: Tensor, seed: int, quick: bool) -> tuple[Judge, Judge]:
    """A judge that has learned nothing yet, and one of these digits, bytes ``(n, 1, height, width)``, and of what a
    generator of them makes."""
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "digits.npz", Path(folder) / "run"
        np.savez(data, images=training.permute(0, 2, 3, 1).numpy())
        sparring.train("images", data=data, out=run, seed=seed, time="1s" if quick else f"{TRAINED}s", **SETTINGS)
        model = sparring.load(run)
        known = trained_on(model)
        real = known.examples(model)
        fresh, judge = (new_judge(model, real.shape[1:], seed) for _ in range(2))
        made = partial(generated, model, known, grid_of(real))
        learn_judge(judge, real, None, made, model.device, print, steps=5 if quick else STEPS, seed=seed)
    return fresh.eval(), judge.eval()


def by_features(judge: Judge, name: str, training: Tensor) -> Score:
    """The mean cosine distance to the five nearest training digits in the judge's features, twice."""
    features = Features("judge", name, lambda images: in_chunks(lambda part: normalize(judge.trunk(part)), images))
    with torch.no_grad():
        neighbours = Neighbours(features, training)
    return lambda images: neighbours.oddness(images)[0]


def by_logit(judge: Judge, name: str, training: Tensor) -> Score:
    """How little the judge takes a digit for a real one."""
    return lambda images: -judge.logits(images)


SCORES = {
    "judge's features, 5 nearest by cosine": (1, by_features),
    "the same before it has learned": (0, by_features),
    "judge's logit": (1, by_logit),
}
"""Each with which of the two judges it asks."""


def one_class(split: Split, held_out: int, seed: int, quick: bool) -> dict[str, Any]:
    """Every learned score on every class, as :func:`novelty.one_class` tells it; generator and judge never saw the
    training digits that are held out."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCORES}
    for label in range(2 if quick else CLASSES):
        judges = judges_of(learned_from(split[0], label, held_out), seed, quick)
        for name, (which, score) in SCORES.items():
            rows[name].append(class_row(split, label, partial(score, judges[which], f"{which} {label}"), held_out))
            print(label, name, round(rows[name][-1]["auroc"], 4), flush=True)
    return {
        name: {"mean": {key: float(np.mean([row[key] for row in each])) for key in each[0] if key != "class"},
               "classes": each}
        for name, each in rows.items()
    }  # fmt: skip


def learned_from(training: Digits, label: int, held_out: int) -> Tensor:
    """The training digits of a class but those that :func:`novelty.class_row` holds out."""
    own = training.of(label)
    return own[torch.randperm(len(own), generator=torch.Generator().manual_seed(label))[held_out:]]
