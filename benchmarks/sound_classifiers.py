"""Classifiers of spoken sounds that benchmarks read samples with: a convolutional network on log-mel spectrograms and
support vectors on their means, neither of them built as those that ``sparring evaluate`` learns."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, cross_entropy

BANDS, WINDOW, HOP = 48, 256, 64  # of the log-mel spectrogram; samples
LOWEST = 50.0  # hertz
FLOOR = 1e-4  # power that is told from silence
STAGES = (16, 32, 64)  # channels
BATCH, RATE = 64, 4e-3
SHIFT, GAIN, NOISE = 400, 0.3, (-4.5, -2.5)  # samples, powers of ten
SLOTS, COMPONENTS = 12, 60  # of the support vectors
CHUNK = 256  # sounds at a time


class LogMel:
    """Sounds ``(n, samples)`` at ``rate`` hertz to log-mel spectrograms ``(n, bands, frames)``."""

    def __init__(self, rate: int) -> None:
        low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST, rate / 2))
        edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
        at = np.linspace(0, rate / 2, WINDOW // 2 + 1)
        up = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        down = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
        self.triangles = torch.from_numpy(np.minimum(up, down).clip(0)).float()
        self.shape = torch.hann_window(WINDOW)

    def __call__(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, samples)`` as ``(n, bands, frames)``."""
        power = torch.stft(sounds, WINDOW, HOP, window=self.shape, return_complex=True).abs().square()
        return (self.triangles @ power / 100 + FLOOR).log()


class Network(nn.Module):
    """Log-mel spectrograms ``(n, bands, frames)`` to logits ``(n, classes)``: three stages of two 3x3 convolutions."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for after in STAGES:
            for given, groups in ((before, 1), (after, 4)):
                layers += [nn.Conv2d(given, after, 3, padding=1, groups=groups), nn.BatchNorm2d(after), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            before = after
        self.stages = nn.Sequential(*layers)
        self.narrow = nn.Linear(before * (BANDS // 2 ** len(STAGES)), before)
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(before, classes))

    def features(self, spectrograms: Tensor) -> Tensor:
        """Log-mel spectrograms ``(n, bands, frames)`` as 64 numbers each, ``(n, 64)``."""
        seen: Tensor = self.stages(spectrograms[:, None] / 3 + 1)
        narrowed: Tensor = self.narrow(seen.mean(3).flatten(1))
        return narrowed

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Log-mel spectrograms ``(n, bands, frames)`` to logits ``(n, classes)``."""
        logits: Tensor = self.head(self.features(spectrograms))
        return logits


def changed(sounds: Tensor) -> Tensor:
    """Sounds ``(n, samples)`` moved in time, louder or quieter, with noise: what a classifier should not mind."""
    moved = torch.roll(sounds, int(torch.randint(-SHIFT, SHIFT + 1, ())), 1)
    louder = moved * 10 ** torch.empty(len(sounds), 1).uniform_(-GAIN, GAIN)
    return louder + torch.randn_like(sounds) * 10 ** torch.empty(len(sounds), 1).uniform_(*NOISE)


class SoundNetwork:
    """A network that tells the labels ``(n,)`` of sounds ``(n, samples)``, trained so many epochs."""

    def __init__(self, sounds: Tensor, labels: Tensor, rate: int, epochs: int) -> None:
        torch.manual_seed(0)
        self.log_mel, self.network = LogMel(rate), Network(int(labels.max()) + 1)
        optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=1e-2)
        steps = math.ceil(len(sounds) / BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps)
        for _ in range(epochs):
            for chosen in torch.split(torch.randperm(len(sounds)), BATCH):
                loss = cross_entropy(self.network(self.log_mel(changed(sounds[chosen]))), labels[chosen])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        self.network.eval()

    def features(self, sounds: Tensor) -> Tensor:
        """Features ``(n, 64)`` of sounds ``(n, samples)``."""
        return self.in_chunks(self.network.features, sounds)

    def probabilities(self, sounds: Tensor) -> Tensor:
        """Probabilities ``(n, classes)`` of the labels of sounds ``(n, samples)``."""
        return self.in_chunks(self.network, sounds).softmax(1)

    def classify(self, sounds: Tensor) -> Tensor:
        """The likeliest labels ``(n,)`` of sounds ``(n, samples)``."""
        return self.probabilities(sounds).argmax(1)

    @torch.no_grad()
    def in_chunks(self, function: Callable[[Tensor], Tensor], sounds: Tensor) -> Tensor:
        """The function of the log-mel spectrograms of sounds ``(n, samples)``, some at a time."""
        return torch.cat([function(self.log_mel(part)) for part in torch.split(sounds, CHUNK)])


class SupportVectors:
    """Support vectors that tell the labels ``(n,)`` of sounds ``(n, samples)`` by their mean spectra over time."""

    def __init__(self, sounds: Tensor, labels: Tensor, rate: int) -> None:
        self.log_mel = LogMel(rate)
        self.machine = make_pipeline(
            StandardScaler(), PCA(COMPONENTS, random_state=0), StandardScaler(), SVC(C=10, random_state=0)
        )
        self.machine.fit(self.pooled(sounds), labels.numpy())

    def pooled(self, sounds: Tensor) -> np.ndarray:
        """Means of bands in slots of time, and means and deviations over all of it, ``(n, bands * (slots + 2))``."""
        parts = []
        for part in torch.split(sounds, CHUNK):
            bands = self.log_mel(part)
            parts.append(torch.cat([adaptive_avg_pool1d(bands, SLOTS).flatten(1), bands.mean(2), bands.std(2)], 1))
        numbers: np.ndarray = torch.cat(parts).numpy()
        return numbers

    def classify(self, sounds: Tensor) -> Tensor:
        """The labels ``(n,)`` of sounds ``(n, samples)``."""
        return torch.from_numpy(self.machine.predict(self.pooled(sounds)))
