"""Whether a generator keeps content and motion apart, so that either can be asked for by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.metrics.score import Metric, Score
from sparring.model import Model
from sparring.video.health import motion_maps

KINDS = 8  # contents, and motions, that are combined
BINS = {1: 16, 3: 4}  # of each channel, of grey and of colour
SAME = 1e-6  # distance of descriptions, below which kinds do not differ

CONTENT = Metric("content_kept", "high", "1 - difference in colours of one content in two motions, over others")
MOTION = Metric("motion_kept", "high", "1 - difference in movement between two contents in one motion, over others")


def control_of(model: Model, seed: int) -> list[Score]:
    """The rows on samples of a model, by ``seed``: some contents, each in as many motions."""
    clips = [model.sample(KINDS, seed=seed, content_seed=content) for content in range(KINDS)]
    return control(torch.stack(clips))


def control(clips: Tensor) -> list[Score]:
    """The rows on clips ``(contents, motions, frames, channels, height, width)``, each of some contents in each of some
    motions: how much less two clips of one content differ in their colours than two of different contents, and the same
    of one motion in where and when they change. 1 is perfect, 0 no control."""
    moved = motion_maps(clips.flatten(0, 1)).view(*clips.shape[:2], -1)
    seen = colours_of(clips.flatten(0, 1)).view(*clips.shape[:2], -1)
    count = len(moved.flatten(0, 1))
    return [row(CONTENT, seen, count), row(MOTION, moved.transpose(0, 1), count)]


def row(metric: Metric, descriptions: Tensor, count: int) -> Score:
    """The row of one metric on descriptions ``(kinds, variants, dimensions)``; without a number where kinds do not
    differ."""
    within, between = distances(descriptions)
    if not between > SAME:
        return Score(metric, None, count=count, reason="all kinds of samples are the same")
    return Score(metric, 1 - within / between, count=count)


def colours_of(clips: Tensor) -> Tensor:
    """Which colours are seen, wherever and whenever, in clips ``(n, frames, channels, height, width)``: the square root
    of the share of pixels in each of some bins, ``(n, bins)``, so that small things count too."""
    channels = clips.shape[2]
    bins = BINS[channels]
    values = ((clips + 1) / 2 * bins).long().clamp(0, bins - 1)
    place = torch.tensor([bins**axis for axis in range(channels)]).view(-1, 1, 1)
    numbers = (values * place).sum(2).flatten(1)
    counts = torch.stack([torch.bincount(each, minlength=bins**channels) for each in numbers])
    return (counts / numbers.shape[1]).sqrt()


def distances(descriptions: Tensor) -> tuple[float, float]:
    """Of descriptions ``(kinds, variants, dimensions)`` the mean distance between variants of a kind, and between
    different kinds."""
    kinds, variants = descriptions.shape[:2]
    each = descriptions.flatten(0, 1).double()
    apart = torch.cdist(each, each)
    kind = torch.arange(kinds).repeat_interleave(variants)
    same = kind[:, None] == kind
    others = ~torch.eye(len(kind), dtype=torch.bool)
    return float(apart[same & others].mean()), float(apart[~same].mean())
