"""What a likelihood is worth: the bits per dimension of a model that knows nothing of how dimensions go together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sparring.metrics.score import Metric

LEVELS = 256  # whole numbers that a dimension can be
CHUNK, COLUMNS = 512, 1 << 12  # examples, and their dimensions, counted at a time

HISTOGRAM_BITS = Metric(
    "histogram_bits", "low", "the same by independent histograms of the bytes: what is to be beaten"
)


class Histograms:
    """Independent histograms of each dimension of examples, whole numbers 0..255, which come in ``parts`` ``(n, ...)``:
    probabilities (count + 1) / (all + 256), Laplace's rule of succession."""

    def __init__(self, parts: Iterable[Tensor]) -> None:
        counts, examples, dimensions = torch.zeros(0, dtype=torch.int64), 0, 0
        for part in parts:
            cells = part.flatten(1).long().cpu()
            examples, dimensions = examples + len(cells), cells.shape[1]
            cells = cells + LEVELS * torch.arange(dimensions)
            found = torch.bincount(cells.flatten(), minlength=LEVELS * dimensions)
            counts = found if not len(counts) else counts + found
        self.bits = -((counts.view(dimensions, LEVELS) + 1.0).double() / (examples + LEVELS)).log2()

    def bits_per_dimension(self, examples: Tensor) -> Tensor:
        """Bits per dimension of each of the examples ``(m, ...)``, float64 ``(m,)``."""
        values = examples.flatten(1).long().cpu()
        return self.bits.gather(1, values.T).mean(0)


def bits_by_histograms(known: Tensor, examples: Tensor) -> Tensor:
    """Bits per dimension of each of the ``examples`` ``(m, ...)``, float64 ``(m,)``, by histograms of those that are
    ``known`` ``(n, ...)``, whole numbers 0..255 all; however many dimensions there are, a part of them at a time."""
    parts = [torch.split(each.flatten(1), COLUMNS, 1) for each in (known, examples)]
    bits = [
        Histograms(torch.split(one, CHUNK)).bits_per_dimension(other) * other.shape[1]
        for one, other in zip(*parts, strict=True)
    ]
    return torch.stack(bits).sum(0) / examples[0].numel()
