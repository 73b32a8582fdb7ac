"""Small networks that are trained with the translators and left behind when these are used."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.translation.networks.layers import PictureConvolution, ReflectedConvolution
from sparring.translation.networks.normalise import InstanceNorm
from sparring.translation.networks.resnet import DEVIATION, Block, begin, larger

PROJECTED = 256  # numbers of a patch, once projected
BLOCKS = 2  # residual ones of a predictor


class Projector(nn.Module):
    """Brings features of each depth to where patches are compared: two layers for each (Park et al. 2020, section 3).

    ``widths`` are the channels at each depth.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, PROJECTED), nn.ReLU(inplace=True), nn.Linear(PROJECTED, PROJECTED))
            for width in widths
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, DEVIATION)
                nn.init.zeros_(layer.bias)

    def forward(self, depth: int, features: Tensor) -> Tensor:
        """Features ``(..., channels)`` of that depth, projected to ``(..., 256)``."""
        projected: Tensor = self.heads[depth](features)
        return projected


class Predictor(nn.Module):
    """Two frames of a video ``(batch, channels, height, width)`` in [-1, 1] to the next, float32; sides are even.

    Bansal et al. 2018, section 3; a smaller network than their U-Net.
    """

    def __init__(self, *, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectedConvolution(2 * channels, width, 3, bias=False),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            *(Block(2 * width) for _ in range(BLOCKS)),
            larger(2 * width, "nearest"),
            PictureConvolution(width, channels, 3),
        )
        self.apply(begin)

    def forward(self, before: Tensor, now: Tensor) -> Tensor:
        """The frame after ``before`` and ``now``, all ``(batch, channels, height, width)`` in [-1, 1]."""
        following: Tensor = torch.tanh(self.layers(torch.cat([before, now], 1)).float())
        return following
