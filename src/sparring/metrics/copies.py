"""Copies: of each other (a generator with too few things to say) and of the training set (one that memorises).

The birthday paradox test is Arora & Zhang 2018 ("Do GANs actually learn the distribution?"); what counts as two alike
is decided by the real examples, not by eye.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sparring.metrics.neighbours import distances, mean, nearest
from sparring.metrics.score import Estimate, need

ALIKE = 0.01  # of real examples have another one so near that we call the two alike
CLOSE = 0.05  # of held-out examples are relatively closer to the training set
LEAST = 100  # samples
LEAST_HELD_OUT = 40


def duplicates(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """Of features ``(m, d)`` and ``(n, d)``: ``duplicates``, the share of samples with a near-copy among the samples,
    and ``support``, how many different things there seem to be, at least: s^2 / 2 over the number of pairs that are
    alike, s samples of a support of s^2 / 2 having about one such pair.

    Alike are two that are no further apart than 1 % of as many real examples are from their nearest neighbour. Raises
    :class:`NotComputable` for fewer than 100 samples.
    """
    need(len(samples), LEAST)
    need(len(reference), len(samples), "real examples")
    reference = reference[: len(samples)]
    alike = nearest(reference, reference, 1, same=True)[0].quantile(ALIKE).item()
    own = nearest(samples, samples, 1, same=True)[0][:, 0]
    pairs = max(pairs_within(samples, alike), int((own <= alike).sum().item() / 2))
    support = len(samples) * (len(samples) - 1) / 2 / max(pairs, 1)
    share = mean((own <= alike).float())
    return {
        "duplicates": Estimate(share.value, math.sqrt(2) * (share.error or 0)),  # near-copies come in pairs
        "support": Estimate(support, support / math.sqrt(pairs) if pairs else None),
    }


def pairs_within(points: Tensor, limit: float) -> int:
    """How many pairs of points ``(n, d)`` are no further apart than ``limit``."""
    close = sum(int((squared <= limit**2).sum()) for _, squared in distances(points, points))
    return max(0, close - len(points)) // 2


def memorisation(training: Tensor, held_out: Tensor, samples: Tensor) -> tuple[Estimate, float]:
    """The share of samples that lie closer to the training set than all but 5 % of real examples do; and that floor.
    All three are features ``(n, d)``.

    Closeness is the distance to the nearest training example over the distance to the nearest held-out one; as a
    ratio it does not mind that dull samples lie close to everything. What is close is decided by the held-out
    examples' own ratios (each against the others): 5 % of them are, and those that are in the training set as well.
    A generator that returns training examples scores 1. The error takes samples with the same nearest training
    example count as one. Raises :class:`NotComputable` for fewer than 40 held-out examples.
    """
    need(len(held_out), LEAST_HELD_OUT, "held-out examples")
    theirs = closeness(nearest(held_out, training, 1)[0], nearest(held_out, held_out, 1, same=True)[0])
    to_training, near = nearest(samples, training, 1)
    to_held_out, near_held_out = nearest(samples, held_out, 1)
    ours = closeness(to_training, to_held_out)
    shared = max(
        (torch.unique(index, return_counts=True)[1] / len(samples)).square().sum().item()
        for index in (near, near_held_out)
    )

    floor = min(1.0, (theirs == 0).double().mean().item() + CLOSE)
    limit = theirs.quantile(floor, interpolation="lower")
    below, at = (theirs < limit).double().mean().item(), (theirs == limit).double().mean().item()
    weight = min(max((floor - below) / at, 0.0), 1.0)  # of ties: they count so much that held-out ones score the floor
    value = (ours < limit).double().mean() + weight * (ours == limit).double().mean()
    error = math.hypot(0.5 * math.sqrt(shared), math.sqrt(floor * (1 - floor) / len(held_out)))
    return Estimate(value.item(), error), floor


def closeness(to_training: Tensor, to_held_out: Tensor) -> Tensor:
    """The ratio ``(n,)`` of two distances ``(n, 1)``; 1 where an example is in the held-out set itself, whatever the
    training set holds."""
    ratio = to_training[:, 0] / to_held_out[:, 0].clamp(min=1e-12)
    return torch.where(to_held_out[:, 0] == 0, torch.ones_like(ratio), ratio)
