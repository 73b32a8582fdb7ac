"""The small convolutional network whose features examples are measured in, and the classifier on top of it; it looks
at pictures, or at spectrograms as if they were some."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from sparring.networks.trunks import convolution

DIMENSIONS = 64  # of the features: few, so that a few hundred pictures already give them a covariance
WIDTH = 16  # channels after the first convolution
LARGEST = 64  # pixels a side that it looks at, unless it learned from smaller pictures


def reduced(images: Tensor, largest: int) -> Tensor:
    """Images ``(n, channels, height, width)`` with no side above ``largest`` pixels, averaged."""
    height, width = images.shape[2:]
    if max(height, width) <= largest:
        return images
    return adaptive_avg_pool2d(images, (min(height, largest), min(width, largest)))


class Trunk(nn.Module):
    """Pictures ``(n, channels, height, width)`` in [-1, 1] to features ``(n, 64)``; it looks at ``largest`` pixels a
    side at most."""

    def __init__(self, channels: int, largest: int = LARGEST) -> None:
        super().__init__()
        self.largest = largest
        self.body = nn.Sequential(
            *convolution(channels, WIDTH, stride=2),
            *convolution(WIDTH, 2 * WIDTH, stride=1),
            *convolution(2 * WIDTH, 2 * WIDTH, stride=2),
            *convolution(2 * WIDTH, 4 * WIDTH, stride=2),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * WIDTH, DIMENSIONS),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(n, channels, height, width)`` in [-1, 1] to features ``(n, 64)``."""
        features: Tensor = self.body(reduced(images, self.largest))
        return features


class Head(nn.Module):
    """Features to ``outputs`` numbers: class logits, or a contrastive projection."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.ReLU(), nn.Linear(DIMENSIONS, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(n, 64)`` to ``(n, outputs)``."""
        result: Tensor = self.body(features)
        return result
