"""Augmentation of clips: the same random changes for all frames of one, so that no change looks like motion."""

from __future__ import annotations

from torch import Tensor

from sparring.core.game import Step
from sparring.images.augment import AdaptiveAugment, Draw, diff_augment

ADAPTIVE = AdaptiveAugment()


class SameForAllFrames:
    """Random numbers for ``frames`` pictures of each clip, alike for all of one clip."""

    def __init__(self, draw: Draw, frames: int) -> None:
        self.draw, self.frames = draw, frames

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, ``(batch * frames, *shape)``."""
        return self.draw.normal(*shape).repeat_interleave(self.frames, 0)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1), ``(batch * frames, *shape)``."""
        return self.draw.uniform(*shape).repeat_interleave(self.frames, 0)


def always(clips: Tensor, step: Step) -> Tensor:
    """Clips ``(batch, frames, channels, height, width)`` through DiffAugment (Zhao et al. 2020)."""
    frames = clips.shape[1]
    return diff_augment(clips.flatten(0, 1), SameForAllFrames(step, frames)).view_as(clips)


def adaptive(clips: Tensor, p: float, step: Step) -> Tensor:
    """Clips ``(batch, frames, channels, height, width)`` through ADA (Karras et al. 2020), each change with probability
    ``p`` in [0, 1]."""
    frames = clips.shape[1]
    return ADAPTIVE(clips.flatten(0, 1), p, SameForAllFrames(step, frames)).view_as(clips)
