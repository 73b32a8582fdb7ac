"""The translator: down by four, residual blocks, up by four (Johnson et al. 2016; Zhu et al. 2017, appendix 7.2).

Differs from the paper in how it goes up: the nearest pixel, then a convolution (Odena et al. 2016), which leaves no
checkerboard. ``skip`` adds what the network makes to the picture itself, so that it begins by changing nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.translation.networks.frame import Frame
from sparring.translation.networks.layers import Doubling, PictureConvolution, ReflectedConvolution
from sparring.translation.networks.normalise import InstanceNorm

DOWN = 4  # times smaller in the middle: heights and widths are multiples of it
DEVIATION = 0.02  # of the weights at the beginning


class Block(nn.Module):
    """A residual block: x + f(x), f two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            ReflectedConvolution(channels, channels, 3, bias=False),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            ReflectedConvolution(channels, channels, 3, bias=False),
            InstanceNorm(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, channels, height, width)`` to the same shape."""
        changed: Tensor = features + self.change(features)
        return changed


class ResnetTranslator(nn.Module):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1] to pictures of the same shape and range.

    Heights and widths are multiples of four, at least 8.
    """

    def __init__(self, *, channels: int, width: int, blocks: int, upsampling: str, skip: bool, frame: bool) -> None:
        super().__init__()
        self.skip = skip
        self.frame = Frame(channels) if frame else None
        self.begin = nn.Sequential(
            ReflectedConvolution(channels, width, 7, bias=False), InstanceNorm(), nn.ReLU(inplace=True)
        )
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(wide, 2 * wide, 3, 2, 1, bias=False), InstanceNorm(), nn.ReLU(inplace=True))
            for wide in (width, 2 * width)
        )
        self.blocks = nn.ModuleList(Block(4 * width) for _ in range(blocks))
        self.up = nn.Sequential(larger(4 * width, upsampling), larger(2 * width, upsampling))
        self.end = PictureConvolution(width, channels, 7)
        self.apply(begin)
        if skip:
            nn.init.zeros_(self.end.weight)

    def forward(self, pictures: Tensor) -> Tensor:
        """The translations of pictures ``(batch, channels, height, width)``, float32 in [-1, 1]."""
        return self.redraw(self.framed(pictures))

    def framed(self, pictures: Tensor) -> Tensor:
        """Pictures ``(batch, channels, height, width)`` moved to be framed as those of the target domain."""
        framed: Tensor = self.frame(pictures) if self.frame else pictures
        return framed

    def unframed(self, made: Tensor, pictures: Tensor) -> Tensor:
        """What was ``made`` of ``pictures``, both ``(batch, channels, height, width)``, framed as these are."""
        unframed: Tensor = self.frame.back(made, pictures) if self.frame else made
        return unframed

    def redraw(self, pictures: Tensor) -> Tensor:
        """Translations of pictures ``(batch, channels, height, width)`` that are framed rightly, float32 in [-1, 1]."""
        features = self.begin(pictures)
        for layer in (*self.down, *self.blocks):
            features = layer(features)
        made: Tensor = self.end(self.up(features)).float()
        return torch.tanh(made + logits(pictures)) if self.skip else torch.tanh(made)

    @property
    def reach(self) -> int:
        """How far around itself a pixel sees, in pixels, the norms' statistics apart; a multiple of 4."""
        return 2 * DOWN * len(self.blocks) + 4 * DOWN

    def widths(self) -> list[int]:
        """The channels of each of :meth:`features`."""
        first = self.begin[0]
        assert isinstance(first, nn.Conv2d)
        width = first.out_channels
        return [first.in_channels, width, 2 * width, 4 * width, 4 * width]

    def features(self, pictures: Tensor) -> list[Tensor]:
        """What the contrastive loss compares (Park et al. 2020, section 3), ``(batch, channels, height, width)`` each:
        the pictures, what each step down makes of them, and what two thirds of the residual blocks have made of
        them."""
        features = [pictures, self.begin(pictures)]
        for layer in self.down:
            features.append(layer(features[-1]))
        deepest = features[-1]
        for layer in self.blocks[: max(1, 2 * len(self.blocks) // 3)]:
            deepest = layer(deepest)
        return [*features, deepest]


def larger(channels: int, upsampling: str) -> nn.Sequential:
    """Layers that make features twice as high and wide, with half the channels."""
    if upsampling == "transposed":
        grow: nn.Module = nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, output_padding=1, bias=False)
    else:
        grow = Doubling(channels, channels // 2)
    return nn.Sequential(grow, InstanceNorm(), nn.ReLU(inplace=True))


def begin(layer: nn.Module) -> None:
    """Initialise the weights of a convolution as Zhu et al. 2017 do."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, DEVIATION)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def logits(pictures: Tensor) -> Tensor:
    """What tanh makes pictures of any shape of, nearly: its ends are infinitely far away."""
    return (0.97 * pictures.float().clamp(-1, 1)).atanh()
