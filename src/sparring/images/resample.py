"""Pictures looked up at other places, differentiable as often as one likes: penalties on gradients need it twice.

Torch before 2.13 differentiates ``grid_sample`` once. The look-up is linear in the pictures, so its derivative is the
transposed look-up, and the derivative of that is the look-up again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

BILINEAR, REFLECTED = 0, 2  # how aten numbers them


def resample(images: Tensor, grid: Tensor) -> Tensor:
    """Images ``(batch, channels, height, width)`` at the places of ``grid`` ``(batch, height, width, 2)`` in [-1, 1],
    bilinear, reflected at their edges. No gradient reaches ``grid``."""
    found: Tensor = Lookup.apply(images, grid)  # type: ignore[no-untyped-call]
    return found


class Lookup(torch.autograd.Function):
    """The bilinear look-up, linear in the images ``(batch, channels, height, width)``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        """Images ``(batch, channels, height, width)`` at ``grid`` ``(batch, height, width, 2)``."""
        ctx.save_for_backward(grid)
        ctx.size = images.shape[2:]
        return grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The transposed look-up of gradients ``(batch, channels, height, width)``."""
        (grid,) = ctx.saved_tensors
        return Transposed.apply(gradient, grid, ctx.size), None  # type: ignore[no-untyped-call]


class Transposed(torch.autograd.Function):
    """The transpose of :class:`Lookup`: what was found is given back to where it came from."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, size: torch.Size) -> Tensor:
        """Gradients ``(batch, channels, height, width)`` spread over images of ``size`` (height, width)."""
        ctx.save_for_backward(grid)
        images = gradient.new_zeros(*gradient.shape[:2], *size)
        spread: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            gradient.contiguous(), images, grid, BILINEAR, REFLECTED, False, [True, False]
        )[0]
        return spread

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The look-up again, of gradients ``(batch, channels, height, width)``."""
        (grid,) = ctx.saved_tensors
        return resample(gradient, grid), None, None
