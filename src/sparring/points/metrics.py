"""How points are measured: by their coordinates, and where the truth is a mixture of Gaussians, by the modes found."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sparring.metrics.features import Features
from sparring.metrics.frechet import moments, square_root
from sparring.metrics.score import Estimate, Family, Metric
from sparring.points.data import SIGMA

MODES = (
    Metric("modes", "high", "modes found", "halving"),
    Metric("high_quality", "high", "share within 3 sigma of a mode", "halving"),
    Metric("reverse_kl", "low", "reverse KL of the modes' shares, in nats", "halving"),
)


def coordinates() -> Features:
    """Points ``(n, dimensions)`` as their own features."""
    return Features("coordinates", "none", lambda points: points.float())


def one_gaussian(points: Tensor, seed: int) -> Tensor:
    """As many points as ``points`` ``(n, dimensions)``, n >= 2, of one Gaussian with their mean and covariance."""
    found, random = moments(points), torch.Generator().manual_seed(seed)
    numbers = torch.randn(points.shape, generator=random, dtype=torch.float64)
    return (found.mean + numbers @ square_root(found.covariance)).to(points.dtype)


def mode_metrics(centres: np.ndarray) -> Family:
    """The metrics of how points spread over known ``centres`` ``(modes, dimensions)``."""

    def measure(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
        found = modes(samples.numpy(), centres)
        share = found["high_quality"]
        errors = {"high_quality": math.sqrt(share * (1 - share) / len(samples))}
        return {name: Estimate(value, errors.get(name)) for name, value in found.items()}

    return Family(MODES, measure)


def modes(points: np.ndarray, centres: np.ndarray) -> dict[str, float]:
    """PacGAN's protocol (Lin et al. 2018) on points ``(n, dimensions)``: a point is of high quality within 3 sigma of
    its nearest centre, a mode is found when it has one such point; ``reverse_kl`` is that of the modes' shares against
    equal ones, in nats."""
    distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
    good = distances.min(1) < 3 * SIGMA
    counts = np.bincount(distances.argmin(1)[good], minlength=len(centres))
    shares = counts[counts > 0] / max(counts.sum(), 1)
    divergence = float((shares * np.log(shares * len(centres))).sum()) if counts.any() else math.inf
    return {"modes": int((counts > 0).sum()), "high_quality": float(good.mean()), "reverse_kl": divergence}
