"""Pictures as the networks behind features see them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, normalize, pad

from sparring.metrics.features import Features

BLUR = 1.0  # pixels, the deviation of the Gaussian that pictures are blurred by before they are halved
SMALL = 16  # pixels of the longer side, above which pictures are halved again


def scaled(images: Tensor) -> Tensor:
    """Bytes ``(n, ...)`` as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def rgb(images: Tensor) -> Tensor:
    """Bytes ``(n, channels, height, width)`` as ``(n, 3, height, width)``: grey repeated, alpha left out."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]


def blurred_pixels(real: Tensor) -> Features:
    """Pixels as differences from the background, blurred, halved once and until no side is above 16 pixels, as vectors
    of unit length: their squared distance is twice one less the cosine between two pictures. The background is the
    median colour of ``real`` ones, bytes ``(n, channels, height, width)``."""
    background = real.transpose(0, 1).flatten(1).float().median(1).values[:, None, None]
    numbers = "-".join(str(int(value)) for value in background.flatten())

    def of(images: Tensor) -> Tensor:
        smaller = images.float() - background
        while True:
            smaller = halved(smaller)
            if max(smaller.shape[2:]) <= SMALL:
                return normalize(smaller.flatten(1))

    return Features("blurred pixels", f"background-{numbers}", of)


def halved(images: Tensor) -> Tensor:
    """Images ``(n, channels, height, width)`` blurred and, each side of which is more than 8 pixels, halved."""
    places = torch.arange(-3.0, 4.0)
    weights = (-places.square() / (2 * BLUR**2)).exp()
    weights = weights / weights.sum()
    channels = images.shape[1]
    padded = pad(images, [3, 3, 3, 3], mode="replicate")
    across = conv2d(padded, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    blurred = conv2d(across, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    steps = [2 if side > 8 else 1 for side in images.shape[2:]]
    return avg_pool2d(blurred, steps, ceil_mode=True)
