"""WaveGAN: convolutions of 25 taps and stride 4 on waveforms (Donahue et al. 2019, appendix D).

As in the paper: no normalisation, ReLUs and a tanh in the generator, leaky ReLUs and phase shuffle in the
discriminator, whose periodic artefacts would otherwise give the generator's upsampling away.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad, relu

from sparring.networks.layers import ConditionedLatent, ProjectionHead

TAPS, STRIDE = 25, 4
START = 16  # samples that the generator begins with, at least
WIDEST = 16  # most channels, as a multiple of the width
SHUFFLED = 2  # samples that phase shuffle moves features by, at most
SLOPE = 0.2


def lengths(samples: int) -> list[int]:
    """Lengths from full size down, each a quarter (rounded up) of the one before, none below ``START``."""
    found = [samples]
    while found[-1] > START or len(found) == 1:
        found.append(-(-found[-1] // STRIDE))
    return found


def widths(layers: int, width: int) -> list[int]:
    """Channels after 1, 2, ... layers of the discriminator."""
    return [width * min(2**layer, WIDEST) for layer in range(layers)]


class WaveGenerator(nn.Module):
    """Latents ``(batch, latent)``, labels ``(batch,)`` -> sounds ``(batch, channels, samples)`` in [-1, 1], float32."""

    def __init__(self, *, latent: int, samples: int, channels: int, classes: int = 0, width: int = 16) -> None:
        super().__init__()
        self.latent = ConditionedLatent(latent, classes)
        self.lengths = lengths(samples)[::-1]
        up = widths(len(self.lengths) - 1, width)[::-1]
        self.start = (up[0], self.lengths[0])
        self.first = nn.Linear(self.latent.features, math.prod(self.start))
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(before, after, TAPS, stride=STRIDE, padding=11, output_padding=1)
            for before, after in zip(up, [*up[1:], channels], strict=True)
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents ``(batch, latent)`` and labels ``(batch,)`` to sounds ``(batch, channels, samples)``."""
        x: Tensor = self.first(self.latent(latent, labels)).view(-1, *self.start)
        for up, length in zip(self.ups, self.lengths[1:], strict=True):
            x = up(relu(x))[:, :, :length]
        return torch.tanh(x.float())


class WaveDiscriminator(nn.Module):
    """Sounds ``(batch, channels, samples)``, labels ``(batch,)`` -> logits ``(batch,)``."""

    def __init__(self, *, samples: int, channels: int, classes: int = 0, width: int = 16) -> None:
        super().__init__()
        sizes = lengths(samples)
        down = widths(len(sizes) - 1, width)
        self.downs = nn.ModuleList(
            nn.Conv1d(before, after, TAPS, stride=STRIDE, padding=12)
            for before, after in zip([channels, *down[:-1]], down, strict=True)
        )
        self.verdict = ProjectionHead(down[-1] * sizes[-1], classes, projected=down[-1])

    def forward(self, sounds: Tensor, labels: Tensor | None = None) -> Tensor:
        """Sounds ``(batch, channels, samples)`` and labels ``(batch,)`` to logits ``(batch,)``."""
        *before, last = self.downs
        for down in before:
            sounds = leaky_relu(down(sounds), SLOPE)
            sounds = shuffled(sounds) if self.training else sounds
        logits: Tensor = self.verdict(leaky_relu(last(sounds), SLOPE).flatten(1), labels)
        return logits


def shuffled(features: Tensor) -> Tensor:
    """Features ``(batch, channels, time)`` moved by a random number of places, up to ``SHUFFLED`` either way and the
    same for the whole batch, mirrored at the edge (phase shuffle, section 3.3 of the paper)."""
    by = int(torch.randint(-SHUFFLED, SHUFFLED + 1, ()))
    length = features.shape[2]
    padded = pad(features, (max(by, 0), max(-by, 0)), mode="reflect")
    return padded[:, :, :length] if by >= 0 else padded[:, :, -length:]
