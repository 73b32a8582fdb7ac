"""How good samples are, compared with what, and how sure that is: the same for examples of any kind.

A :class:`Target` makes samples, or holds them, beside real examples; :func:`assess` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.parts import parts_of
from sparring.data.source import Source
from sparring.kind import Artifact, Kind, Most, Say
from sparring.metrics.class_score import scored
from sparring.metrics.compare import (
    FRECHET,
    LABEL_ACCURACY,
    MEMORISATION,
    SECOND_ACCURACY,
    compare,
    memorised,
    missing_score,
    without_shape,
)
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features, in_chunks
from sparring.metrics.findings import find as find_troubles
from sparring.metrics.score import Score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.targets import ModelTarget, Target, only_place, own_data, real_examples
from sparring.version import __version__

BLURRED = 2_000  # real examples whose shape is taken from them, at most
DEFAULT = Most()
LEAST = 20  # samples: with fewer nothing can be said


@dataclass(frozen=True)
class Evaluation:
    """What was found of one output: ``result`` as plain values, kept in ``file``, and ``artifacts`` to look at.

    ``name`` is the output's, where the game has several. ``text`` is for a person at a terminal; where it is empty,
    ``result`` is a table of scores that the report knows how to print.
    """

    result: dict[str, Any]
    artifacts: Sequence[Artifact] = ()
    name: str = ""
    file: str = "scores.json"
    text: str = ""


@dataclass(frozen=True)
class Chosen:
    """Indices of real examples, disjoint: as many as there are samples, for the floor, and the reference."""

    floor: np.ndarray
    reference: np.ndarray


# Comparing


def assess_outputs(
    modality: Kind, model: Model, options: EvaluateOptions, say: Say, target: Callable[..., ModelTarget] = ModelTarget
) -> list[Evaluation]:
    """An evaluation of each output of a model, beside the data that ``options`` or its run name; ``target`` makes what
    is evaluated of model, output, source and training source. Raises :class:`UserError` when nothing can be
    compared."""
    settings = own_data(model) if not options.data else {"data": only_place(options.data)}
    recipe = model.recipe.changed(settings)
    kept = modality.open_kept(recipe, model.form)
    if kept is not None and len(kept) < 2 * LEAST:
        say(f"{kept.name}: {len(kept)} examples are too few to compare with; what was learned from stands in for them")
        kept = None
    elif kept is not None:
        say(f"compared with {kept.name}, which was not learned from")
    source = modality.open_source(recipe) if kept is None else kept
    training = modality.open_source(recipe) if kept is not None and not options.data else None
    outputs = model.game.outputs if options.judge == "none" else {"": model.judged(options.judge, options.proposals)}
    return [
        replace(assess(target(model, output, source, training), options, model.device, say), name=name)
        for name, output in outputs.items()
    ]


def assess(target: Target, options: EvaluateOptions, device: torch.device, say: Say) -> Evaluation:
    """The scores of one target, what stands out in words, and figures. Raises :class:`UserError` when there are too few
    samples or real examples."""
    # What is compared, and in which features
    modality, source, seed = target.modality, target.source, options.seed
    most = modality.most_compared(source.form)
    chosen = choose(len(source), target.count, options.count or None, seed, most)
    features = modality.find_features(source, options.features, device, say, options.trust)
    say(f"{len(chosen.floor):,} samples, {len(chosen.reference):,} real examples, features: {features.name}")

    # Samples, as many real examples for the floor, and the reference
    samples, logits, labels = target.samples(chosen.floor, seed)
    floor, reference = (
        real_examples(modality, target.output, source, part) for part in (chosen.floor, chosen.reference)
    )
    pairs = [features.both(each) for each in (reference, samples, floor)]
    (reference_features, sample_features, floor_features), wide = zip(*pairs, strict=True)

    # Scores: of features, of the examples themselves, and of what only this target has
    scores = compare(reference_features, sample_features, floor_features, seed=seed, wide=wide)
    scores += compare(reference, samples, floor, seed=seed, families=modality.families(source))
    scores.append(copied(target, features, chosen, (reference_features, sample_features, floor_features)))
    shapeless = modality.shapeless(reference[:BLURRED], seed)
    if shapeless is not None:
        few = reference_features[:BLURRED]
        scores.append(without_shape(few, features(shapeless), floor_features, sample_features))
    if features.logits:
        scores.append(scored(*(in_chunks(features.logits, each).softmax(1) for each in (samples, floor))))
    if labels is not None and features.classify:
        scores += as_asked(features, samples, labels)
    scores += target.extra_scores(samples, features, seed)

    # The result as plain values
    result = {
        "sparring": __version__,
        "target": str(target.path),
        "data": source.name,
        "count": len(samples),
        "reference": len(reference),
        "seed": seed,
        "features": {"name": features.name, "hash": features.hash, "dimensions": reference_features.shape[1]},
        **target.facts,
        "verdicts": [asdict(finding) for finding in find_troubles({score.name: score for score in scores})],
        "scores": [as_row(score, features.frechet) for score in scores],
    }
    comparison = Comparison(
        reference, samples, reference_features, sample_features, logits, labels, tuple(target.labels), source.form
    )
    return Evaluation(result, modality.figures(comparison))


def choose(real: int, made: int | None, asked: int | None, seed: int, most: Most = DEFAULT) -> Chosen:
    """How many samples, and which real examples, ``most`` of each unless more are asked for. Raises :class:`UserError`
    when there are not enough of either."""
    if asked is not None and asked < LEAST:
        raise UserError(f"n: {asked} samples say nothing; ask for {LEAST} or more")
    if asked is not None and made is not None and asked > made:
        raise UserError(f"n: there are {made:,} samples, not {asked:,}; ask for fewer, or leave -n out")
    if asked is not None and asked > real // 2:
        raise UserError(
            f"n: {asked:,} samples need as many real examples for the real-data baseline and as many again to compare "
            f"with, but there are {real:,}; ask for {real // 2:,} or fewer, or give more data"
        )
    count = asked or min(most.samples, real // 2, most.samples if made is None else made)
    if count < LEAST:
        raise UserError(
            f"data: {real:,} real examples and {count:,} samples are too few; {2 * LEAST} and {LEAST} are needed"
        )
    order = np.random.default_rng(seed).permutation(real)
    return Chosen(order[:count], order[count : count + max(most.reference, count)])


def copied(target: Target, features: Features, chosen: Chosen, seen: tuple[Tensor, Tensor, Tensor]) -> Score:
    """The row on memorisation: against what the model was trained on and what was held out.

    ``seen`` are features ``(n, dimensions)`` of reference, samples and floor. Where the split is not known, samples are
    compared with the reference and the floor's examples: copies of either half are then noticed.
    """
    reference, samples, floor = seen
    if target.training is not None:
        learned = features_at(np.arange(len(target.training)), target, target.training, features, reference[:0])
        return memorised(learned, torch.cat([reference, floor]), samples)
    parts = target.split()
    if parts is None:
        return memorised(reference, floor, samples)
    members, held_out = parts
    if not len(held_out):
        return missing_score(MEMORISATION, "the run held no examples out", len(samples))
    order = np.concatenate([chosen.reference, chosen.floor])
    known = torch.cat([reference, floor])[torch.from_numpy(np.isin(order, members))]
    training = torch.cat([known, features_at(np.setdiff1d(members, order), target, target.source, features, known[:0])])
    return memorised(training, features_at(held_out, target, target.source, features, known[:0]), samples)


def features_at(indices: np.ndarray, target: Target, source: Source, features: Features, none: Tensor) -> Tensor:
    """Features ``(n, dimensions)`` of the examples of ``source`` at ``indices``, some read at a time; ``none`` without
    any."""
    parts = parts_of(source, indices) if len(indices) else []
    read = (target.modality.real_examples(target.output, source.batch(part)) for part in parts)
    return torch.cat([none, *map(features, read)])


def as_asked(features: Features, samples: Tensor, labels: Tensor) -> list[Score]:
    """The rows on labels ``(n,)`` of samples ``(n, ...)``, one for each classifier that the features have; the floor is
    its accuracy on real examples that it did not learn from."""
    assert features.classify is not None
    classifiers = [(LABEL_ACCURACY, features.classify, features.accuracy)]
    if features.second:
        classifiers.append((SECOND_ACCURACY, features.second.classify, features.second.accuracy))
    scores = []
    for metric, classify, accuracy in classifiers:
        right = (in_chunks(classify, samples) == labels).float()
        error = right.std().item() / len(right) ** 0.5
        scores.append(Score(metric, right.mean().item(), error, accuracy, None, None, len(right)))
    return scores


def as_row(score: Score, frechet: str = FRECHET.name) -> dict[str, Any]:
    """A score as plain values; ``frechet`` is what the Fréchet distance is called in these features."""
    numbers = {name: value for name, value in asdict(score).items() if name != "metric"}
    name = frechet if score.name == FRECHET.name else score.name
    return {"name": name, **numbers, "better": score.metric.better, "about": score.metric.about}
