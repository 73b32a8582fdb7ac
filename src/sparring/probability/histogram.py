"""What a likelihood is worth: the bits per dimension of a model that knows nothing of how dimensions go together."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 256  # whole numbers that a dimension can be
CHUNK = 512  # examples counted at a time


class Histograms:
    """Independent histograms of each dimension of examples, whole numbers 0..255 ``(n, ...)``: probabilities (count +
    1) / (n + 256), Laplace's rule of succession."""

    def __init__(self, examples: Tensor) -> None:
        dimensions = examples[0].numel()
        counts = torch.zeros(LEVELS * dimensions, dtype=torch.long)
        for part in torch.split(examples, CHUNK):
            cells = part.flatten(1).long().cpu() + LEVELS * torch.arange(dimensions)
            counts += torch.bincount(cells.flatten(), minlength=len(counts))
        self.bits = -((counts.view(dimensions, LEVELS) + 1.0).double() / (len(examples) + LEVELS)).log2()

    def bits_per_dimension(self, examples: Tensor) -> Tensor:
        """Bits per dimension of each of the examples ``(m, ...)``, float64 ``(m,)``."""
        values = examples.flatten(1).long().cpu()
        return self.bits.gather(1, values.T).mean(0)
