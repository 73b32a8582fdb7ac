"""Trunks of the fresh discriminator that ``sparring calibrate`` trains: examples as files hold them, to features.

They are no player's network, on purpose: what one architecture cannot see, its generator need not get right.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

WIDTH = 32  # channels after the first convolution
MIDDLE, SMALLEST = 8, 4  # pixels of the longer side: two convolutions look at pictures of the one, none at less
DROPOUT = 0.3
FEATURES = 128  # numbers that a trunk gives


class Trunk(nn.Module):
    """``body`` of what ``seen`` makes of examples ``(n, ...)``: features ``(n, 128)``."""

    def __init__(self, body: nn.Module, seen: Callable[[Tensor], Tensor] = Tensor.float) -> None:
        super().__init__()
        self.seen, self.body = seen, body

    def forward(self, examples: Tensor) -> Tensor:
        """Features ``(n, 128)`` of examples ``(n, ...)``."""
        features: Tensor = self.body(self.seen(examples))
        return features


def of_numbers(count: int) -> nn.Module:
    """A perceptron on ``count`` numbers of each example ``(n, ...)``, centred and scaled by their batch."""
    layers: list[nn.Module] = [nn.Flatten(), nn.BatchNorm1d(count)]
    for before in (count, FEATURES, FEATURES):
        layers += [nn.Linear(before, FEATURES), nn.ReLU()]
    return nn.Sequential(*layers)


def of_pictures(channels: int, height: int, width: int) -> nn.Module:
    """Convolutions on pictures ``(n, channels, height, width)``: of stride 2 until the longer side is no more than 8,
    two of stride 1 there, and of stride 2 with twice the channels each until it is no more than 4."""
    sides, before, after = (height, width), channels, WIDTH
    layers: list[nn.Module] = []
    while max(sides) > MIDDLE:
        layers += convolution(before, after, 2)
        sides, before = halved(sides), after
    layers += [*convolution(before, after, 1), *convolution(after, after, 1)]
    while max(sides) > SMALLEST:
        before, after = after, 2 * after
        layers += convolution(before, after, 2)
        sides = halved(sides)
    flat = after * math.prod(sides)
    head = (nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(flat, FEATURES), nn.ReLU(), nn.Dropout(DROPOUT))
    return nn.Sequential(*layers, *head)


def convolution(before: int, after: int, stride: int) -> list[nn.Module]:
    """The layers of one convolution of 3x3, with batch norm and ReLU."""
    return [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]


def halved(sides: tuple[int, int]) -> tuple[int, int]:
    """The sides after a convolution of stride 2."""
    return (sides[0] + 1) // 2, (sides[1] + 1) // 2
