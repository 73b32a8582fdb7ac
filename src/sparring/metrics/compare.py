"""Samples against real examples: every metric with its error, its floor and its bias."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from sparring.metrics.copies import duplicates, memorisation
from sparring.metrics.diversity import vendi
from sparring.metrics.features import in_chunks
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.neighbours import mean, nearest, neighbourhoods
from sparring.metrics.score import Estimate, Family, Metric, NotComputable, Score
from sparring.metrics.sliced import sliced_wasserstein

FRECHET = Metric("frechet", "low", "distance of the two as Gaussians", bias="halving")
MEMORISATION = Metric("memorisation", "low", "share of samples closer to the training set than real ones are")
SHAPELESS = Metric("shapeless", "low", "share of samples nearer to blurred real ones than to real ones as they are")
LABEL_ACCURACY = Metric("label_accuracy", "high", "samples that the classifier reads as the label asked for")
SECOND_ACCURACY = Metric("second_accuracy", "high", "the same by a classifier of another kind: claim the lower of both")

FAMILIES = (
    Family((FRECHET,), frechet),
    Family((Metric("kernel", "low", "distance by an unbiased cubic kernel"),), kernel_distance, wide=True),
    Family(
        (
            Metric("precision", "high", "share of samples that lie among the real ones", "halving"),
            Metric("recall", "high", "share of real ones that lie among the samples", "halving"),
            Metric("density", "floor", "how many real neighbourhoods a sample is in, over 5", "halving"),
            Metric("coverage", "high", "share of real ones with a sample in their neighbourhood", "halving"),
        ),
        neighbourhoods,
    ),
    Family((Metric("sliced", "low", "transport along random directions", "root"),), sliced_wasserstein),
    Family((Metric("vendi", "floor", "effective number of different samples", "halving"),), vendi),
    Family(
        (
            Metric("duplicates", "low", "share of samples with a near-copy among the samples", "halving"),
            Metric("support", "high", "different samples there seem to be (birthday paradox)"),
        ),
        duplicates,
    ),
)
"""Of the features of any kind of example; a modality adds its own."""


def compare(
    reference: Tensor,
    samples: Tensor,
    real: Tensor,
    *,
    seed: int = 0,
    families: Sequence[Family] = FAMILIES,
    wide: Sequence[Tensor] = (),
) -> list[Score]:
    """Every metric of ``samples`` ``(n, d)`` against ``reference`` ``(m, d)``; ``real``, disjoint from the reference,
    are ``(n, d)`` too and give the floor. All three in random order; ``wide`` are three such sets for wide families.

    A metric that cannot be computed has a reason instead of a number.
    """
    trouble = unusable({"reference examples": reference, "samples": samples, "real examples": real})
    if trouble:
        return [missing_score(metric, trouble, len(samples)) for family in families for metric in family.metrics]
    plain = (reference, samples, real)
    return [score for family in families for score in scores_of(family, wide if wide and family.wide else plain, seed)]


def scores_of(family: Family, sets: Sequence[Tensor], seed: int) -> list[Score]:
    """The family's scores: each metric's value, floor and bias, of features of the reference ``(m, d)``, of samples and
    of other real examples, both ``(n, d)``."""
    reference, samples, real = sets
    try:
        found = family.measure(reference, samples, seed)
    except NotComputable as why:
        return [missing_score(metric, str(why), len(samples)) for metric in family.metrics]
    try:
        floors = family.measure(reference, real, seed)
    except NotComputable:
        floors = {}
    biases = biases_of(family, found, reference, samples, seed)
    scores = []
    for metric in family.metrics:
        estimate, floor = found[metric.name], floors.get(metric.name)
        if not math.isfinite(estimate.value):
            scores.append(missing_score(metric, "has no finite value on these samples", len(samples)))
            continue
        real_value, real_error = (floor.value, floor.error) if floor else (None, None)
        bias = biases.get(metric.name)
        scores.append(Score(metric, estimate.value, estimate.error, real_value, real_error, bias, len(samples)))
    return scores


def biases_of(
    family: Family, found: Mapping[str, Estimate], reference: Tensor, samples: Tensor, seed: int
) -> dict[str, float]:
    """How much higher each value is on halves of the features ``(m, d)`` and ``(n, d)`` than on the whole: for a bias
    of c / n, the bias of the whole.

    A root of something with such a bias is squared first.
    """
    kinds = {metric.name: metric.bias for metric in family.metrics if metric.bias}
    if not kinds:
        return {}
    try:
        halves = [
            family.measure(one, other, seed)
            for one, other in zip(reference.tensor_split(2), samples.tensor_split(2), strict=True)
        ]
    except NotComputable:
        return {}
    pairs = {name: (found[name].value, sum(half[name].value for half in halves) / 2) for name in kinds}
    biases = {
        name: whole - max(0.0, 2 * whole**2 - half**2) ** 0.5 if kinds[name] == "root" else half - whole
        for name, (whole, half) in pairs.items()
    }
    return {name: bias for name, bias in biases.items() if math.isfinite(bias)}


def memorised(training: Tensor, held_out: Tensor, samples: Tensor) -> Score:
    """The row on memorisation, of features ``(t, d)``, ``(h, d)`` and ``(n, d)``; it raises nothing, but may hold a
    reason instead of a number."""
    trouble = unusable({"training examples": training, "held-out examples": held_out, "samples": samples})
    try:
        if trouble:
            raise NotComputable(trouble)
        found, floor = memorisation(training, held_out, samples)
    except NotComputable as why:
        return missing_score(MEMORISATION, str(why), len(samples))
    return Score(MEMORISATION, found.value, found.error, floor, None, None, len(samples))


def without_shape(reference: Tensor, shapeless: Tensor, real: Tensor, samples: Tensor) -> Score:
    """The row on samples without a shape: the share of features ``(n, d)`` that are nearer to ``shapeless`` ones ``(m,
    d)`` than to as many of the reference ``(m, d)``; that of ``real`` ones ``(n, d)`` is the floor. It raises nothing,
    but may hold a reason instead of a number."""
    sets = {"reference examples": reference, "real examples": real, "samples": samples}
    if trouble := unusable(sets):
        return missing_score(SHAPELESS, trouble, len(samples))

    def share(examples: Tensor) -> Estimate:
        to_shapeless, to_real = (nearest(examples, points, 1)[0][:, 0] for points in (shapeless, reference))
        return mean((to_shapeless < to_real).double())

    found, floor = share(samples), share(real)
    return Score(SHAPELESS, found.value, found.error, floor.value, floor.error, None, len(samples))


def missing_score(metric: Metric, reason: str, count: int) -> Score:
    """A row without a number, and why it has none."""
    return Score(metric, None, count=count, reason=reason)


def unusable(sets: Mapping[str, Tensor]) -> str:
    """What is wrong with features ``(n, d)`` themselves, by whose they are; empty when nothing is."""
    widths = {features.shape[1:] for features in sets.values()}
    if len(widths) > 1:
        return f"features of different sizes cannot be compared: {', '.join(str(tuple(size)) for size in widths)}"
    for whose, features in sets.items():
        if not len(features):
            return f"there are no {whose}"
        bad = int((~in_chunks(lambda part: part.isfinite().flatten(1).all(1), features)).sum())
        if bad:
            return f"the features of {bad:,} {whose} are not finite"
        if whose != "samples" and len(features) > 1 and in_chunks(partial(same, features[0]), features).all():
            return f"all {whose} have the same features"
    return ""


def same(one: Tensor, others: Tensor) -> Tensor:
    """Which of ``others`` ``(n, ...)`` are ``one`` ``(...)``, ``(n,)``."""
    return (others == one).flatten(1).all(1)
