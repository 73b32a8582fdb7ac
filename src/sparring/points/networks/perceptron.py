"""Two multilayer perceptrons, without normalisation: a generator of vectors and a discriminator of vectors.

The generator's units saturate (tanh). Its map from a connected latent to separate modes must be flat on each mode
and steep between two; tanh is flat and steep by nature, while a leaky ReLU has to grow large weights that cancel.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

TANH_GAIN = 2.2  # more than the 5/3 that would keep the scale of activations: borders begin steep
LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))  # the same through leaky ReLUs of slope 0.2 (He et al. 2015)


def perceptron(
    inputs: int, width: int, depth: int, outputs: int, activation: nn.Module, gain: float, spread: float
) -> nn.Sequential:
    """``depth`` hidden layers of ``width`` units with weights N(0, gain^2 / fan in) and biases N(0, spread^2), which
    lay the units' folds all over the plane, not through the origin alone; then a linear layer."""
    layers: list[nn.Module] = []
    for before, after in pairwise([inputs, *[width] * depth]):
        layer = nn.Linear(before, after)
        nn.init.normal_(layer.weight, std=gain / math.sqrt(before))
        nn.init.normal_(layer.bias, std=spread)
        layers += [layer, activation]
    last = nn.Linear(width, outputs)
    nn.init.normal_(last.weight, std=1 / math.sqrt(width))
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class PointGenerator(nn.Module):
    """Latents ``(batch, latent)`` to points ``(batch, dimensions)``."""

    def __init__(self, *, latent: int, width: int, depth: int, dimensions: int) -> None:
        super().__init__()
        self.body = perceptron(latent, width, depth, dimensions, nn.Tanh(), TANH_GAIN, spread=0.5)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        points: Tensor = self.body(latent)
        return points


class PointDiscriminator(nn.Module):
    """Points ``(batch, dimensions)`` to logits ``(batch,)``."""

    def __init__(self, *, width: int, depth: int, dimensions: int) -> None:
        super().__init__()
        self.body = perceptron(dimensions, width, depth, 1, nn.LeakyReLU(0.2), LEAKY_GAIN, spread=1.0)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.squeeze(self.body(points), 1)
