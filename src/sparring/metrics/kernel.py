"""Kernel distance: an unbiased estimate of the squared maximum mean discrepancy, so also small sets can be compared.

Gretton et al. 2012, eq. 3; the cubic kernel (x'y / d + 1)^3 of Binkowski et al. 2018 ("Demystifying MMD GANs").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sparring.metrics.score import Estimate, need

SUBSET = 1000  # samples of one estimate
SUBSETS = 4  # at least: their spread is the error
LEAST = 10 * SUBSETS


def mmd(reference: Tensor, samples: Tensor) -> float:
    """Unbiased squared MMD between ``(m, d)`` and ``(n, d)`` under the cubic kernel; may be below 0."""
    x, y = reference.double(), samples.double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        gram = kernel(a, a)
        return (gram.sum() - gram.trace()) / (len(a) * (len(a) - 1))

    return (within(x) + within(y) - 2 * kernel(x, y).mean()).item()


def kernel_distance(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``kernel`` of features ``(m, d)`` and ``(n, d)``: the mean over disjoint subsets of at most 1,000; they are
    independent, so their spread is its error.

    Both sets must be in random order. Raises :class:`NotComputable` for fewer than 40 of either.
    """
    need(len(samples), LEAST)
    need(len(reference), LEAST, "real examples")
    count = min(len(samples), len(reference))
    subset = min(SUBSET, count // SUBSETS)
    values = torch.tensor(
        [
            mmd(reference[start : start + subset], samples[start : start + subset])
            for start in range(0, count - subset + 1, subset)
        ],
        dtype=torch.float64,
    )
    return {"kernel": Estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)))}
