"""Pictures as the networks behind features see them."""

from __future__ import annotations

from torch import Tensor


def scaled(images: Tensor) -> Tensor:
    """Bytes ``(n, ...)`` as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def rgb(images: Tensor) -> Tensor:
    """Bytes ``(n, channels, height, width)`` as ``(n, 3, height, width)``: grey repeated, alpha left out."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]
