"""What features of clips are learned by: a classifier where there are labels, contrast where there are none. A small
network looks at some frames of a clip at once, side by side as channels, and so at what moves."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.data.parts import joined, parts_of
from sparring.features.learning import CODE, Learned, alike, learn, others, steps_for
from sparring.features.trunk import reduced
from sparring.images.augment import move, rotation, scaling, translation
from sparring.kind import Say
from sparring.video.data import VideoSource

PIXELS = 32  # a side, that the trunk looks at
FRAMES = 8  # of a clip that it looks at, evenly spaced
MOST = 10_000  # clips, spread over the source; read once and kept in memory as it looks at them
BATCH, PAIRS = 128, 64  # clips of a step that a classifier learns from, and contrast, which takes two views of each
SHIFT, TURN, SIZE = 0.08, 0.1, 0.15  # of a side, radians, octaves: how far clips are moved, turned and scaled
BRIGHTER, STRONGER = 0.2, 0.3  # of white, octaves: how far their colours are changed


def shown(frames: int) -> np.ndarray:
    """The frames of a clip that the trunk looks at, ``(at most FRAMES,)``."""
    return np.unique(np.linspace(0, frames - 1, min(FRAMES, frames)).round().astype(np.int64))


def small(clips: Tensor) -> Tensor:
    """The frames that are shown of clips ``(n, frames, channels, height, width)``, no larger than the trunk looks at,
    ``(n, shown, channels, height, width)``."""
    some = clips[:, torch.from_numpy(shown(clips.shape[1])).to(clips.device)].float()
    frames = reduced(some.flatten(0, 1), PIXELS)
    return frames.view(*some.shape[:2], *frames.shape[1:])


def seen(clips: Tensor) -> Tensor:
    """Clips ``(n, frames, channels, height, width)`` in [-1, 1] as the trunk sees them, ``(n, shown * channels, height,
    width)``: the first of the frames as it is, and of the others how they differ from the one before."""
    frames = small(clips)
    return torch.cat([frames[:, :1], frames.diff(dim=1)], 1).flatten(1, 2)


class Views:
    """Clips as they are learned from: moved, turned, scaled and coloured a little, all frames of one alike.

    ``clips`` are the frames that are shown, small, bytes ``(n, shown, channels, height, width)``.
    """

    def __init__(self, clips: Tensor, device: torch.device) -> None:
        self.clips, self.device = clips, device
        self.numbers = torch.Generator().manual_seed(0)

    def __call__(self, chosen: np.ndarray) -> Tensor:
        """A view of each of the clips at ``chosen`` ``(n,)``, ``(n, shown * channels, height, width)``."""
        clips = self.clips[chosen].float() / 127.5 - 1
        count, frames, _, height, width = clips.shape
        matrix = (
            translation(self.uniform(count) * SHIFT * width, self.uniform(count) * SHIFT * height)
            @ rotation(self.uniform(count) * TURN)
            @ scaling(*[torch.exp2(self.uniform(count) * SIZE)] * 2)
        )
        moved = move(clips.flatten(0, 1), matrix.repeat_interleave(frames, 0)).view_as(clips)
        strength = torch.exp2(self.uniform(count) * STRONGER).view(-1, 1, 1, 1, 1)
        changed = moved * strength + self.uniform(count).view(-1, 1, 1, 1, 1) * BRIGHTER
        return seen(changed.to(self.device))

    def uniform(self, count: int) -> Tensor:
        """Random numbers ``(count,)`` from -1 to 1."""
        return 2 * torch.rand(count, generator=self.numbers) - 1


def classifier(source: VideoSource, tested: np.ndarray, device: torch.device, say: Say) -> Learned:
    """Networks that tell the source's labels, and how often they are right about the clips at ``tested`` ``(m,)``,
    which they do not learn from."""
    random = np.random.default_rng(0)
    clips, labels = known(source, others(len(source), tested, MOST))
    views = Views(clips, device)

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(clips), size=min(BATCH, len(clips)))
        with torch.autocast(device.type, enabled=False):
            given = views(chosen)
        return cross_entropy(head(trunk(given)).float(), labels[chosen].to(device))

    channels = math.prod(clips.shape[1:3])
    learned = learn(channels, PIXELS, len(source.form.labels), loss, steps_for(len(source)), device, say)
    unseen, wanted = known(source, tested)
    parts = [seen(part.to(device).float() / 127.5 - 1) for part in torch.split(unseen, BATCH)]
    return learned.tested(parts, wanted)


def contrast(source: VideoSource, device: torch.device, say: Say) -> Learned:
    """A trunk to which two views of one clip look alike and all others do not."""
    random = np.random.default_rng(0)
    clips, _ = known(source, np.sort(random.permutation(len(source))[:MOST]))
    views = Views(clips, device)

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(clips), size=min(PAIRS, len(clips)))
        with torch.autocast(device.type, enabled=False):
            given = torch.cat([views(chosen), views(chosen)])
        return alike(head(trunk(given)))

    return learn(math.prod(clips.shape[1:3]), PIXELS, CODE, loss, steps_for(len(source)), device, say)


def known(source: VideoSource, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    """The frames that are shown of the clips at ``indices``, small, bytes ``(n, shown, channels, height, width)``, and
    their labels ``(n,)``, empty where there are none."""
    clips = (small(source.batch(part)["frames"]).round().byte() for part in parts_of(source, indices, BATCH))
    labels = torch.empty(0, dtype=torch.int64) if source.labels is None else source.labels[indices]
    return joined(clips, len(indices)), labels
