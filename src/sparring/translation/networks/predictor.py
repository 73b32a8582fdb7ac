"""What comes next: the frame after two (Bansal et al. 2018, section 3; a smaller network than their U-Net)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.translation.networks.normalise import InstanceNorm
from sparring.translation.networks.resnet import Block, begin, convolution, larger

BLOCKS = 2


class Predictor(nn.Module):
    """Two frames ``(batch, channels, height, width)`` in [-1, 1] to the next, float32; sides are even."""

    def __init__(self, *, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(2 * channels, width, 3, bias=False),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            *(Block(2 * width) for _ in range(BLOCKS)),
            larger(2 * width, "nearest"),
            convolution(width, channels, 3),
        )
        self.apply(begin)

    def forward(self, before: Tensor, now: Tensor) -> Tensor:
        """The next one."""
        made: Tensor = torch.tanh(self.layers(torch.cat([before, now], 1)).float())
        return made
