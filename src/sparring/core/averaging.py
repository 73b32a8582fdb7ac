"""Running averages of a player's weights: what is sampled, shared and judged."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def average_of(network: nn.Module) -> nn.Module:
    """A copy of ``network`` that no gradient will ever reach."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, examples: int, half_life: float) -> None:
    """Move ``average`` towards ``network``: what it held weighs half as much after ``half_life`` more examples.

    The decay of one step is 0.5^(examples / half_life) (Karras et al. 2020, appendix B); a half-life of 0 copies.
    Buffers (running statistics, resampling kernels) are copied, not averaged.
    """
    decay = 0.5 ** (examples / half_life) if half_life > 0 else 0.0
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - decay)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
