"""Small networks that bring features of each depth to where they are compared (Park et al. 2020, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from sparring.translation.networks.resnet import DEVIATION

NUMBERS = 256  # of a patch, once projected


class Projector(nn.Module):
    """Two layers for each depth; ``widths`` are the channels there."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, NUMBERS), nn.ReLU(inplace=True), nn.Linear(NUMBERS, NUMBERS))
            for width in widths
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, DEVIATION)
                nn.init.zeros_(layer.bias)

    def forward(self, depth: int, features: Tensor) -> Tensor:
        """``(..., channels)`` to ``(..., 256)``."""
        projected: Tensor = self.heads[depth](features)
        return projected
