"""What a likelihood is worth: the bits per dimension of a model that knows nothing of how dimensions go together."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 256  # whole numbers that a dimension can be


class Histograms:
    """Independent histograms of each dimension of examples, whole numbers 0..255 ``(n, ...)``: probabilities (count +
    1) / (n + 256), Laplace's rule of succession."""

    def __init__(self, examples: Tensor) -> None:
        values = examples.flatten(1).long().cpu()
        dimensions = values.shape[1]
        cells = values + LEVELS * torch.arange(dimensions)
        counts = torch.bincount(cells.flatten(), minlength=LEVELS * dimensions).view(dimensions, LEVELS)
        self.bits = -((counts + 1.0).double() / (len(values) + LEVELS)).log2()

    def bits_per_dimension(self, examples: Tensor) -> Tensor:
        """Bits per dimension of each of the examples ``(m, ...)``, float64 ``(m,)``."""
        values = examples.flatten(1).long().cpu()
        return self.bits.gather(1, values.T).mean(0)
