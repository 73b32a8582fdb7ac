"""The values that real data can have. Pictures of 17 grey levels are told from generated ones of 256 by their values
alone, whatever they show; before a network tells real from generated examples, both are brought to the same values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOST = 256  # different values that make a grid; data with more have none


@dataclass(frozen=True)
class Grid:
    """The ``values`` ``(n,)`` that real examples have, ascending; None where they are too many to be a grid."""

    values: Tensor | None

    def snap(self, examples: Tensor) -> Tensor:
        """Examples ``(n, ...)`` with every number moved to the nearest of the values."""
        if self.values is None:
            return examples
        between = (self.values[1:].double() + self.values[:-1].double()) / 2
        return self.values[torch.bucketize(examples.double().contiguous(), between)]


def grid_of(real: Tensor) -> Grid:
    """The grid of comparable real examples ``(n, ...)`` that are bytes or numbers of floating point, which mean nearly
    the same as their nearest neighbours; whole numbers of other kinds, such as characters, have none, nor has what
    hardly ever holds a value twice."""
    if not (real.dtype == torch.uint8 or real.is_floating_point()):
        return Grid(None)
    values = torch.unique(real)
    return Grid(values if len(values) <= min(MOST, real.numel() // 2) else None)
