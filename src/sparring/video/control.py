"""Whether a generator keeps content and motion apart, so that either can be asked for by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.metrics.score import Metric, Score
from sparring.video.health import motion_maps

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of a channel, that colours are described by
LOOKED_AT = 4096  # pixels of a clip, for these

CONTENT = Metric("content_kept", "high", "1 - difference in colours of one content in two motions, over others")
MOTION = Metric("motion_kept", "high", "1 - difference in movement between two contents in one motion, over others")


def control(clips: Tensor) -> list[Score]:
    """The rows on clips ``(contents, motions, frames, channels, height, width)``, each of some contents in each of some
    motions: how much less two clips of one content differ in their colours than two of different contents, and the same
    of one motion in where and when they change. 1 is perfect, 0 no control."""
    moved = motion_maps(clips.flatten(0, 1)).view(*clips.shape[:2], -1)
    seen = colours_of(clips.flatten(0, 1)).view(*clips.shape[:2], -1)
    count = len(moved.flatten(0, 1))
    return [Score(CONTENT, kept(seen), count=count), Score(MOTION, kept(moved.transpose(0, 1)), count=count)]


def colours_of(clips: Tensor) -> Tensor:
    """Which colours are seen, wherever and whenever, in clips ``(n, frames, channels, height, width)``: quantiles of
    each channel, ``(n, quantiles * channels)``."""
    values = clips.transpose(1, 2).flatten(2)
    values = values[:, :, :: max(1, values.shape[2] // LOOKED_AT)]
    return values.quantile(torch.tensor(QUANTILES), dim=2).transpose(0, 1).flatten(1)


def kept(descriptions: Tensor) -> float:
    """Of descriptions ``(kinds, variants, dimensions)``: one minus the mean distance between variants of a kind over
    that between different kinds."""
    kinds, variants = descriptions.shape[:2]
    each = descriptions.flatten(0, 1)
    distances = torch.cdist(each, each)
    kind = torch.arange(kinds).repeat_interleave(variants)
    same = kind[:, None] == kind
    apart = ~torch.eye(len(kind), dtype=torch.bool)
    return 1 - float(distances[same & apart].mean() / distances[~same].mean().clamp(min=1e-12))
