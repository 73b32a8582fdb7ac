"""What flows of couplings share, whatever they change: the order of both directions, and the density of latents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)
EDGE = 1e-7  # of [0, 1], within which a number of float32 is no latent any more


def ordered(couplings: nn.ModuleList, kind: type[Layer], inverse: bool) -> list[Layer]:
    """Couplings, all of one ``kind``, in the order from examples to latents, or back."""
    found = [cast(Layer, coupling) for coupling in couplings]
    return found[::-1] if inverse else found


def replaced(values: Tensor, moved: Sequence[int], changed: Tensor) -> Tensor:
    """Values ``(batch, channels, ...)`` with the channels ``moved`` as they became."""
    values = values.clone()
    values[:, list(moved)] = changed
    return values


def quantiles(values: Tensor) -> Tensor:
    """The standard normal quantiles of values in [0, 1], of any shape."""
    found: Tensor = torch.special.ndtri(values.clamp(EDGE, 1 - EDGE))
    return found


def log_normal(latents: Tensor) -> Tensor:
    """The logarithm of the standard normal density of latents ``(batch, latent)``, in nats, ``(batch,)``."""
    return -0.5 * (latents.square() + math.log(2 * math.pi)).sum(1)
