"""In which features the distance to training pictures tells how odd a picture is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sparring.images.features.learned import random_features
from sparring.images.features.lite0 import installed, lite0
from sparring.images.features.pixels import blurred_pixels
from sparring.metrics.features import Features, in_chunks

FITTED = 512  # pictures that random convolutions are fitted to


def novelty_features(real: Tensor, device: torch.device) -> Features:
    """Of grey pictures blurred pixels. Of colour ones pretrained features, or blurred pixels where these are not
    installed, beside random convolutions, as vectors of unit length each: the former see what is shown, the latter
    noise and colours. They are fitted to ``real`` bytes ``(n, channels, height, width)``."""
    if real.shape[1] < 3:
        return blurred_pixels(real)
    shown = lite0(device) if installed() else blurred_pixels(real)
    texture = random_features(real[:FITTED], device)
    seen = in_chunks(texture.of, real)
    mean, deviation = seen.mean(0), seen.std(0).clamp(min=1e-6)
    first = unit(shown.of, shown.narrow)

    def of(images: Tensor) -> Tensor:
        return torch.cat([first(images), normalize((texture.of(images).cpu() - mean) / deviation)], 1)

    return Features(f"{shown.name} and {texture.name}", f"{shown.hash}-{texture.hash}", of)


def unit(features: Callable[[Tensor], Tensor], first: int) -> Callable[[Tensor], Tensor]:
    """Features as vectors of unit length, of their ``first`` dimensions, or of all where that is 0."""
    return lambda images: normalize(features(images)[:, : first or None].cpu())
