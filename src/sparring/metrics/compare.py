"""Samples against real examples: every metric with its error, its floor and its bias."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sparring.metrics.copies import duplicates, memorisation
from sparring.metrics.diversity import vendi
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.neighbours import neighbourhoods
from sparring.metrics.score import Estimate, Family, Meaning, NotComputable, Score
from sparring.metrics.sliced import sliced_wasserstein

FAMILIES = (
    Family(("frechet",), frechet),
    Family(("kernel",), kernel_distance),
    Family(("precision", "recall", "density", "coverage"), neighbourhoods),
    Family(("sliced",), sliced_wasserstein),
    Family(("vendi",), vendi),
    Family(("duplicates", "support"), duplicates),
)

MEANINGS = {
    "frechet": Meaning("low", "distance of the two as Gaussians"),
    "kernel": Meaning("low", "distance by an unbiased cubic kernel"),
    "precision": Meaning("high", "share of samples that lie among the real ones"),
    "recall": Meaning("high", "share of real ones that lie among the samples"),
    "density": Meaning("floor", "how many real neighbourhoods a sample is in, over 5"),
    "coverage": Meaning("high", "share of real ones with a sample in their neighbourhood"),
    "sliced": Meaning("low", "transport along random directions"),
    "vendi": Meaning("floor", "effective number of different samples"),
    "duplicates": Meaning("low", "share of samples with a near-copy among the samples"),
    "support": Meaning("high", "different samples there seem to be (birthday paradox)"),
    "memorisation": Meaning("low", "share of samples closer to the training set than real ones are"),
}
"""Of the metrics in this package; a room adds its own."""

NO_BIAS = {"kernel", "support", "spectrum"}  # has none, or one that halving does not tell
ROOTS = {"sliced"}


def compare(
    reference: Tensor, samples: Tensor, real: Tensor, *, seed: int = 0, families: Sequence[Family] = FAMILIES
) -> list[Score]:
    """Every metric of ``samples`` ``(n, d)`` against ``reference`` ``(m, d)``; ``real``, disjoint from the reference,
    are ``(n, d)`` too and give the floor. All three in random order.

    A metric that cannot be computed has a reason instead of a number.
    """
    trouble = unusable({"reference examples": reference, "samples": samples, "real examples": real})
    if trouble:
        return [without(name, trouble, len(samples)) for family in families for name in family.names]
    return [score for family in families for score in scores_of(family, reference, samples, real, seed)]


def scores_of(family: Family, reference: Tensor, samples: Tensor, real: Tensor, seed: int) -> list[Score]:
    """The family's value, floor and bias."""
    try:
        found = family.measure(reference, samples, seed)
    except NotComputable as why:
        return [without(name, str(why), len(samples)) for name in family.names]
    try:
        floors = family.measure(reference, real, seed)
    except NotComputable:
        floors = {}
    biases = biases_of(family, found, reference, samples, seed)
    return [
        without(name, "has no finite value on these samples", len(samples))
        if not math.isfinite(found[name].value)
        else Score(
            name,
            found[name].value,
            found[name].error,
            floors[name].value if name in floors else None,
            floors[name].error if name in floors else None,
            biases.get(name),
            len(samples),
        )
        for name in family.names
    ]


def biases_of(
    family: Family, found: Mapping[str, Estimate], reference: Tensor, samples: Tensor, seed: int
) -> dict[str, float]:
    """How much higher each value is on halves than on the whole: for a bias of c / n, that is the bias of the whole.

    A root of something with such a bias is squared first.
    """
    names = [name for name in family.names if name not in NO_BIAS]
    if not names:
        return {}
    try:
        halves = [
            family.measure(one, other, seed)
            for one, other in zip(reference.tensor_split(2), samples.tensor_split(2), strict=True)
        ]
    except NotComputable:
        return {}
    pairs = {name: (found[name].value, sum(half[name].value for half in halves) / 2) for name in names}
    return {
        name: whole - max(0.0, 2 * whole**2 - half**2) ** 0.5 if name in ROOTS else half - whole
        for name, (whole, half) in pairs.items()
    }


def memorised(training: Tensor, held_out: Tensor, samples: Tensor) -> Score:
    """The row on memorisation."""
    trouble = unusable({"training examples": training, "held-out examples": held_out, "samples": samples})
    try:
        if trouble:
            raise NotComputable(trouble)
        found, floor = memorisation(training, held_out, samples)
    except NotComputable as why:
        return without("memorisation", str(why), len(samples))
    return Score("memorisation", found.value, found.error, floor, None, None, len(samples))


def without(name: str, reason: str, count: int) -> Score:
    """A row without a number."""
    return Score(name, None, count=count, reason=reason)


def unusable(sets: Mapping[str, Tensor]) -> str:
    """What is wrong with the features themselves, by whose they are; empty when nothing is."""
    widths = {features.shape[1:] for features in sets.values()}
    if len(widths) > 1:
        return f"features of different sizes cannot be compared: {', '.join(str(tuple(size)) for size in widths)}"
    for whose, features in sets.items():
        if not len(features):
            return f"there are no {whose}"
        bad = int((~torch.isfinite(features).flatten(1).all(1)).sum())
        if bad:
            return f"the features of {bad:,} {whose} are not finite"
        if whose != "samples" and len(features) > 1 and (features == features[:1]).all():
            return f"all {whose} have the same features"
    return ""
