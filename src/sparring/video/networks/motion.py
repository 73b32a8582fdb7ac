"""Codes of motion: what changes over a generated clip, from random numbers along time, at whatever times are asked for.

Sums of waves and recurrent codes are stationary: what they give from any time on is as random as what they give from
the start, so that a clip can be longer than those that were learned from. Either can be told the time, too.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.networks.layers import EMBEDDING

HIDDEN = 64  # channels of the networks that make codes
OCTAVES = 4  # that the waves of a code span
SLOPE = 0.2


class MotionCode(nn.Module):
    """Random numbers ``(batch, length, latent)`` -> codes ``(batch, times, features)`` at ``times`` ``(batch, times)``,
    in frames from the start, 0 or more."""

    features: int

    @abstractmethod
    def length(self, last: int) -> int:
        """How many random vectors it takes to give codes up to frame ``last``."""

    @abstractmethod
    def forward(self, noise: Tensor, times: Tensor, labels: Tensor | None) -> Tensor:
        """Noise ``(batch, length, latent)``, times ``(batch, times)`` in frames and labels ``(batch,)`` to codes
        ``(batch, times, features)``."""


def with_labels(noise: Tensor, embedding: nn.Embedding | None, labels: Tensor | None) -> Tensor:
    """Noise ``(batch, length, latent)`` with the embedding of the label appended to each vector."""
    if embedding is None:
        return noise
    return torch.cat([noise, embedding(labels)[:, None].expand(-1, noise.shape[1], -1)], 2)


class FourierMotion(MotionCode):
    """Sums of waves, at any real time, that never repeat (after the acyclic positional encoding of Skorokhodov et al.
    2022, section 3.1).

    Every ``period`` frames there is an anchor, with random numbers of its own; a convolution over three of them gives
    each anchor the amplitude and the phase of every wave, and where the code is. Between two anchors these are blended
    so that they vary as much as at the anchors: a plain mean would vary half as much half way, by which a generator
    could tell one time from another. For the same reason each clip's waves began at some time of its own before frame
    0. The quickest wave takes ``period`` frames, the slowest ``2 ** OCTAVES`` times that.
    """

    def __init__(self, *, latent: int, features: int, period: int, classes: int = 0) -> None:
        super().__init__()
        self.features, self.period = features, period
        self.embedding = nn.Embedding(classes, EMBEDDING) if classes else None
        self.anchors = nn.Conv1d(latent + (EMBEDDING if classes else 0), HIDDEN, 3)
        self.places = nn.Linear(HIDDEN, features)
        self.amplitudes, self.phases = nn.Linear(HIDDEN, features), nn.Linear(HIDDEN, features)
        for layer in (self.anchors, self.places, self.amplitudes, self.phases):
            nn.init.normal_(layer.weight, std=math.sqrt(1 / layer.weight[0].numel()))
        octaves = torch.linspace(0, OCTAVES, features)
        self.register_buffer("frequencies", 2 * math.pi / (period * 2**octaves), persistent=False)

    frequencies: Tensor

    def length(self, last: int) -> int:
        """An anchor at or before frame 0, one after ``last``, and one beside each of these two."""
        return last // self.period + 4

    def forward(self, noise: Tensor, times: Tensor, labels: Tensor | None) -> Tensor:
        """Noise ``(batch, length, latent)``, times ``(batch, times)`` in frames and labels ``(batch,)`` to codes
        ``(batch, times, features)``."""
        known = with_labels(noise, self.embedding, labels)
        anchors = leaky_relu(self.anchors(known.transpose(1, 2)), SLOPE).transpose(1, 2)  # (batch, anchors, hidden)

        # The anchors before and after each time, and how much of each there is
        times = times.to(anchors.dtype)
        before = (times / self.period).floor().long()
        share = (times / self.period - before)[..., None]
        left, right = (at(anchors, index) for index in (before, before + 1))  # (batch, times, hidden)
        length = ((1 - share).square() + share.square()).sqrt()

        # What both say, blended, and the waves that it makes
        place, amplitude, phase = (
            ((1 - share) * one + share * other) / length
            for layer in (self.places, self.amplitudes, self.phases)
            for one, other in [(layer(left), layer(right))]
        )
        began = (0.5 + 0.5 * (noise[:, :1, 0] / math.sqrt(2)).erf()) * self.period * 2**OCTAVES
        code: Tensor = place + amplitude * (self.frequencies * (began + times)[..., None] + phase).sin()
        return code


class TimedMotion(MotionCode):
    """Another code, and how far a frame is from the start of a clip of so many ``frames``: for clips that have a
    beginning and an end. The waves that tell it are even, so that after the end of a clip its time runs back to the
    start, and forth again."""

    WAVES = 4

    def __init__(self, code: MotionCode, *, frames: int) -> None:
        super().__init__()
        self.code, self.features = code, code.features + self.WAVES
        self.register_buffer("frequencies", math.pi / (frames - 1) * torch.arange(1, self.WAVES + 1), persistent=False)

    frequencies: Tensor

    def length(self, last: int) -> int:
        """As of the other code."""
        return self.code.length(last)

    def forward(self, noise: Tensor, times: Tensor, labels: Tensor | None) -> Tensor:
        """Noise ``(batch, length, latent)``, times ``(batch, times)`` in frames and labels ``(batch,)`` to codes
        ``(batch, times, features)``."""
        return torch.cat([self.code(noise, times, labels), (times[..., None] * self.frequencies).cos()], 2)


def at(sequence: Tensor, index: Tensor) -> Tensor:
    """The vectors of ``(batch, length, features)`` at positions ``(batch, times)``, ``(batch, times, features)``."""
    return sequence.gather(1, index[..., None].expand(-1, -1, sequence.shape[2]))


class RecurrentMotion(MotionCode):
    """A gated recurrent unit that takes fresh random numbers with every frame (Tulyakov et al. 2018, section 3.1);
    times are rounded to whole frames."""

    WARMING_UP = 16  # steps before frame 0, so that the start is no other than the rest

    def __init__(self, *, latent: int, features: int, classes: int = 0) -> None:
        super().__init__()
        self.features = features
        self.embedding = nn.Embedding(classes, EMBEDDING) if classes else None
        self.unit = nn.GRU(latent + (EMBEDDING if classes else 0), features, batch_first=True)

    def length(self, last: int) -> int:
        """A vector for each frame, and those of the steps before."""
        return self.WARMING_UP + last + 1

    def forward(self, noise: Tensor, times: Tensor, labels: Tensor | None) -> Tensor:
        """Noise ``(batch, length, latent)``, times ``(batch, times)`` in frames and labels ``(batch,)`` to codes
        ``(batch, times, features)``."""
        codes, _ = self.unit(with_labels(noise, self.embedding, labels))
        return at(codes, self.WARMING_UP + times.round().long())
