"""A generator of clips: a ground that is made once a clip, and what is before it, drawn anew in each frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.networks.lean import LeanGenerator
from sparring.video.networks.direct import DirectGenerator
from sparring.video.networks.motion import MotionCode


class ForegroundGenerator(nn.Module):
    """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` in frames and
    labels ``(batch,)`` -> frames ``(batch, times, channels, height, width)``, float32, of real clips in [-1, 1].

    The lean generator of pictures makes a ground from the content alone. A direct generator draws each frame anew from
    content and motion, and with it how opaque each of its pixels is before the ground (Vondrick et al. 2016, section
    2.2, where it is done by convolutions over time). So what stands still is learned once and stands still by itself,
    and what moves may take any form. Neither is bounded, as in :class:`DirectGenerator`.
    """

    def __init__(
        self,
        motion: MotionCode,
        *,
        latent: int,
        height: int,
        width: int,
        channels: int,
        classes: int = 0,
        base: int = 32,
    ) -> None:
        super().__init__()
        self.ground = LeanGenerator(
            latent=latent, height=height, width=width, channels=channels, classes=classes, base=base
        )
        self.foreground = DirectGenerator(
            motion, latent=latent, height=height, width=width, channels=channels + 1, classes=classes, base=base
        )

    @property
    def motion(self) -> MotionCode:
        """The code of what moves."""
        return self.foreground.motion

    def forward(self, content: Tensor, noise: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
        """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` and labels
        ``(batch,)`` to frames ``(batch, times, channels, height, width)``."""
        ground: Tensor = self.ground(content, labels)[:, None]
        drawn: Tensor = self.foreground(content, noise, times, labels)
        return torch.lerp(ground, drawn[:, :, :-1], drawn[:, :, -1:].sigmoid())
