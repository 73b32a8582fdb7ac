"""Nearest neighbours, and the metrics that are made of them: precision and recall, density and coverage.

Each set is described by balls around its points that reach to their k-th neighbour in the set. Kynkäänniemi et al.
2019 ("Improved precision and recall metric"), k = 3; Naeem et al. 2020 ("Reliable fidelity and diversity metrics"),
eq. 3 and 4, k = 5. Distances are taken some rows at a time: memory stays bounded however many points there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from sparring.metrics.score import PARTS, Estimate, error_without_each, need

PRECISION_K, DENSITY_K = 3, 5
ENTRIES = 1 << 24  # distances held at a time: 128 MiB
ROUNDING = 1e-12  # of the largest squared norm: no smaller squared distance can be told from 0


def distances(queries: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances ``(some rows, len(points))``, in float64, until all queries had their turn."""
    rows = max(1, ENTRIES // len(points))
    centre = points.double().median(0).values  # near the origin the subtraction below loses less
    points = points.double() - centre
    norms = points.square().sum(1)
    for start in range(0, len(queries), rows):
        some = slice(start, min(start + rows, len(queries)))
        chunk = queries[some].double() - centre
        sums = chunk.square().sum(1)[:, None] + norms
        squared = sums - 2 * chunk @ points.T
        yield some, squared.masked_fill_(squared < ROUNDING * sums, 0)


def nearest(queries: Tensor, points: Tensor, k: int, *, same: bool = False) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest points of each query: distances and indices, ``(len(queries), k)``, nearest first.

    ``same``: the two are one set, and a point is not its own neighbour. A distance is taken anew from the
    difference of the two points, so a copy is at distance 0 exactly.
    """
    index = torch.empty(len(queries), k, dtype=torch.int64)
    for some, squared in distances(queries, points):
        if same:
            squared[torch.arange(len(squared)), torch.arange(some.start, some.stop)] = math.inf
        index[some] = squared.topk(k, dim=1, largest=False).indices
    apart = torch.stack([(queries.double() - points[column].double()).norm(dim=1) for column in index.T], 1)
    order = apart.argsort(dim=1)
    return apart.gather(1, order), index.gather(1, order)


def neighbourhoods(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``precision``, ``recall``, ``density`` and ``coverage`` of ``(n, d)`` against as many of ``(m, d)``, m >= n.

    Errors come from leaving out a tenth of the samples (the balls around the others stay as they are). Raises
    :class:`NotComputable` for fewer than 20 points.
    """
    need(len(samples), 2 * PARTS)
    need(len(reference), len(samples), "real examples")
    reference = reference[: len(samples)]
    real, fake = (nearest(points, points, DENSITY_K, same=True)[0].square() for points in (reference, samples))
    precise, dense = torch.zeros(len(samples)), torch.zeros(len(samples))
    recalled, covered = torch.zeros(2, PARTS, len(reference), dtype=torch.bool)
    part = torch.arange(len(samples)) * PARTS // len(samples)
    for some, squared in distances(samples, reference):
        precise[some] = (squared <= real[:, PRECISION_K - 1]).any(1).float()
        within = squared <= real[:, DENSITY_K - 1]
        dense[some] = within.sum(1) / DENSITY_K
        reached = squared <= fake[some, PRECISION_K - 1, None]
        for index in torch.unique(part[some]):
            rows = part[some] == index
            recalled[index] |= reached[rows].any(0)
            covered[index] |= within[rows].any(0)
    return {"precision": mean(precise), "recall": share(recalled), "density": mean(dense), "coverage": share(covered)}


def mean(values: Tensor) -> Estimate:
    """The mean of independent values ``(n,)``, with its standard error."""
    return Estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)))


def share(found: Tensor) -> Estimate:
    """How many real points are found by any part of the samples; bool ``(parts, points)``."""

    def by_any(parts: list[Tensor]) -> float:
        return torch.stack(parts).any(0).float().mean().item()

    parts = list(found)
    return Estimate(by_any(parts), error_without_each(parts, by_any))
