"""What the players see of a sound, and the way back: its spectrogram, as logarithms of magnitudes or as compressed
complex numbers, or the waveform itself.

The penalties on the discriminator's gradient are taken on what its first layer sees. On waveforms they would be a
thousand to ten million times stronger, and mostly about silence.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

# Decibels, 0 for a partial of amplitude 1, between which magnitudes are told apart
QUIETEST, LOUDEST = -80.0, -6.0
COMPRESSION = 0.3  # exponent of magnitudes in complex spectrograms
LEAST_POWER = 1e-8  # added to squared magnitudes: their roots have no slope at 0
GAIN = 2.0  # brings compressed numbers of usual loudness to a deviation of some 0.5
MOMENTUM = 0.99  # of the phase iterations


class Representation(Protocol):
    """What the players see of sounds ``(n, channels, samples)``."""

    shape: tuple[int, ...]
    """Of one example: ``(channels, bins, frames)`` or ``(channels, samples)``."""
    silence: float
    """What an example holds where nothing sounds."""
    extent: float
    """How far the numbers of an example are from 0 at most, or nearly all of them."""

    def encode(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` in [-1, 1] as examples ``(n, *shape)``."""

    def decode(self, examples: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` of examples ``(n, *shape)``, as near as there are any."""

    def louder(self, examples: Tensor, decibels: Tensor) -> Tensor:
        """Examples ``(n, ...)`` of sounds that are louder by decibels ``(n,)``."""


class Waveform:
    """Sounds as they are."""

    silence, extent = 0.0, 1.0

    def __init__(self, channels: int, samples: int) -> None:
        self.shape: tuple[int, ...] = (channels, samples)

    def encode(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)``."""
        return sounds

    def decode(self, examples: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)``."""
        return examples

    def louder(self, examples: Tensor, decibels: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` louder by decibels ``(n,)``."""
        return examples * (10 ** (decibels / 20)).view(-1, 1, 1)


class ShortTime:
    """The short-time Fourier transform of sounds and its inverse: a Hann ``window`` of so many samples every ``hop``,
    which divides it.

    There are ``samples / hop`` frames (rounded up), each centred on its hop, so that a network of halving layers meets
    even numbers. Amplitudes are scaled so that a partial of amplitude 1 has magnitude 1. The bin at half the rate is
    left out.
    """

    def __init__(self, samples: int, window: int, hop: int) -> None:
        self.samples, self.window, self.hop = samples, window, hop
        self.bins, self.frames = window // 2, math.ceil(samples / hop)
        self.margin = (window - hop) // 2
        self.total = (self.frames - 1) * hop + window  # samples that all frames cover
        shape = torch.hann_window(window, device="cpu")  # also where networks are built on no device
        self._window, self._scale = shape, 2 / float(shape.sum())
        self._overlap = self._added(shape.square().expand(1, self.frames, window)).clamp(min=1e-3)

    def forward(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, samples)`` as complex numbers ``(n, frames, bins)``."""
        padded = pad(sounds, (self.margin, self.total - self.margin - self.samples))
        frames = padded.unfold(1, self.window, self.hop) * (self._window * self._scale).to(sounds.device)
        spectrum: Tensor = torch.fft.rfft(frames, dim=2)
        return spectrum[:, :, :-1]

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Sounds ``(n, samples)`` whose transform is nearest to complex numbers ``(n, frames, bins)`` (Griffin & Lim
        1984, eq. 6)."""
        frames = torch.fft.irfft(spectrum, n=self.window, dim=2) * (self._window / self._scale).to(spectrum.device)
        sounds = self._added(frames) / self._overlap.to(spectrum.device)
        return sounds[:, self.margin : self.margin + self.samples]

    def _added(self, frames: Tensor) -> Tensor:
        """Frames ``(n, frames, window)`` laid over each other, each a hop after the one before, ``(n, total)``."""
        parts = frames.reshape(len(frames), self.frames, -1, self.hop)
        hops = parts.shape[2]  # of a window
        added = frames.new_zeros(len(frames), self.frames + hops - 1, self.hop)
        for part in range(hops):
            added[:, part : part + self.frames] += parts[:, :, part]
        return added.flatten(1)


class LogMagnitude:
    """Magnitudes in decibels, from ``QUIETEST`` to ``LOUDEST`` as [-1, 1]; phases are found by iteration."""

    silence, extent = -1.0, 1.0

    def __init__(self, channels: int, transform: ShortTime, iterations: int) -> None:
        self.transform, self.iterations = transform, iterations
        self.shape: tuple[int, ...] = (channels, transform.bins, transform.frames)

    def encode(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` as examples ``(n, channels, bins, frames)`` in [-1, 1]."""
        with torch.autocast(sounds.device.type, enabled=False):
            magnitudes = self.transform.forward(sounds.float().flatten(0, 1)).abs()
        decibels = 20 * (magnitudes + 10 ** (QUIETEST / 20)).log10()
        examples = 2 * (decibels - QUIETEST) / (LOUDEST - QUIETEST) - 1
        return examples.clamp(max=1).transpose(1, 2).reshape(-1, *self.shape)

    def decode(self, examples: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` whose magnitudes are nearest to those of examples ``(n, channels, bins,
        frames)``."""
        decibels = (examples.float().clamp(-1, 1) + 1) / 2 * (LOUDEST - QUIETEST) + QUIETEST
        magnitudes = 10 ** (decibels / 20) - 10 ** (QUIETEST / 20)
        sounds = with_phases(magnitudes.flatten(0, 1).transpose(1, 2).contiguous(), self.transform, self.iterations)
        return sounds.view(-1, self.shape[0], self.transform.samples)

    def louder(self, examples: Tensor, decibels: Tensor) -> Tensor:
        """Examples ``(n, channels, bins, frames)`` louder by decibels ``(n,)``; silence stays what it is."""
        by = 2 * decibels.view(-1, 1, 1, 1) / (LOUDEST - QUIETEST)
        return (examples + by * (5 * (examples + 1)).clamp(0, 1)).clamp(max=1)


class Complex:
    """Complex numbers X as X |X|^(c - 1) with c = 0.3, their real and imaginary parts as channels; no phase is lost."""

    silence, extent = 0.0, GAIN

    def __init__(self, channels: int, transform: ShortTime) -> None:
        self.transform = transform
        self.shape: tuple[int, ...] = (2 * channels, transform.bins, transform.frames)

    def encode(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` as examples ``(n, 2 * channels, bins, frames)``."""
        with torch.autocast(sounds.device.type, enabled=False):
            parts = torch.view_as_real(self.transform.forward(sounds.float().flatten(0, 1)))
        power = parts.square().sum(-1, keepdim=True) + LEAST_POWER
        compressed = GAIN * parts * power ** ((COMPRESSION - 1) / 2)
        return compressed.permute(0, 3, 2, 1).reshape(-1, *self.shape)

    def decode(self, examples: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` whose transform is nearest to examples ``(n, 2 * channels, bins,
        frames)``."""
        bins, frames = self.shape[1:]
        parts = examples.float().reshape(-1, 2, bins, frames).permute(0, 3, 2, 1) / GAIN
        power = expanded(parts.square().sum(-1, keepdim=True))
        numbers = parts * (power + LEAST_POWER) ** ((1 - COMPRESSION) / 2)
        sounds = self.transform.inverse(torch.view_as_complex(numbers.contiguous()))
        return sounds.view(-1, self.shape[0] // 2, self.transform.samples)

    def louder(self, examples: Tensor, decibels: Tensor) -> Tensor:
        """Examples ``(n, 2 * channels, bins, frames)`` louder by decibels ``(n,)``."""
        return examples * (10 ** (COMPRESSION * decibels / 20)).view(-1, 1, 1, 1)


def expanded(compressed: Tensor) -> Tensor:
    """The squared magnitudes p ``(...)`` of which p (p + ``LEAST_POWER``)^(c - 1) is known ``(...)``: from below, by
    iteration, which only those near ``LEAST_POWER`` need."""
    power = torch.maximum(compressed ** (1 / COMPRESSION), compressed * LEAST_POWER ** (1 - COMPRESSION))
    for _ in range(3):
        power = compressed * (power + LEAST_POWER) ** (1 - COMPRESSION)
    return power


def with_phases(magnitudes: Tensor, transform: ShortTime, iterations: int) -> Tensor:
    """Sounds ``(n, samples)`` with these magnitudes ``(n, frames, bins)``: phases that agree from frame to frame are
    approached by so many ``iterations`` (Griffin & Lim 1984, with the momentum of Perraudin et al. 2013), from random
    ones, the same for every sound."""
    turns = torch.rand(magnitudes.shape[1:], generator=torch.Generator().manual_seed(0)).to(magnitudes.device)
    phases = torch.polar(torch.ones_like(magnitudes), 2 * math.pi * turns.expand_as(magnitudes))
    before = torch.zeros_like(phases)
    for _ in range(iterations):
        projected = transform.forward(transform.inverse(magnitudes * phases))
        phases = (projected - before * (MOMENTUM / (1 + MOMENTUM))).sgn()
        before = projected
    return transform.inverse(magnitudes * phases)
