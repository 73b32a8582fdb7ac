"""The feature that lets a discriminator see how varied its batch is, against collapse."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BatchStatistics(nn.Module):
    """Appends one channel to ``(batch, channels, height, width)``: the standard deviation over the batch,
    averaged over features and places (minibatch standard deviation, Karras et al. 2018, section 3)."""

    def forward(self, features: Tensor) -> Tensor:
        """``(batch, channels + 1, height, width)``."""
        spread = (features.float().var(0, unbiased=False) + 1e-8).sqrt().mean()  # sqrt has no slope at 0
        batch, _, height, width = features.shape
        return torch.cat([features, spread.to(features.dtype).expand(batch, 1, height, width)], 1)
