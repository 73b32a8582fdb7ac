"""``sparring calibrate``: a judge is trained and calibrated, and what is usual among real examples is noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.seeds import Stream, mixed
from sparring.kind import Say
from sparring.metrics.features import in_chunks
from sparring.model import Model
from sparring.options import CalibrateOptions
from sparring.probability.calibration import cross_fitted, fit
from sparring.probability.decisions import check_rate, limit_of, needed
from sparring.probability.grid import Grid, grid_of
from sparring.probability.judge import DRAWN, Judge, learn_judge
from sparring.probability.kept import Calibration
from sparring.probability.known import Known, evenly, never_seen, trained_on
from sparring.probability.neighbours import Neighbours
from sparring.probability.truth import truth_of
from sparring.probability.two_samples import accuracy, divergence_bound, separation
from sparring.targets import own_data

GENERATED = 2048  # examples that a judge is tried on, at least
LEAST = 20  # real examples that were never seen
LOOKED_AT, CHUNK = 2048, 256  # examples that the run's own discriminator is asked about, at most and at a time
COLLAPSED = 0.05  # of generated examples differ, or fewer
ORDER = ("judge", "", "own", "p_real", "divergence", "decisions")  # of what is told of a calibration
TEMPERATURES = np.geomspace(0.25, 8, 61)


@dataclass(frozen=True)
class Examples:
    """What a calibration is made from: training examples, real ones that nobody saw, comparable ``(n, ...)``, with
    labels ``(n,)`` where there are some, and ``made``, which gives generated ones under a seed, on the ``grid``."""

    training: Tensor
    training_labels: Tensor | None
    unseen: Tensor
    unseen_labels: Tensor | None
    made: Callable[[int], Tensor]
    grid: Grid
    known: tuple[Known, Known]
    """Where both kinds of real examples come from."""


def calibrate(model: Model, options: CalibrateOptions, say: Say) -> Calibration:
    """The calibration of a model. Raises :class:`UserError` for rates that are none, where too few real examples were
    never seen, and for a generator that always makes the same."""
    examples = gather(model, options, say)
    shape = tuple(examples.training.shape[1:])
    judge = new_judge(model, shape, options.seed)
    steps = learn_judge(
        judge, examples.training, examples.training_labels, examples.made, model.device, say,
        steps=options.steps, seed=mixed(options.seed, Stream.CALIBRATION),
    )  # fmt: skip

    if steps < options.steps:
        say(f"training the judge took too long and was cut short after {steps:,} of {options.steps:,} steps")

    # Logits of what nobody saw, and of generated examples that the judge did not see, which cost nothing
    real = judge.logits(examples.unseen)
    count = max(len(real), min(GENERATED, model.modality.most_compared(model.form).samples))
    made = judge.logits(several(examples.made, count, mixed(options.seed, Stream.CALIBRATION, 1)))
    calibrator = fit(options.method, real, made)

    # What is usual, and how sure labels are
    neighbours = Neighbours(model.modality.novelty_features(examples.training, model.device), examples.training)
    usual, _ = neighbours.oddness(examples.unseen)
    labels = np.full(len(usual), -1) if examples.unseen_labels is None else examples.unseen_labels.numpy()
    facts = {
        "judge": {"steps": steps, "seed": options.seed},
        "counts": {"training": len(examples.training), "unseen": len(real), "generated": len(made)},
        "features": neighbours.features.name,
        "grid": None if examples.grid.values is None else len(examples.grid.values),
        **findings(options.method, real, made),
        "discriminator": of_discriminator(model, *examples.known, mixed(options.seed, Stream.CALIBRATION, 3)),
        "decisions": decisions(len(usual), options),
    }
    return Calibration(
        model=model.hash,
        judge=judge,
        calibrator=calibrator,
        grid=examples.grid,
        shape=shape,
        usual=usual,
        labels=labels,
        real=calibrator.log_odds(real),
        made=calibrator.log_odds(made),
        temperature=temperature_of(judge, examples),
        facts=facts,
    )


def gather(model: Model, options: CalibrateOptions, say: Say) -> Examples:
    """The examples of a calibration. Raises :class:`UserError` as :func:`calibrate` does."""
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

    def made(seed: int) -> Tensor:
        return generated(model, training, grid, seed)

    few = made(mixed(options.seed, Stream.CALIBRATION, 2))
    if len(torch.unique(few.flatten(1), dim=0)) <= max(1, COLLAPSED * len(few)):
        raise UserError(
            f"{model.path}: its generator makes the same example again and again, which tells nothing of real ones; "
            "train on, or anew with a stronger --r1 and --r2"
        )
    say(f"{len(real):,} training examples, {len(unseen.indices):,} of {unseen.source.name} that nobody saw")
    labels = [known_labels(model, each) for each in (training, unseen)]
    snapped = grid.snap(unseen.examples(model))  # as examples are that are scored
    return Examples(real, labels[0], snapped, labels[1], made, grid, (training, unseen))


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


@torch.no_grad()
def generated(model: Model, training: Known, grid: Grid, seed: int) -> Tensor:
    """1,024 generated examples, fewer where they are large, comparable ``(n, ...)`` in no order, under the labels of
    training examples drawn by ``seed``: what is told apart are examples, not how often their labels come."""
    random, count = np.random.default_rng(seed), min(DRAWN, model.modality.most_compared(model.form).training)
    chosen = np.sort(random.choice(training.indices, count))  # files are read faster in order
    made = model.output.generate(model.networks, model.on_device(training.source.batch(chosen)), seed=seed)
    comparable = grid.snap(model.modality.comparable(model.output.finish(made)))
    return comparable[torch.from_numpy(random.permutation(count))]


def several(made: Callable[[int], Tensor], count: int, seed: int) -> Tensor:
    """``count`` generated examples ``(count, ...)``."""
    parts = [made(seed)]
    while sum(map(len, parts)) < count:
        parts.append(made(seed + len(parts)))
    return torch.cat(parts)[:count]


def new_judge(model: Model, shape: Sequence[int], seed: int) -> Judge:
    """A judge of examples of this shape that has learned nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Judge(model.modality.judge_trunk(model.form, shape), len(model.form.labels))


