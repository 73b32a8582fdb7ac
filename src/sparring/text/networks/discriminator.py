"""The discriminators: one gives a logit for a whole line, one after every token. Both know the label.

They read lines as embeddings ``(batch, length, channels)``: those that the generator had learned when the adversarial
phase began, kept as they were then. Penalties and noise on what a discriminator reads have a meaning among embeddings
that they do not have among numbers of tokens; ScratchGAN (de Masson d'Autume et al. 2019) found embeddings learned
before to be essential.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

WINDOWS = (2, 3, 4, 5)  # tokens
REACHES = (1, 2, 4, 8, 16)  # tokens that a layer looks back


class ProjectionHead(nn.Module):
    """Features to logits, by the projection of Miyato & Koyama (2018) where there are labels."""

    def __init__(self, features: int, labels: int) -> None:
        super().__init__()
        self.out = nn.Linear(features, 1)
        self.labels = nn.Embedding(labels, features) if labels else None
        if self.labels is not None:
            nn.init.zeros_(self.labels.weight)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch, ...)`` of features ``(batch, ..., features)`` under labels ``(batch,)``."""
        logits: Tensor = self.out(features)[..., 0]
        if self.labels is None:
            return logits
        wanted: Tensor = self.labels(labels).reshape(len(features), *[1] * (features.ndim - 2), -1)
        return logits + (wanted * features).sum(-1)


class TextDiscriminator(nn.Module):
    """What both have in common: the embeddings ``table`` ``(tokens, channels)``, which are kept and never learned, and
    whether it is ``ready``: has been given them, and so has begun to learn."""

    table: Tensor
    ready: Tensor

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.randn(tokens, channels))
        self.register_buffer("ready", torch.tensor(False))

    def take_embeddings(self, vectors: Tensor) -> None:
        """Read lines by these embeddings ``(tokens, channels)`` from now on, brought to unit deviation; it is ``ready``
        now."""
        self.table.copy_(vectors / vectors.std())
        self.ready.fill_(True)


class LineDiscriminator(TextDiscriminator):
    """Windows of a few tokens, the strongest response of each (Kim 2014): one logit a line."""

    def __init__(self, *, tokens: int, channels: int, labels: int, width: int, dropout: float) -> None:
        super().__init__(tokens, channels)
        self.windows = nn.ModuleList(nn.Conv1d(channels, width, size) for size in WINDOWS)
        features = width * len(WINDOWS)
        self.mix = nn.Sequential(nn.Linear(features, features), nn.LeakyReLU(0.2), nn.Dropout(dropout))
        self.end = ProjectionHead(features, labels)

    def forward(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch,)`` of lines as embeddings ``(batch, length, channels)``."""
        padded = pad(vectors.transpose(1, 2), (WINDOWS[-1] - 1, 0))
        strongest = [leaky_relu(window(padded), 0.2).amax(2) for window in self.windows]
        logits: Tensor = self.end(self.mix(torch.cat(strongest, 1)), labels)
        return logits


class TokenDiscriminator(TextDiscriminator):
    """Convolutions that look to the left alone, each twice as far as the one before (van den Oord et al. 2016): a logit
    after every token, of the line so far; after its end, of all of it."""

    def __init__(self, *, tokens: int, channels: int, labels: int, width: int, dropout: float) -> None:
        super().__init__(tokens, channels)
        features = width * len(WINDOWS)
        self.enter = nn.Conv1d(channels, features, 1)
        self.layers = nn.ModuleList(nn.Conv1d(features, features, 2, dilation=reach) for reach in REACHES)
        self.dropout = nn.Dropout(dropout)
        self.end = ProjectionHead(features, labels)

    def forward(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(batch, length)`` of lines as embeddings ``(batch, length, channels)``."""
        features = self.enter(vectors.transpose(1, 2))
        for layer, reach in zip(self.layers, REACHES, strict=True):
            features = features + leaky_relu(layer(pad(features, (reach, 0))), 0.2)
        logits: Tensor = self.end(self.dropout(features.transpose(1, 2)), labels)
        return logits
