"""The discriminators: one judges a line as a whole, one after every unit. Both know the label.

They read lines as vectors ``(batch, places, channels)``: those that the generator had learned when the second act
began, kept as they were then. Penalties and noise on what a judge reads have a meaning among vectors that they do not
have among numbers of units; ScratchGAN (de Masson d'Autume et al. 2019) found vectors learned before to be essential.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

WINDOWS = (2, 3, 4, 5)  # units
REACHES = (1, 2, 4, 8, 16)  # units that a layer looks back


class Labelled(nn.Module):
    """Features to logits, by the projection of Miyato & Koyama (2018) where there are labels."""

    def __init__(self, features: int, labels: int) -> None:
        super().__init__()
        self.out = nn.Linear(features, 1)
        self.labels = nn.Embedding(labels, features) if labels else None
        if self.labels is not None:
            nn.init.zeros_(self.labels.weight)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch, ...)`` of features ``(batch, ..., features)``."""
        logits: Tensor = self.out(features)[..., 0]
        if self.labels is None:
            return logits
        wanted: Tensor = self.labels(labels).reshape(len(features), *[1] * (features.ndim - 2), -1)
        return logits + (wanted * features).sum(-1)


class Judge(nn.Module):
    """Vectors that can be taken from a table; the table is kept, never learned."""

    table: Tensor
    ready: Tensor

    def __init__(self, units: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.randn(units, channels))
        self.register_buffer("ready", torch.tensor(False))

    def take(self, vectors: Tensor) -> None:
        """Read by these vectors ``(units, channels)`` from now on, with unit deviation; now it is ``ready``."""
        self.table.copy_(vectors / vectors.std())
        self.ready.fill_(True)


class LineJudge(Judge):
    """Windows of a few units, the strongest response of each (Kim 2014): one logit a line."""

    def __init__(self, *, units: int, channels: int, labels: int, width: int, dropout: float) -> None:
        super().__init__(units, channels)
        self.windows = nn.ModuleList(nn.Conv1d(channels, width, size) for size in WINDOWS)
        features = width * len(WINDOWS)
        self.mix = nn.Sequential(nn.Linear(features, features), nn.LeakyReLU(0.2), nn.Dropout(dropout))
        self.end = Labelled(features, labels)

    def forward(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch,)``."""
        padded = pad(vectors.transpose(1, 2), (WINDOWS[-1] - 1, 0))
        found = [leaky_relu(window(padded), 0.2).amax(2) for window in self.windows]
        logits: Tensor = self.end(self.mix(torch.cat(found, 1)), labels)
        return logits


class UnitJudge(Judge):
    """Convolutions that look to the left alone, each twice as far as the one before (van den Oord et al. 2016): a logit
    after every unit, of the line so far; after its end, of all of it."""

    def __init__(self, *, units: int, channels: int, labels: int, width: int, dropout: float) -> None:
        super().__init__(units, channels)
        features = width * len(WINDOWS)
        self.enter = nn.Conv1d(channels, features, 1)
        self.layers = nn.ModuleList(nn.Conv1d(features, features, 2, dilation=reach) for reach in REACHES)
        self.dropout = nn.Dropout(dropout)
        self.end = Labelled(features, labels)

    def forward(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch, places)``."""
        found = self.enter(vectors.transpose(1, 2))
        for layer, reach in zip(self.layers, REACHES, strict=True):
            found = found + leaky_relu(layer(pad(found, (reach, 0))), 0.2)
        logits: Tensor = self.end(self.dropout(found.transpose(1, 2)), labels)
        return logits
