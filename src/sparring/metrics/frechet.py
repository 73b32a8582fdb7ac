"""Fréchet distance between two sets of features, each taken as a Gaussian.

Dowson & Landau 1982; for images Heusel et al. 2017 ("GANs trained by a two time-scale update rule"), eq. 6:
|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). Only in Inception's features may it be called FID.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.score import PARTS, Estimate, NotComputable, blocks, error_without_each, need

CHUNK = 8192  # rows that are in double precision at a time


@dataclass(frozen=True)
class Moments:
    """Of a set of features: ``count``, ``mean`` (d,), ``scatter`` (d, d) = sum of (x - mean)(x - mean)', in float64."""

    count: int
    mean: Tensor
    scatter: Tensor

    @property
    def covariance(self) -> Tensor:
        """The covariance ``(d, d)``, unbiased: divided by ``count - 1``."""
        return self.scatter / (self.count - 1)


def moments(features: Tensor) -> Moments:
    """Moments of ``(n, d)``, in double precision, some rows at a time."""
    chunks = torch.split(features, CHUNK)
    mean = torch.stack([chunk.double().sum(0) for chunk in chunks]).sum(0) / len(features)
    scatter = torch.zeros(features.shape[1], features.shape[1], dtype=torch.float64)
    for chunk in chunks:
        centred = chunk.double() - mean
        scatter += centred.T @ centred
    return Moments(len(features), mean, scatter)


def merged(parts: Sequence[Moments]) -> Moments:
    """Moments of the union of disjoint sets (Chan, Golub & LeVeque 1983)."""
    count = sum(part.count for part in parts)
    mean = torch.stack([part.mean * part.count for part in parts]).sum(0) / count
    apart = torch.stack([part.mean - mean for part in parts])
    weights = torch.tensor([float(part.count) for part in parts], dtype=torch.float64)
    between = apart.T @ (apart * weights[:, None])
    return Moments(count, mean, torch.stack([part.scatter for part in parts]).sum(0) + between)


def square_root(matrix: Tensor) -> Tensor:
    """The symmetric square root ``(d, d)`` of a symmetric positive semi-definite matrix ``(d, d)``."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def distance_to(reference: Moments) -> Callable[[Moments], float]:
    """The Fréchet distance (squared, as is the custom) of any set of features to ``reference``.

    The trace of (C1 C2)^(1/2) is that of (C1^(1/2) C2 C1^(1/2))^(1/2), which is symmetric: its eigenvalues are real.
    """
    root = square_root(reference.covariance)

    def distance(samples: Moments) -> float:
        cross = torch.linalg.eigvalsh(root @ samples.covariance @ root).clamp(min=0).sqrt().sum()
        apart = (reference.mean - samples.mean).square().sum()
        traces = reference.covariance.trace() + samples.covariance.trace()
        return float(apart + traces - 2 * cross)

    return distance


def frechet(reference: Tensor, samples: Tensor, seed: int = 0, *, errors: bool = True) -> dict[str, Estimate]:
    """``frechet``: the distance between ``(m, d)`` and ``(n, d)``, its error by leaving out a tenth of the samples, a
    tenth after the other; without ``errors`` that is saved.

    Raises :class:`NotComputable` for fewer than 2 (d + 1) of either: near d there is hardly a covariance to speak of.
    """
    least = max(2 * (samples.shape[1] + 1), 2 * PARTS)
    need(len(samples), least)
    need(len(reference), least, "real examples")
    parts = [moments(part) for part in blocks(samples)]
    try:
        distance = distance_to(moments(reference))
        value = distance(merged(parts))
        error = error_without_each(parts, lambda rest: distance(merged(rest))) if errors else None
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        raise NotComputable("the covariance of these features has no eigenvalues that can be found") from None
    return {"frechet": Estimate(value, error)}
