"""Sliced Wasserstein distance: the optimal transport of many one-dimensional shadows, each solved by sorting.

Rabin et al. 2011; Bonneel et al. 2015, section 3. Sees more than two moments, in any number of dimensions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sparring.metrics.score import PARTS, Estimate, error_without_each, need

DIRECTIONS = 128


def sliced_wasserstein(
    reference: Tensor, samples: Tensor, seed: int = 0, *, errors: bool = True
) -> dict[str, Estimate]:
    """``sliced``: the root mean squared transport of ``(n, d)`` to as many of ``(m, d)`` along 128 random directions.

    In the units of the features; without ``errors`` none is computed. Raises :class:`NotComputable` for fewer than 20
    samples, or fewer real ones.
    """
    need(len(samples), 2 * PARTS)
    need(len(reference), len(samples), "real examples")
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(samples.shape[1], DIRECTIONS, generator=random, dtype=torch.float64)
    directions /= directions.norm(dim=0)
    real, made = ((features.double() @ directions) for features in (reference[: len(samples)], samples))
    parts = list(zip(real.tensor_split(PARTS), made.tensor_split(PARTS), strict=True))

    def transport(pairs: list[tuple[Tensor, Tensor]]) -> float:
        one, other = (torch.cat(side).sort(dim=0).values for side in zip(*pairs, strict=True))
        return math.sqrt((one - other).square().mean().item())

    return {"sliced": Estimate(transport(parts), error_without_each(parts, transport) if errors else None)}
