"""A generator of clips: one code for what is seen, one for how it moves, and a decoder that makes frame after frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.networks.layers import clamped
from sparring.networks.lean import LeanGenerator
from sparring.video.networks.motion import MotionCode


class DirectGenerator(nn.Module):
    """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` in frames and
    labels ``(batch,)`` -> frames ``(batch, times, channels, height, width)``, float32, of real clips in [-1, 1].

    Content is the same at all times, motion is not (Tulyakov et al. 2018, section 3). Each time is decoded for itself,
    by the lean generator of pictures, so that any of them can be made without the others. Without a ground frames are
    not bounded: most of many clips is a ground of one colour, and a bound that it lies on would have no slope there for
    anything else to begin from.

    With a ``ground`` another such generator makes one from the content alone, once a clip, and what is drawn of each
    frame has an opacity before it (Vondrick et al. 2016, section 2.2, by convolutions over time). So what stands still
    is learned once and stands still by itself, and what moves may take any form. What is drawn is nearly clear at
    first: else scenes are learned as a part of what moves, and become others within a clip. Frames are then cut to
    [-1, 1] by a bound that always leads back.
    """

    CLEAR = -3.0  # the logit of opacity that training begins with: 5 %

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
        ground: bool = False,
    ) -> None:
        super().__init__()
        self.motion = motion

        def decoder(latent: int, channels: int) -> LeanGenerator:
            return LeanGenerator(
                latent=latent, height=height, width=width, channels=channels, classes=classes, base=base
            )

        self.ground = decoder(latent, channels) if ground else None
        self.decoder = decoder(latent + motion.features, channels + ground)
        if ground:
            nn.init.constant_(self.decoder.ups[-1].bias[-1:], self.CLEAR)  # type: ignore[index]

    def forward(self, content: Tensor, noise: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
        """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` and labels
        ``(batch,)`` to frames ``(batch, times, channels, height, width)``."""
        count = times.shape[1]
        with torch.autocast(content.device.type, enabled=False):  # a clip's times need all of float32, and are few
            codes = self.motion(noise, times, labels)
        latents = torch.cat([content[:, None].expand(-1, count, -1), codes], 2).flatten(0, 1)
        each_frame = None if labels is None else labels.repeat_interleave(count)
        drawn: Tensor = self.decoder(latents, each_frame)
        drawn = drawn.view(*times.shape, *drawn.shape[1:])
        if self.ground is None:
            return drawn
        ground: Tensor = self.ground(content, labels)[:, None]
        return clamped(torch.lerp(ground, drawn[:, :, :-1], drawn[:, :, -1:].sigmoid()))
