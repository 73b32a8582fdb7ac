"""The layers of translators, computed in the cheapest of the ways that give the same numbers.

Plain ones leave most of a CPU idle: the three colours of a picture fill few of its vectors, and of features that were
doubled in size four pixels are alike. Both are computed at half of the height and width here, for squares of two by
two pixels at a time. Weights are those of the plain layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad, pixel_shuffle

from sparring.core.precision import bfloat16_units

SQUARE = [(column, 1 - column, row, 1 - row) for row in (0, 1) for column in (0, 1)]
"""What to pad a kernel with, to make it one pixel wider and higher: each of its four places in there."""


class ReflectedConvolution(nn.Conv2d):
    """A convolution that keeps the size, the picture reflected at its borders; ``kernel`` is odd."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, inputs, height, width)`` as ``(batch, outputs, height, width)``."""
        return conv2d(bordered(features, self.kernel_size[0] // 2, "reflect"), self.weight, self.bias)


class PictureConvolution(ReflectedConvolution):
    """A reflected convolution to few outputs, the colours of a picture; computed as one to four times as many, at half
    the height and width."""

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, inputs, height, width)`` as ``(batch, outputs, height, width)``."""
        if features.shape[2] % 2 or features.shape[3] % 2:
            return super().forward(features)
        weight = torch.stack([pad(self.weight, place) for place in SQUARE], 1).flatten(0, 1)
        bias = None if self.bias is None else self.bias.repeat_interleave(len(SQUARE))
        return pixel_shuffle(conv2d(bordered(features, self.kernel_size[0] // 2, "reflect"), weight, bias, 2), 2)


class Doubling(nn.Sequential):
    """Each pixel four times, then a reflected convolution of 3x3 (Odena et al. 2016); computed as one transposed
    convolution, whose kernel of 4x4 is the sum of the one of 3x3 over four places."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Upsample(scale_factor=2.0, mode="nearest"), ReflectedConvolution(inputs, outputs, 3, bias=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, inputs, height, width)`` as ``(batch, outputs, 2 height, 2 width)``."""
        plain = self.get_parameter("1.weight")
        weight = torch.stack([pad(plain, place) for place in SQUARE]).sum(0).flip(2, 3).transpose(0, 1)
        around = bordered(features, 1, "replicate")
        if features.dtype != torch.bfloat16:
            return conv_transpose2d(around, weight, stride=2, padding=3)
        if features.device.type == "cpu" and not bfloat16_units():
            # Without units PyTorch's transposed convolution rounds every sum on the way, and is slower than in float32
            with torch.autocast("cpu", enabled=False):
                return conv_transpose2d(around.float(), weight, stride=2, padding=3).bfloat16()
        # In bfloat16 a whole step is 5 % faster when the border is cut off afterwards; in float32, 3 % slower
        made = conv_transpose2d(around, weight, stride=2, padding=1)[:, :, 2:-2, 2:-2]
        return made.contiguous(memory_format=torch.channels_last)


def bordered(features: Tensor, border: int, mode: str) -> Tensor:
    """Features ``(batch, channels, height, width)`` with so many pixels around them, in the type that they have:
    autocast would make float32 of bfloat16 first."""
    with torch.autocast(features.device.type, enabled=False):
        return pad(features, (border,) * 4, mode=mode)
