"""R3GAN, written from the paper: Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the GAN! A Modern
GAN Baseline", NeurIPS 2024 (sections 3.2 and 4, appendix with table 9).

Residual blocks of 1x1, grouped 3x3, 1x1; no normalisation; biases only before activations; bilinear
resampling. The paper's nets start from a learned 4x4 grid; ours from ``height / 2^(stages - 1)``, so that
other sizes and shapes work too. Upsampling repeats the edge where the paper's pads with zeros.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, pad

from sparring.core.errors import UserError
from sparring.networks.layers import BOUNDS, ConditionedLatent, ProjectionHead

BLOCKS = 2  # per resolution
EXPANSION = 2  # channels inside a block, relative to those between blocks
GROUP = 16  # channels of one group of the 3x3 convolution
SLOPE = 0.2


class Block(nn.Module):
    """``x + conv1x1(act(grouped conv3x3(act(conv1x1(x)))))``, the last convolution zero at first.

    The others are N(0, gain^2 / fan in) with gain = sqrt(2 / (1 + 0.2^2)) * blocks^(-1/4): Fixup (Zhang et al.
    2019) for branches of three layers. Raises :class:`UserError` for a width that groups of 16 do not divide.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        inner = channels * EXPANSION
        if inner % GROUP:
            raise UserError(
                f"widths: {channels} cannot be grouped by {GROUP}; choose multiples of {GROUP // EXPANSION}"
            )
        self.expand = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // GROUP)
        self.contract = nn.Conv2d(inner, channels, 1, bias=False)
        gain = math.sqrt(2 / (1 + SLOPE**2)) * blocks**-0.25
        for layer in (self.expand, self.mix):
            scaled_normal(layer, gain)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.contract.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, channels, height, width)`` to features of the same shape."""
        inner = leaky_relu(self.mix(leaky_relu(self.expand(x), SLOPE)), SLOPE)
        return x + self.contract(inner)  # type: ignore[no-any-return]


def scaled_normal(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights N(0, gain^2 / fan in)."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))


def plain(before: int, after: int) -> nn.Module:
    """A 1x1 convolution without bias where the number of channels changes."""
    if before == after:
        return nn.Identity()
    layer = nn.Conv2d(before, after, 1, bias=False)
    scaled_normal(layer)
    return layer


def upsample(x: Tensor) -> Tensor:
    """Twice the height and width of ``(batch, channels, height, width)``, bilinear: the kernel [1, 3, 3, 1] / 4 along
    each axis."""
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def downsample(x: Tensor) -> Tensor:
    """Half the height and width of ``(batch, channels, height, width)``, bilinear: [1, 3, 3, 1] / 8 along each axis, as
    three averages of two."""
    return avg_pool2d(avg_pool2d(avg_pool2d(pad(x, [1, 1, 1, 1]), 2, 1), 2, 1), 2)


def smallest_grid(height: int, width: int, stages: int) -> tuple[int, int]:
    """(height, width) of the coarsest grid. Raises :class:`UserError` for a size that doublings cannot reach."""
    doublings = 2 ** (stages - 1)
    if height % doublings or width % doublings:
        raise UserError(
            f"size: R3GAN with {stages} widths makes sides that {doublings} divides, not {height}x{width}; "
            "choose another --size, fewer --widths, or --network lean"
        )
    return height // doublings, width // doublings


def stage(channels: int, stages: int) -> nn.Sequential:
    """The blocks of one resolution, in a network of ``stages`` resolutions."""
    return nn.Sequential(*(Block(channels, BLOCKS * stages) for _ in range(BLOCKS)))


class R3GANGenerator(nn.Module):
    """Latents ``(batch, latent)``, labels ``(batch,)`` -> images ``(batch, channels, height, width)``, float32.

    ``widths`` are the channels at each resolution, smallest first; ``bound`` is one of ``BOUNDS``. Raises
    :class:`UserError` for a size or widths that it cannot have.
    """

    def __init__(
        self,
        *,
        latent: int,
        height: int,
        width: int,
        channels: int,
        widths: Sequence[int],
        classes: int = 0,
        bound: str = "free",
    ) -> None:
        super().__init__()
        self.bound = bound
        self.latent = ConditionedLatent(latent, classes)
        grid = smallest_grid(height, width, len(widths))
        self.basis = nn.Parameter(torch.randn(widths[0], *grid))
        self.scale = nn.Linear(self.latent.features, widths[0], bias=False)
        scaled_normal(self.scale)
        self.stages = nn.ModuleList(stage(channels, len(widths)) for channels in widths)
        self.changes = nn.ModuleList(plain(*pair) for pair in pairwise(widths))
        self.paint = nn.Conv2d(widths[-1], channels, 1, bias=False)
        scaled_normal(self.paint)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents ``(batch, latent)`` and labels ``(batch,)`` to images ``(batch, channels, height, width)``."""
        scale = self.scale(self.latent(latent, labels))
        x = scale[:, :, None, None] * self.basis
        x = self.stages[0](x)
        for change, blocks in zip(self.changes, self.stages[1:], strict=True):
            x = blocks(upsample(change(x)))
        images: Tensor = self.paint(x)
        return BOUNDS[self.bound](images.float())


class R3GANDiscriminator(nn.Module):
    """Images ``(batch, channels, height, width)``, labels ``(batch,)`` -> logits ``(batch,)``: the generator's mirror
    image."""

    def __init__(self, *, height: int, width: int, channels: int, widths: Sequence[int], classes: int = 0) -> None:
        super().__init__()
        grid = smallest_grid(height, width, len(widths))
        down = list(widths)[::-1]
        self.look = nn.Conv2d(channels, down[0], 1, bias=False)
        scaled_normal(self.look)
        self.stages = nn.ModuleList(stage(channels, len(down)) for channels in down)
        self.changes = nn.ModuleList(plain(*pair) for pair in pairwise(down))
        self.gather = nn.Conv2d(down[-1], down[-1], grid, groups=down[-1], bias=False)
        scaled_normal(self.gather)
        self.verdict = ProjectionHead(down[-1], classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(batch, channels, height, width)`` and labels ``(batch,)`` to logits ``(batch,)``."""
        x = self.look(images)
        x = self.stages[0](x)
        for change, blocks in zip(self.changes, self.stages[1:], strict=True):
            x = blocks(change(downsample(x)))
        logits: Tensor = self.verdict(self.gather(x).flatten(1), labels)
        return logits
