"""Conditioning on a class: how a label enters a generator, and how it enters a discriminator's verdict."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

EMBEDDING = 64  # numbers that a label becomes in the generator (Huang et al. 2024, section 4)


class ConditionedLatent(nn.Module):
    """A latent ``(batch, latent)`` with its label's embedding appended; as it is where there are no classes."""

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, EMBEDDING) if classes else None
        self.features = latent + (EMBEDDING if classes else 0)

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """``(batch, features)``."""
        return latent if self.embedding is None else torch.cat([latent, self.embedding(labels)], 1)


class Verdict(nn.Module):
    """Features ``(batch, features)`` to logits ``(batch,)``.

    Without classes a linear layer; with them the product of the projected features and the label's embedding
    (the projection discriminator of Miyato & Koyama 2018, without its unconditional term, as Huang et al. 2024).
    """

    def __init__(self, features: int, classes: int, projected: int | None = None) -> None:
        super().__init__()
        projected = projected or features
        self.linear = nn.Linear(features, projected if classes else 1, bias=False)
        self.embedding = nn.Embedding(classes, projected) if classes else None
        nn.init.normal_(self.linear.weight, std=1 / math.sqrt(features))
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(projected))

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        projected: Tensor = self.linear(features)
        return projected.squeeze(1) if self.embedding is None else (projected * self.embedding(labels)).sum(1)
