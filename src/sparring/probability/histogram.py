"""What a likelihood is worth: the bits per dimension of a model that knows nothing of how dimensions go together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

LEVELS = 256  # whole numbers that a dimension can be
CHUNK = 512  # examples counted at a time


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
