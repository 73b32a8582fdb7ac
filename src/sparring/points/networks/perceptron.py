"""Two multilayer perceptrons, without normalisation: a generator of vectors and a judge of vectors."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


def perceptron(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    """``depth`` hidden layers of ``width`` leaky ReLUs, initialised to keep the scale (He et al. 2015)."""
    sizes = [inputs, *[width] * depth]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
    layers.append(nn.Linear(width, outputs))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / 1.04 / layer.in_features))
            nn.init.normal_(layer.bias)  # folds all over the plane, not through the origin alone
    return nn.Sequential(*layers)


class PointGenerator(nn.Module):
    """Latents ``(batch, latent)`` to points ``(batch, dimensions)``."""

    def __init__(self, *, latent: int, width: int, depth: int, dimensions: int) -> None:
        super().__init__()
        self.body = perceptron(latent, width, depth, dimensions)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        points: Tensor = self.body(latent)
        return points


class PointDiscriminator(nn.Module):
    """Points ``(batch, dimensions)`` to logits ``(batch,)``."""

    def __init__(self, *, width: int, depth: int, dimensions: int) -> None:
        super().__init__()
        self.body = perceptron(dimensions, width, depth, 1)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.squeeze(self.body(points), 1)
