"""A generator of clips as layers: pictures that are made once a clip, and moved over each other from frame to frame."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, interpolate

from sparring.networks.layers import ConditionedLatent, clamped
from sparring.networks.lean import SLOPE, LeanGenerator
from sparring.video.networks.motion import MotionCode, TimedMotion

HIDDEN = 128  # units of the network that moves layers
BENDS = 3  # by as many points a layer is bent, along each side
SHIFT, BEND = 0.5, 0.02  # how far layers are moved, and these points, before anything is learned, in halves of a frame
GROUND = 0.2  # the ground moves by no more
OPAQUE, FALL = 4.0, 32.0  # logits of opacity amid a layer, and how much less they are where it ends
EDGE = 4.0  # times what is made of opacity: a layer's form is where it ends, rather than drawn in its colours
SLOWER, FURTHEST = 0.1, 1.0
"""How fast what moves layers learns, beside the rest, as a small change of it changes all frames at once; and how
far layers are moved at most, in halves of a frame, so that none is lost."""
SLOWER_TIMED, FURTHEST_TIMED = 0.3, 1.5
"""The same where the time is told: most of how things move is then alike in all clips, and is learned sooner; and they
may come into the frame, cross it and leave."""
STIFF = 0.01  # than the rest, what bends layers learns: things keep their form unless it pays for long
STEADY = 0.1  # and what moves the ground: things move before it
FAINT = 1e-6  # the least that colours are divided by
CLEAR = -48.0  # a logit where there is no layer


class LayeredGenerator(nn.Module):
    """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` in frames and
    labels ``(batch,)`` -> frames ``(batch, times, channels, height, width)``, float32, of real clips in [-1, 1].

    The lean generator of pictures makes a ground and some layers with opacities from the content alone, and motion only
    moves and bends them (layers: Wang & Adelson 1994; a ground and what is before it in generated videos: Vondrick et
    al. 2016; sampling at moved places: Jaderberg et al. 2015). So colour and shape are those of the clip, whatever
    moves; and to move is to be learned by a few numbers a frame, not drawn anew in each. Most of many clips is a ground
    of one colour, which frames hit exactly by a bound; it is one that always leads back, so that other things can begin
    there. What is seen moves layers ``content_moves`` times as strongly as the motion code, 0 to 1: the less, the more
    one motion is the same of all contents. With ``hard_edges`` a pixel of a sample is either of a layer or of what is
    behind it, whichever it is more; in training edges stay soft, from which layers learn to end where things do.
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
        layers: int = 1,
        content_moves: float = 1.0,
        hard_edges: bool = False,
    ) -> None:
        super().__init__()
        self.motion, self.channels, self.layers, self.hard_edges = motion, channels, layers, hard_edges
        self.timed, self.content_moves = isinstance(motion, TimedMotion), content_moves
        self.slower, self.furthest = (SLOWER_TIMED, FURTHEST_TIMED) if self.timed else (SLOWER, FURTHEST)
        self.pictures = LeanGenerator(
            latent=latent, height=height, width=width, channels=channels + layers * (channels + 1), classes=classes,
            base=base,
        )  # fmt: skip
        self.content = ConditionedLatent(latent, classes)
        sizes = (self.content.features + motion.features, HIDDEN, HIDDEN)
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.shifts = nn.Linear(HIDDEN, (1 + layers) * 2)
        self.bends = nn.Linear(HIDDEN, (1 + layers) * 2 * BENDS**2)
        given = (motion.features + content_moves**2 * self.content.features, HIDDEN)  # numbers that vary by 1 each
        for layer, count in zip(self.hidden, given, strict=True):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (1 + SLOPE**2) / count) / self.slower)
            nn.init.zeros_(layer.bias)
        for layer, reach, slower in ((self.shifts, SHIFT, self.slower), (self.bends, BEND, STIFF)):
            nn.init.normal_(layer.weight, std=reach / math.sqrt(HIDDEN) / slower)
            nn.init.zeros_(layer.bias)

        # Where each pixel is, in halves of a frame from its middle, and how opaque a layer is there before any learning
        places = affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)[0]
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("opacity", OPAQUE - FALL * places.square().sum(2), persistent=False)

    places: Tensor
    opacity: Tensor

    def forward(self, content: Tensor, noise: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
        """Content ``(batch, latent)``, noise ``(batch, length, motion latent)``, times ``(batch, times)`` and labels
        ``(batch,)`` to frames ``(batch, times, channels, height, width)``."""
        count, deep = times.shape[1], self.channels + 1
        pictures = self.pictures(content, labels)
        with torch.autocast(content.device.type, enabled=False):  # times and places need all of float32
            # The motion code knows the label by itself, so that here it may count as little as what is seen
            known = self.content_moves * self.content(content, labels)[:, None].expand(-1, count, -1)
            places = self.moved(torch.cat([known, self.motion(noise, times, labels)], 2).flatten(0, 1))
            made = sampled(repeated(pictures[:, : self.channels].float(), count), places[:, 0], "reflection")
            for number in range(self.layers):
                layer = pictures[:, self.channels + number * deep :][:, :deep].float()
                made = self.covered(made, layer[:, :-1], EDGE * layer[:, -1:] + self.opacity, places[:, 1 + number])
            return clamped(made).view(*times.shape, *made.shape[1:])

    def covered(self, behind: Tensor, colours: Tensor, logits: Tensor, places: Tensor) -> Tensor:
        """What is behind a layer ``(batch * times, channels, height, width)``, with the layer over it: its colours
        ``(batch, channels, height, width)`` and logits of opacity ``(batch, 1, height, width)``, taken from places
        ``(batch * times, height, width, 2)``."""
        count = len(places) // len(colours)
        moved = sampled(repeated(torch.cat([colours, logits - CLEAR], 1), count), places, "zeros")
        opacity = (moved[:, -1:] + CLEAR).sigmoid()
        if self.training or not self.hard_edges:
            return behind + opacity * (moved[:, :-1] - behind)

        # One thing or the other, and of the layer's pixels between which a place lies the colours of the opaque ones
        opaque = (logits > 0).float()
        moved = sampled(repeated(torch.cat([opaque * colours, opaque], 1), count), places, "zeros")
        return torch.where(opacity > 0.5, moved[:, :-1] / moved[:, -1:].clamp(min=FAINT), behind)

    def moved(self, known: Tensor) -> Tensor:
        """What is known of each frame ``(frames, features)`` to where its pixels are taken from, of the ground and of
        each layer, ``(frames, 1 + layers, height, width, 2)``, in halves of a frame."""
        for layer in self.hidden:
            known = nn.functional.leaky_relu(self.slower * layer(known), SLOPE)
        size = self.places.shape[:2]
        bends = (STIFF * self.bends(known)).view(-1, 2, BENDS, BENDS)
        if self.timed:  # a layer crosses a frame by its shift alone
            bends = bends - bends.mean((2, 3), keepdim=True)
        bends = interpolate(bends, size, mode="bilinear", align_corners=True)
        shifts = (self.slower * self.shifts(known)).view(-1, 1 + self.layers, 2)
        shifts = torch.cat([STEADY * shifts[:, :1], shifts[:, 1:]], 1)
        moves = (self.furthest * (shifts / self.furthest).tanh()).view(-1, 2, 1, 1) + bends
        moves = moves.view(len(known), 1 + self.layers, 2, *size).permute(0, 1, 3, 4, 2)
        return self.places + torch.cat([GROUND * moves[:, :1].tanh(), moves[:, 1:]], 1)


def repeated(pictures: Tensor, count: int) -> Tensor:
    """Each of ``(batch, channels, height, width)`` as often, ``(batch * count, channels, height, width)``."""
    return pictures.repeat_interleave(count, 0)


def sampled(pictures: Tensor, places: Tensor, outside: str) -> Tensor:
    """Pictures ``(n, channels, height, width)`` as they are at places ``(n, height, width, 2)``, in halves of a
    frame."""
    return grid_sample(pictures, places, padding_mode=outside, align_corners=False)