# What was found


def findings(method: str, real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    """How well the judge tells unseen real examples from generated ones by logits ``(n,)`` of both, and how true its
    calibrated probabilities are, told by maps that were fitted on other examples than they are tried on."""
    log_odds = cross_fitted(method, real, made)
    right, error = accuracy(*log_odds)
    bound, bound_error = divergence_bound(*log_odds)
    as_many = np.concatenate([log_odds[0], log_odds[1][: len(real)]])  # probabilities are those of equal odds
    return {
        "separation": asdict(separation(real, made)),
        "accuracy": {"value": right, "error": error},
        "divergence": {"value": bound, "error": bound_error},
        "truth": asdict(truth_of(as_many, np.repeat([1.0, 0.0], len(real)))),
    }


def of_discriminator(model: Model, training: Known, unseen: Known, seed: int) -> dict[str, float] | None:
    """The areas under the curve of the run's own discriminator: how well it tells training examples from generated
    ones, examples that it never saw from generated ones, and training examples from those; None before it has learned,
    and where examples come without the labels that it needs."""
    if model.labels and any(known_labels(model, each) is None for each in (training, unseen)):
        return None
    chosen = [Known(each.source, evenly(each.indices, LOOKED_AT)) for each in (training, unseen)]
    learned, never = (own_logits(model, each) for each in chosen)
    made = own_logits(model, chosen[0], seed)
    if learned is None or never is None or made is None:
        return None
    pairs = {"training": (learned, made), "unseen": (never, made), "training against unseen": (learned, never)}
    return {name: separation(*pair).auc for name, pair in pairs.items()}


@torch.no_grad()
def own_logits(model: Model, known: Known, seed: int | None = None) -> np.ndarray | None:
    """The discriminator's logits ``(n,)`` of known examples, or of what is generated from ``seed`` in their place; None
    before it has learned."""
    found = []
    for number, indices in enumerate(np.split(known.indices, range(CHUNK, len(known.indices), CHUNK))):
        batch, output = model.on_device(known.source.batch(indices)), model.output
        examples = output.real(batch) if seed is None else output.generate(model.networks, batch, seed=seed + number)
        logits = output.logits(model.networks, batch, examples)
        if logits is None:
            return None
        found.append(logits.double().cpu())
    return np.asarray(torch.cat(found).numpy())


def decisions(count: int, options: CalibrateOptions) -> dict[str, Any]:
    """From which p-value on an example is called odd, on average and with confidence, and the false-alarm rates that
    are promised."""
    return {
        "alpha": options.alpha,
        "confidence": options.confidence,
        "limit": limit_of(count, options.alpha, options.confidence),
        "limit on average": limit_of(count, options.alpha),
    }


def temperature_of(judge: Judge, examples: Examples) -> float:
    """What the judge's logits of labels are divided by to suit real examples that nobody saw best (Guo et al. 2017); 1
    where there are no labels."""
    if judge.label is None or examples.unseen_labels is None:
        return 1.0
    device = judge.real.weight.device
    logits = in_chunks(lambda part: judge.of_labels(part.to(device)).float(), examples.unseen).double()
    losses = [torch.nn.functional.cross_entropy(logits / each, examples.unseen_labels).item() for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def summary_of(calibration: Calibration) -> str:
    """What a person at a terminal reads of a calibration."""
    facts: Mapping[str, Any] = calibration.facts
    counts, truth, decided, own = facts["counts"], facts["truth"], facts["decisions"], facts["discriminator"]
    right, pairs, divergence = facts["accuracy"], facts["separation"], facts["divergence"]
    grid = f", brought to the {facts['grid']} values that real ones have" if facts["grid"] else ""
    told = {
        "judge": f"orders {pairs['auc']:.1%} of pairs of a real and a generated example (p {pairs['p_value']:.2g} if "
        f"they were alike), knows {right['value']:.1%} +-{right['error']:.1%} of examples",
        "": f"tried on {counts['unseen']:,} real examples that nobody saw, {counts['generated']:,} generated{grid}",
        "p_real": f"Brier score {truth['brier']:.3f} (guessing: 0.250), calibration error {truth['error']:+.4f}, "
        f"Z {truth['z']:+.2f} (true probabilities: within 2)",
        "divergence": f"Jensen-Shannon, {divergence['value']:.3f} +-{divergence['error']:.3f} nats of 0.693 or more",
        "decisions": f"odd is a p_value of {decided['limit']:.4g} or less: at most {decided['alpha']:g} of new real "
        f"examples, with confidence {decided['confidence']:g}",
    }
    if own:
        told["own"] = (
            f"the run's own discriminator orders {own['unseen']:.1%} of such pairs, {own['training']:.1%} where the "
            "real one is a training example"
        )
    return "\n".join(f"{name:12}{told[name]}" for name in ORDER if name in told)
