"""``sparring calibrate``: a judge is trained and calibrated, and what is usual among real examples is noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from sparring.core.seeds import Stream, mixed
from sparring.data.order import evenly
from sparring.kind import Say
from sparring.metrics.features import in_chunks
from sparring.model import Model
from sparring.options import CalibrateOptions
from sparring.probability.calibration import cross_fitted, fit
from sparring.probability.decisions import limit_of
from sparring.probability.examples import Examples, gather, known_labels
from sparring.probability.judge import Judge, learn_judge
from sparring.probability.kept import Calibration
from sparring.probability.known import Known
from sparring.probability.neighbours import Neighbours
from sparring.probability.truth import truth_of
from sparring.probability.two_samples import accuracy, divergence_bound, separation

LOOKED_AT, CHUNK = 2048, 256  # examples that the run's own discriminator is asked about, at most and at a time
ORDER = ("domain", "judge", "", "own", "p_real", "divergence", "decisions")  # of what is told of a calibration
TEMPERATURES = np.geomspace(0.25, 8, 61)


def calibrate(model: Model, options: CalibrateOptions, say: Say, inputs: Model | None = None) -> Calibration:
    """The calibration of a model; ``inputs`` is the model as one of the examples that it changes, where it makes
    nothing from nothing. Raises :class:`UserError` for rates that are none, where too few real examples were never
    seen, and for a generator that always makes the same."""
    examples = gather(model, options, say, inputs)
    shape = tuple(examples.training.shape[1:])
    judge = new_judge(model, shape, options.seed)
    steps = learn_judge(
        judge, examples.training, examples.training_labels, examples.made, model.device, say,
        steps=options.steps, seed=mixed(options.seed, Stream.CALIBRATION),
    )  # fmt: skip

    if steps < options.steps:
        say(f"training the judge took too long and was cut short after {steps:,} of {options.steps:,} steps")

    # Logits of what nobody saw, and of generated examples that the judge did not see
    real, made = judge.logits(examples.unseen), judge.logits(examples.fresh)
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
    count = min(len(real), len(made))  # of each kind, for probabilities are those of equal odds
    as_many = np.concatenate([evenly(log_odds[0], count), log_odds[1][:count]])
    return {
        "separation": asdict(separation(real, made)),
        "accuracy": {"value": right, "error": error},
        "divergence": {"value": bound, "error": bound_error},
        "truth": asdict(truth_of(as_many, np.repeat([1.0, 0.0], count))),
    }


def of_discriminator(model: Model, training: Known, unseen: Known, shown: Known, seed: int) -> dict[str, float] | None:
    """The areas under the curve of the run's own discriminator: how well it tells training examples from generated
    ones, examples that it never saw from generated ones, and training examples from those; what is generated is shown
    the examples ``shown``, or their labels. None before it has learned, and where examples come without the labels that
    it needs."""
    if model.labels and any(known_labels(model, each) is None for each in (training, unseen)):
        return None
    chosen = [Known(each.source, evenly(each.indices, LOOKED_AT)) for each in (training, unseen, shown)]
    learned, never = (own_logits(model, each) for each in chosen[:2])
    made = own_logits(model, chosen[2], seed)
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
        **(
            {"domain": f"{facts['domain']}, its real pictures beside translations into it"} if "domain" in facts else {}
        ),
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
