"""The PatchGAN discriminator: a logit for each overlapping square of the picture (Isola et al. 2017; Zhu et al.
2017)."""

from __future__ import annotations

from torch import Tensor, nn

from sparring.translation.networks.normalise import InstanceNorm
from sparring.translation.networks.resnet import begin
from sparring.translation.recipes import PATCHES

WIDEST = 8  # times the first layer's channels


class PatchDiscriminator(nn.Module):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1] to logits ``(batch, patches)``.

    ``field`` is the side of the square that each logit sees, its receptive field, in pixels: one of ``PATCHES``.
    """

    def __init__(self, *, channels: int, width: int, field: str) -> None:
        super().__init__()
        strided = PATCHES[field]
        widths = [width * min(2**step, WIDEST) for step in range(strided + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for step in range(1, strided + 1):
            stride = 2 if step < strided else 1
            layers += [
                nn.Conv2d(widths[step - 1], widths[step], 4, stride, 1, bias=False),
                InstanceNorm(),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.apply(begin)

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``(batch, patches)`` of pictures ``(batch, channels, height, width)``; there are no labels."""
        logits: Tensor = self.layers(pictures)
        return logits.flatten(1)


def field_for(side: int) -> str:
    """A patch that fits pictures of ``side`` pixels at least: large enough for texture, too small for the whole."""
    return "16" if side < 48 else "34" if side < 96 else "70"
