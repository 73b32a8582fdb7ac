"""A normalising flow of points: every point has one latent and every latent one point, so that the density of a point
is known exactly, by the change of variables.

The distribution function of a wide Gaussian brings coordinates into [0, 1]; couplings of rational-quadratic splines
(Durkan et al. 2019) bend them there, some of them by what the others are; the normal quantile function makes latents of
them. What has not learned is that Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sparring.networks.couplings import log_normal, ordered, quantiles, replaced
from sparring.networks.spline import PARAMETERS, spline
from sparring.points.networks.perceptron import LEAKY_GAIN, perceptron

SPREAD = 1.5  # of the wide Gaussian, in deviations of the data


class Coupling(nn.Module):
    """Changes the coordinates ``moved`` of so many, each by a spline that the others decide."""

    def __init__(self, moved: Sequence[int], dimensions: int, width: int, depth: int) -> None:
        super().__init__()
        self.moved = list(moved)
        self.kept = [number for number in range(dimensions) if number not in self.moved]
        self.conditioner = perceptron(
            1 + len(self.kept), width, depth, len(self.moved) * PARAMETERS, nn.LeakyReLU(0.2), LEAKY_GAIN, spread=1.0
        )
        nn.init.zeros_(self.conditioner[-1].weight)  # type: ignore[arg-type]

    def forward(self, values: Tensor, *, inverse: bool) -> tuple[Tensor, Tensor]:
        """Values ``(batch, dimensions)`` in [0, 1] as they become, and the logarithm of the determinant
        ``(batch,)``."""
        given = torch.cat([torch.ones_like(values[:, :1]), 4 * values[:, self.kept] - 2], 1)
        parameters = self.conditioner(given).unflatten(1, (len(self.moved), PARAMETERS))
        changed, logarithms = spline(values[:, self.moved], parameters, inverse=inverse)
        return replaced(values, self.moved, changed), logarithms.sum(1)


class PointFlow(nn.Module):
    """Latents ``(batch, dimensions)`` to points ``(batch, dimensions)`` of unit deviation, and back, with the density
    of each; ``couplings`` in all, each with ``depth`` hidden layers of ``width`` units."""

    def __init__(self, *, dimensions: int, width: int, depth: int, couplings: int) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(
            Coupling(moved, dimensions, width, depth) for moved in halves(dimensions, couplings)
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Points ``(batch, dimensions)`` of latents ``(batch, dimensions)``."""
        values = torch.special.ndtr(latents.float())
        for coupling in ordered(self.couplings, Coupling, inverse=True):
            values, _ = coupling(values, inverse=True)
        return SPREAD * quantiles(values)

    def log_likelihood(self, points: Tensor) -> Tensor:
        """The logarithm of the density of points ``(batch, dimensions)``, in nats, ``(batch,)``: on [0, 1] that of what
        they become is 1, so it is the determinant's alone."""
        wide = points / SPREAD
        values, total = torch.special.ndtr(wide), log_normal(wide) - points.shape[1] * math.log(SPREAD)
        for coupling in ordered(self.couplings, Coupling, inverse=False):
            values, logarithm = coupling(values, inverse=False)
            total = total + logarithm
        return total


def halves(dimensions: int, count: int) -> list[list[int]]:
    """Which coordinates each of ``count`` couplings changes: one half of them, then the other, in another order each
    time; all of them where there is one."""
    found = []
    for number in range(count):
        order = np.random.default_rng(number // 2).permutation(dimensions).tolist()
        parts = (order[dimensions // 2 :], order[: dimensions // 2])
        found.append(sorted(parts[number % 2] or parts[0]))
    return found
