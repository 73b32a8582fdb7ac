"""What the pairs share: how a label enters either player, how a generator's output is bounded, and the feature that
lets a discriminator see how varied its batch is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

EMBEDDING = 64  # numbers that a label becomes in the generator (Huang et al. 2024, section 4)


class ClampedFromOutside(torch.autograd.Function):
    """Values ``(...)`` cut to [-1, 1]. The gradient of one that is beyond passes where it leads back, and only there:
    no value is lost out there and none runs away (as at the bounds of Ballé et al. 2018)."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        """The values, cut."""
        context.save_for_backward(values)
        return values.clamp(-1, 1)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        """The gradient ``(...)``, but 0 where a step against it would lead further out."""
        (values,) = context.saved_tensors
        return gradient.masked_fill(((values > 1) & (gradient < 0)) | ((values < -1) & (gradient > 0)), 0)


def clamped(values: Tensor) -> Tensor:
    """Values ``(...)`` cut to [-1, 1] by :class:`ClampedFromOutside`; plainly where no gradient is asked for."""
    if not torch.is_grad_enabled():
        return values.clamp(-1, 1)
    cut: Tensor = ClampedFromOutside.apply(values)  # type: ignore[no-untyped-call]
    return cut


BOUNDS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "clamp": clamped,
    "free": lambda images: images,
}
"""What a generator's forward pass ends with, on float32 images: within [-1, 1] unless they are left free."""


class ConditionedLatent(nn.Module):
    """A latent ``(batch, latent)`` with its label's embedding appended; as it is where there are no classes."""

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, EMBEDDING) if classes else None
        self.features = latent + (EMBEDDING if classes else 0)

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """Latents ``(batch, latent)`` and labels ``(batch,)`` to ``(batch, features)``."""
        return latent if self.embedding is None else torch.cat([latent, self.embedding(labels)], 1)


class ProjectionHead(nn.Module):
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
        """Features ``(batch, features)`` and labels ``(batch,)`` to logits ``(batch,)``."""
        projected: Tensor = self.linear(features)
        return projected.squeeze(1) if self.embedding is None else (projected * self.embedding(labels)).sum(1)


class BatchStatistics(nn.Module):
    """Appends one channel to ``(batch, channels, height, width)``: the standard deviation over the batch, averaged over
    channels, rows and columns (minibatch standard deviation, Karras et al. 2018, section 3), against collapse."""

    across_batch = True

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, channels, height, width)`` to ``(batch, channels + 1, height, width)``."""
        spread = (features.float().var(0, unbiased=False) + 1e-8).sqrt().mean()  # sqrt has no slope at 0
        batch, _, height, width = features.shape
        return torch.cat([features, spread.to(features.dtype).expand(batch, 1, height, width)], 1)
