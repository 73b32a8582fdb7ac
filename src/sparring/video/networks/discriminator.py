"""A discriminator of clips that is shown a few frames and the time between them."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from sparring.core.convolution import Conv2d
from sparring.networks.layers import ProjectionHead
from sparring.networks.lean import SLOPE, LeanDiscriminator, grids, initialise, widths

ALONE = 2  # halvings, by means or by convolutions, that each frame goes through by itself


class FrameDiscriminator(LeanDiscriminator):
    """The lean discriminator of pictures, on clips of a single frame ``(batch, 1, channels, height, width)``."""

    def forward(self, clips: Tensor, labels: Tensor | None = None) -> Tensor:
        """Clips ``(batch, 1, channels, height, width)`` and labels ``(batch,)`` to logits ``(batch,)``."""
        return super().forward(clips.flatten(0, 1), labels)


class ClipDiscriminator(nn.Module):
    """Frames ``(batch, seen, channels, height, width)`` and conditions int64 ``(batch, 1 + seen)``, a label and the
    time of each frame -> logits ``(batch,)``.

    Each frame is halved twice by itself; from there on all are seen together, side by side as channels, and the logit
    depends on the gaps between their times by a projection, as on a label (Skorokhodov et al. 2022, section 3.3); of a
    ``timed`` one on the time of the first, too. That is nine times cheaper than convolutions over time on all frames of
    a clip. ``classes`` is 0 where labels are not looked at.

    ``of_frames``, where it is asked for, is a discriminator of single frames ``(batch, 1, channels, height, width)``,
    which takes no part in these logits; with ``batch_statistics`` it sees how varied its batch is. What is fine can be
    left to it: where ``halved``, that of clips sees the means of two by two pixels (as Clark et al. 2019 do), in which
    there is less of the noise that is new in every frame of a real video.
    """

    across_batch = False  # of its own logits; those of frames may be

    def __init__(
        self,
        *,
        seen: int,
        height: int,
        width: int,
        channels: int,
        frames: int,
        classes: int = 0,
        base: int = 32,
        of_frames: bool = False,
        batch_statistics: bool = False,
        halved: bool = False,
        timed: bool = False,
    ) -> None:
        super().__init__()
        self.frames, self.halved, self.timed = frames, halved, timed
        self.of_frames: FrameDiscriminator | None = None
        if of_frames:
            self.of_frames = FrameDiscriminator(
                height=height, width=width, channels=channels, classes=classes, base=base,
                batch_statistics=batch_statistics,
            )  # fmt: skip
        if halved:
            height, width = (height + 1) // 2, (width + 1) // 2
        sizes = grids(height, width)
        down = widths(len(sizes) - 1, base)
        alone = min(ALONE - halved, len(down))
        inputs = [channels, *down[:-1]]
        if alone < len(down):
            inputs[alone] *= seen
        self.downs = nn.ModuleList(
            Conv2d(before, after, 4, stride=2, padding=1) for before, after in zip(inputs, down, strict=True)
        )
        initialise(self)
        self.alone = alone
        pixels = (height >> len(down)) * (width >> len(down)) * (seen if alone == len(down) else 1)
        self.verdict = ProjectionHead(down[-1] * pixels, classes, projected=down[-1])
        self.of_gaps = nn.Linear(down[-1] * pixels, down[-1], bias=False)
        self.gaps = nn.Sequential(
            nn.Linear(2 * (seen - 1) + timed, down[-1]), nn.LeakyReLU(SLOPE), nn.Linear(down[-1], down[-1])
        )
        nn.init.normal_(self.of_gaps.weight, std=1 / math.sqrt(self.of_gaps.in_features * down[-1]))

    def forward(self, clips: Tensor, conditions: Tensor) -> Tensor:
        """Frames ``(batch, seen, channels, height, width)`` and conditions ``(batch, 1 + seen)`` to logits
        ``(batch,)``."""
        batch, seen = clips.shape[:2]
        x = clips.reshape(batch * seen, *clips.shape[2:])
        if self.halved:
            x = avg_pool2d(x, 2, ceil_mode=True)
        for level, down in enumerate(self.downs):
            if level == self.alone:
                x = x.reshape(batch, seen * x.shape[1], *x.shape[2:])
            x = leaky_relu(down(x), SLOPE)
        if self.alone == len(self.downs):
            x = x.reshape(batch, seen * x.shape[1], *x.shape[2:])
        features = x.flatten(1)
        logits: Tensor = self.verdict(features, conditions[:, 0])
        of_gaps: Tensor = self.of_gaps(features) * self.gaps(self.between(conditions[:, 1:]))
        return logits + of_gaps.sum(1)

    def between(self, times: Tensor) -> Tensor:
        """The gaps between times ``(batch, seen)``, as shares of a clip, and their logarithms, ``(batch, 2 (seen -
        1))``; where this is timed, the first time as such a share, one number more."""
        gaps = torch.stack([after - before for before, after in pairwise(times.unbind(1))], 1).float()
        first = times[:, :1] / self.frames
        logarithms = gaps.clamp(min=1).log2() / math.log2(self.frames)
        return torch.cat([gaps / self.frames, logarithms, *([first] if self.timed else [])], 1)
