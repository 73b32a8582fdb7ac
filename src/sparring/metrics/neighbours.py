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

from sparring.metrics.score import Estimate, need

PRECISION_K, DENSITY_K = 3, 5
ENTRIES = 1 << 24  # distances held at a time: 128 MiB


def distances(queries: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances ``(some rows, len(points))``, in float64, until all queries had their turn."""
    rows = max(1, ENTRIES // len(points))
    centre = points.double().mean(0)  # near the origin the subtraction below loses less
    points = points.double() - centre
    norms = points.square().sum(1)
    for start in range(0, len(queries), rows):
        some = slice(start, min(start + rows, len(queries)))
        chunk = queries[some].double() - centre
        yield some, (chunk.square().sum(1)[:, None] + norms - 2 * chunk @ points.T).clamp_(min=0)


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

    Errors are those of a mean over independent points. Raises :class:`NotComputable` for fewer than 20 points.
    """
    need(len(samples), 4 * DENSITY_K)
    need(len(reference), len(samples), "real examples")
    reference = reference[: len(samples)]
    real, fake = (nearest(points, points, DENSITY_K, same=True)[0].square() for points in (reference, samples))
    precise, dense = torch.zeros(len(samples)), torch.zeros(len(samples))
    recalled, covered = torch.zeros(len(reference)), torch.zeros(len(reference))
    for some, squared in distances(samples, reference):
        precise[some] = (squared <= real[:, PRECISION_K - 1]).any(1).float()
        within = squared <= real[:, DENSITY_K - 1]
        dense[some] = within.sum(1) / DENSITY_K
        covered = torch.maximum(covered, within.any(0).float())
        recalled = torch.maximum(recalled, (squared <= fake[some, PRECISION_K - 1, None]).any(0).float())
    each = {"precision": precise, "recall": recalled, "density": dense, "coverage": covered}
    return {name: mean(values) for name, values in each.items()}


def mean(values: Tensor) -> Estimate:
    """Of independent values, with its standard error."""
    return Estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)))
