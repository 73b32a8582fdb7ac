"""Augmentation of what the discriminator sees of sounds: earlier or later, louder or quieter.

Both leave a sound the kind of sound that it is; a change of pitch or speed, or a gap, would be learned as part of it.
Examples are log-magnitude or complex spectrograms ``(batch, channels, bins, frames)`` or waveforms ``(batch, channels,
samples)``; everything is differentiable, twice, alike for real and generated ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.audio.representation import Representation
from sparring.core.game import Step

FURTHEST = 0.1  # of the length, that sounds are moved by
MOST = 6.0  # decibels, that sounds are made louder or quieter by


def moved(examples: Tensor, by: Tensor, fill: float) -> Tensor:
    """Examples ``(batch, ..., time)`` later by so many places ``(batch,)``, ``fill`` coming in."""
    length = examples.shape[-1]
    places = torch.arange(length, device=examples.device) - by[:, None].long()
    outside = (places < 0) | (places >= length)
    shape = (len(examples), *[1] * (examples.ndim - 2), length)
    index = places.clamp(0, length - 1).view(shape).expand_as(examples)
    return examples.gather(-1, index).masked_fill(outside.view(shape), fill)


class SoundAugment:
    """Time shift by up to a tenth, gain by up to 6 dB, each with a probability, of examples as ``seen`` represents
    sounds."""

    def __init__(self, seen: Representation) -> None:
        self.seen = seen

    def __call__(self, examples: Tensor, p: float, step: Step) -> Tensor:
        """Examples ``(batch, ...)``, each change made with probability ``p`` in [0, 1]; 0 returns them as they are."""
        if p <= 0:
            return examples
        furthest = FURTHEST * examples.shape[-1]
        by = ((step.uniform() * 2 - 1) * furthest).round() * (step.uniform() < p)
        decibels = (step.uniform() * 2 - 1) * MOST * (step.uniform() < p)
        return self.seen.louder(moved(examples, by, self.seen.silence), decibels)

    def always(self, examples: Tensor, step: Step) -> Tensor:
        """Examples ``(batch, ...)``, all of them changed."""
        return self(examples, 1.0, step)
