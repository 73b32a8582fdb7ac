"""What features of sounds are learned by: a classifier where there are labels, contrast where there are none; from
log-mel spectrograms, which a small network looks at as at pictures."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.audio.data import AudioSource
from sparring.audio.features.log_mel import LogMel
from sparring.audio.form import FULL
from sparring.features.keeping import Seen
from sparring.features.learning import CODE, Learned, alike, learn, others, steps_for
from sparring.kind import Say

BANDS = PIXELS = 32  # bands that the trunk looks at, and slots of time
MOST = 20_000  # sounds, spread over the source; read once and kept in memory
BATCH, PAIRS = 128, 64  # sounds of a step that a classifier learns from, and contrast, which takes two views of each
SHIFT = 0.08  # of the length, that sounds are moved by
GAIN = 6.0  # decibels, that they are made louder or quieter by
NOISE = (1e-4, 3e-3)  # the least and the most, of amplitude 1, that is added


def seen_at(rate: int) -> Seen:
    """What brings sounds ``(n, channels, samples)`` at ``rate`` hertz to what the trunk sees, ``(n, 1, bands, frames)``
    in [-1, 1]."""
    log_mel = LogMel(rate, BANDS)
    return lambda sounds: 2 * log_mel(sounds) - 1


class Views:
    """Sounds ``(n, channels, samples)`` int16 as they are learned from: moved, louder or quieter, with some noise."""

    def __init__(self, sounds: Tensor, rate: int, device: torch.device) -> None:
        self.sounds, self.device, self.seen = sounds, device, seen_at(rate)
        self.numbers = torch.Generator().manual_seed(0)

    def __call__(self, chosen: np.ndarray) -> Tensor:
        """A view of each of the sounds at ``chosen`` ``(n,)``, ``(n, 1, bands, frames)``."""
        sounds = self.sounds[chosen].float() / FULL
        count, length = len(sounds), sounds.shape[2]
        places = torch.arange(length) - (self.uniform(count, -1, 1) * SHIFT * length).long()
        inside = (places >= 0) & (places < length)
        moved = sounds.gather(2, places.clamp(0, length - 1).expand_as(sounds)) * inside
        louder = moved * 10 ** (self.uniform(count, -GAIN, GAIN) / 20)
        amount = 10 ** self.uniform(count, math.log10(NOISE[0]), math.log10(NOISE[1]))
        noise = amount * torch.randn(sounds.shape, generator=self.numbers)
        return self.seen((louder + noise).to(self.device))

    def uniform(self, count: int, low: float, high: float) -> Tensor:
        """Random numbers ``(count, 1, 1)`` from ``low`` to ``high``."""
        return low + (high - low) * torch.rand((count, 1, 1), generator=self.numbers)


def classifier(source: AudioSource, tested: np.ndarray, device: torch.device, say: Say) -> Learned:
    """Networks that tell the source's labels, and how often they are right about the sounds at ``tested`` ``(m,)``,
    which they do not learn from."""
    random = np.random.default_rng(0)
    sounds, labels = known(source, others(len(source), tested, MOST))
    views = Views(sounds, source.form.rate, device)

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(sounds), size=min(BATCH, len(sounds)))
        with torch.autocast(device.type, enabled=False):
            seen = views(chosen)
        return cross_entropy(head(trunk(seen)).float(), labels[chosen].to(device))

    learned = learn(1, PIXELS, len(source.form.labels), loss, steps_for(len(source)), device, say)
    unseen, wanted = known(source, tested)
    return learned.tested([views.seen(part.to(device).float() / FULL) for part in torch.split(unseen, BATCH)], wanted)


def contrast(source: AudioSource, device: torch.device, say: Say) -> Learned:
    """A trunk to which two views of one sound look alike and all others do not."""
    random = np.random.default_rng(0)
    sounds, _ = known(source, random.permutation(len(source))[:MOST])
    views = Views(sounds, source.form.rate, device)

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(sounds), size=min(PAIRS, len(sounds)))
        with torch.autocast(device.type, enabled=False):
            seen = torch.cat([views(chosen), views(chosen)])
        return alike(head(trunk(seen)))

    return learn(1, PIXELS, CODE, loss, steps_for(len(source)), device, say)


def known(source: AudioSource, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    """The sounds at ``indices``, int16 ``(n, channels, samples)``, and their labels ``(n,)``, empty where there are
    none."""
    batch = source.batch(indices)
    return batch["sounds"], batch.get("labels", torch.empty(0, dtype=torch.int64))
