"""What a calibration is made from: real examples that were trained on, others that nobody saw, and generated ones.

A generator from latents has no end of examples. Where a model changes examples of another kind instead, there are no
more generated ones than of those: the judge learns from what became of the ones that were trained on, and is tried on
what becomes of others, each of them once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Batch
from sparring.core.seeds import Stream, mixed
from sparring.kind import Say
from sparring.model import Model
from sparring.options import CalibrateOptions
from sparring.probability.decisions import check_rate, needed
from sparring.probability.grid import Grid, grid_of
from sparring.probability.judge import DRAWN
from sparring.probability.known import Known, never_seen, trained_on
from sparring.targets import own_data

GENERATED = 2048  # examples that a judge is tried on, at least
LEAST = 20  # real examples that were never seen
CHANGED = 256  # examples that are changed at a time
COLLAPSED = 0.05  # of generated examples differ, or fewer


@dataclass(frozen=True)
class Examples:
    """What a calibration is made from: training examples, real ones that nobody saw, comparable ``(n, ...)``, with
    labels ``(n,)`` where there are some; ``made``, which gives generated ones under a seed for the judge to learn from,
    and ``fresh``, others ``(m, ...)``; all generated ones on the ``grid``."""

    training: Tensor
    training_labels: Tensor | None
    unseen: Tensor
    unseen_labels: Tensor | None
    made: Callable[[int], Tensor]
    fresh: Tensor
    grid: Grid
    known: tuple[Known, Known, Known]
    """Where both kinds of real examples come from, and what a generator is shown that is to make fresh ones."""


def gather(model: Model, options: CalibrateOptions, say: Say, inputs: Model | None = None) -> Examples:
    """The examples of a calibration; ``inputs`` is the model as one of the examples that it changes, where it changes
    some. Raises :class:`UserError` as :func:`sparring.probability.calibrate.calibrate` does."""
    for name in ("alpha", "confidence"):
        check_rate(name, getattr(options, name))
    training = training_of(model)
    real = training.examples(model)
    unseen = never_seen(model, options.data, training, real, say)
    least = max(LEAST, needed(options.alpha, options.confidence))
    if len(unseen.indices) < least:
        raise UserError(
            f"{model.path}: {len(unseen.indices):,} real examples were never seen in training, {least:,} are needed "
            f"for at most {options.alpha:g} false alarms, confidence {options.confidence:g}; give more with --data, "
            "ask for a larger --alpha, or train with a larger --held-out"
        )
    grid = grid_of(real)
    if inputs is None:
        shown, made = training, partial(generated, model, training, grid)
        fresh = several(made, fresh_count(model, unseen), mixed(options.seed, Stream.CALIBRATION, 1))
    else:
        learned, shown = changed_ones(inputs, options, say)
        made = partial(drawn, changed(model, learned, grid, options.seed))
        fresh = changed(model, shown, grid, options.seed)
    check_collapse(model, fresh[:DRAWN])
    say(f"{len(real):,} training examples, {len(unseen.indices):,} of {unseen.source.name} that nobody saw")
    labels = [known_labels(model, each) for each in (training, unseen)]
    snapped = grid.snap(unseen.examples(model))  # as examples are that are scored
    return Examples(real, labels[0], snapped, labels[1], made, fresh, grid, (training, unseen, shown))


def training_of(model: Model) -> Known:
    """The examples that a judge learns from. Raises :class:`UserError` where only a copy of a model's folder is there,
    which does not name them."""
    try:
        own_data(model)
    except UserError:
        raise UserError(
            f"{model.path}: does not name the data that it was trained on ({model.recipe.data}), and its judge learns "
            "from them; calibrate its run, and copy the model's folder again"
        ) from None
    return trained_on(model)


def known_labels(model: Model, known: Known) -> Tensor | None:
    """The labels ``(n,)`` of examples by the model's own numbers; None where it, or they, have none."""
    return known.labels() if model.form.labels else None


def check_collapse(model: Model, made: Tensor) -> None:
    """Raise :class:`UserError` where most of the generated examples ``(n, ...)`` are the same."""
    if len(torch.unique(made.flatten(1), dim=0)) <= max(1, COLLAPSED * len(made)):
        raise UserError(
            f"{model.path}: its generator makes the same example again and again, which tells nothing of real ones; "
            "train on, or anew with a stronger --r1 and --r2"
        )


# Generated examples


@torch.no_grad()
def made_of(model: Model, batch: Batch, grid: Grid, seed: int) -> Tensor:
    """What the generator makes of the examples, or under the labels, of a batch: comparable ``(rows, ...)``."""
    made = model.output.generate(model.networks, model.on_device(batch), seed=seed)
    return grid.snap(model.modality.comparable(model.output.finish(made)))


def generated(model: Model, training: Known, grid: Grid, seed: int) -> Tensor:
    """1,024 generated examples, fewer where they are large, comparable ``(n, ...)`` in no order, under the labels of
    training examples drawn by ``seed``: what is told apart are examples, not how often their labels come."""
    random, count = np.random.default_rng(seed), min(DRAWN, model.modality.most_compared(model.form).training)
    chosen = np.sort(random.choice(training.indices, count))  # files are read faster in order
    made = made_of(model, training.source.batch(chosen), grid, seed)
    return made[torch.from_numpy(random.permutation(count))]


def several(made: Callable[[int], Tensor], count: int, seed: int) -> Tensor:
    """``count`` generated examples ``(count, ...)``."""
    parts = [made(seed)]
    while sum(map(len, parts)) < count:
        parts.append(made(seed + len(parts)))
    return torch.cat(parts)[:count]


def fresh_count(model: Model, unseen: Known) -> int:
    """How many generated examples a judge is tried on, where there is no end of them."""
    return max(len(unseen.indices), min(GENERATED, model.modality.most_compared(model.form).samples))


# What examples are changed to


def changed_ones(inputs: Model, options: CalibrateOptions, say: Say) -> tuple[Known, Known]:
    """The examples that ``inputs`` was trained on, and others that it never saw, to be changed. Raises
    :class:`UserError` where there are too few of the latter."""
    learned = training_of(inputs)
    unseen = never_seen(inputs, options.data, learned, learned.examples(inputs), say)
    if len(unseen.indices) < LEAST:
        raise UserError(
            f"{inputs.path}: {len(unseen.indices):,} examples to be changed were never seen in training, {LEAST} are "
            "needed; give more with --data, or train with a larger --held-out"
        )
    return learned, unseen


def changed(model: Model, known: Known, grid: Grid, seed: int) -> Tensor:
    """What the model changes known examples to, each of them once: comparable ``(n, ...)``, in no order."""
    parts = np.split(known.indices, range(CHANGED, len(known.indices), CHANGED))
    made = torch.cat([made_of(model, known.source.batch(part), grid, seed) for part in parts])
    return made[torch.from_numpy(np.random.default_rng(seed).permutation(len(made)))]


def drawn(made: Tensor, seed: int) -> Tensor:
    """1,024 of the examples ``(n, ...)``, drawn by ``seed``, some of them more than once."""
    return made[torch.from_numpy(np.random.default_rng(seed).integers(len(made), size=DRAWN))]
