"""What the fresh discriminator of points reads them by: waves of several lengths. A perceptron on coordinates alone
learns slowly what is narrow (Tancik et al. 2020): of 25 Gaussians it told half of the pairs apart that this one
does."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sparring.networks.trunks import FEATURES

OCTAVES = 5  # of waves; the longest is four deviations of the data long


class Waves(nn.Module):
    """Points ``(n, dimensions)``, centred and scaled, with sine and cosine of each coordinate at every octave, ``(n, 11
    * dimensions)``."""

    def __init__(self, centre: tuple[float, ...], scale: float) -> None:
        super().__init__()
        self.centre, self.scale = centre, scale

    def forward(self, points: Tensor) -> Tensor:
        """Waves ``(n, 11 * dimensions)`` of points ``(n, dimensions)``."""
        scaled = (points.float() - torch.tensor(self.centre, device=points.device)) / self.scale
        speeds = math.pi / 2 * 2.0 ** torch.arange(OCTAVES, device=points.device)
        phases = (scaled[..., None] * speeds).flatten(1)
        return torch.cat([scaled, phases.sin(), phases.cos()], 1)


def trunk(centre: tuple[float, ...], scale: float) -> nn.Module:
    """Points ``(n, dimensions)`` to features ``(n, 128)``."""
    layers: list[nn.Module] = [Waves(centre, scale)]
    for before in ((1 + 2 * OCTAVES) * len(centre), FEATURES, FEATURES, FEATURES):
        layers += [nn.Linear(before, FEATURES), nn.ReLU()]
    return nn.Sequential(*layers)
