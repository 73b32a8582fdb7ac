"""What features of pictures are learned by: a classifier where there are labels, contrast where there are none; from
pictures of at most 32x32, in small batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from sparring.features.learning import CODE, Learned, alike, learn, steps_for
from sparring.features.trunk import reduced
from sparring.images.augment import move, recolour, scaling, translation
from sparring.images.data import ImageSource
from sparring.images.features.pixels import scaled
from sparring.modality import Say

PIXELS = 32  # of a side, at most
PICTURES = 20_000  # at most, spread over the source; read once and kept in memory
READ = 512  # at a time
BATCH, PAIRS = 128, 64  # pictures of a step that a classifier learns from, and contrast, which takes two views of each
TESTED = 0.1  # of labelled pictures tell the accuracy, at most 2,000
SMALLEST_CROP = 0.6  # of the sides


def classifier(
    source: ImageSource, device: torch.device, steps: int | None = None, say: Say = lambda line: None
) -> Learned:
    """Networks that tell the source's labels, and how often they are right."""
    random = np.random.default_rng(0)
    order = random.permutation(len(source))
    tested = order[: min(2000, max(1, int(len(source) * TESTED)))]
    images, labels = small(source, order[len(tested) :][:PICTURES])

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(images), size=min(BATCH, len(images)))
        seen = shifted(scaled(images[chosen].to(device)), random)
        return cross_entropy(head(trunk(seen)).float(), labels[chosen].to(device))

    outputs = len(source.form.labels)
    learned = learn(source.form.channels, PIXELS, outputs, loss, steps or steps_for(len(source)), device, say)
    unseen, wanted = small(source, np.sort(tested))
    return learned.tested([scaled(part.to(device)) for part in torch.split(unseen, READ)], wanted)


def contrast(
    source: ImageSource, device: torch.device, steps: int | None = None, say: Say = lambda line: None
) -> Learned:
    """A trunk to which two views of one picture look alike and all others do not."""
    random, numbers = np.random.default_rng(0), torch.Generator().manual_seed(0)
    pictures, _ = small(source, random.permutation(len(source))[:PICTURES])

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(pictures), size=min(PAIRS, len(pictures)))
        images = scaled(pictures[chosen].to(device))
        with torch.autocast(device.type, enabled=False):  # coordinates need all of float32
            views = torch.cat([view(images, Draw(len(images), numbers, device)) for _ in range(2)])
        return alike(head(trunk(views)))

    return learn(source.form.channels, PIXELS, CODE, loss, steps or steps_for(len(source)), device, say)


def small(source: ImageSource, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    """The pictures at ``indices``, bytes ``(n, channels, height, width)`` of at most 32x32, and their labels ``(n,)``,
    empty where there are none."""
    images, labels = [], []
    for part in np.split(indices, range(READ, len(indices), READ)):
        batch = source.batch(part)
        images.append(reduced(batch["images"].float(), PIXELS).round().byte())
        labels.append(batch.get("labels", torch.empty(0, dtype=torch.int64)))
    return torch.cat(images), torch.cat(labels)


def shifted(images: Tensor, random: np.random.Generator) -> Tensor:
    """Images ``(n, channels, height, width)`` moved together by up to a fourteenth of their sides, edges repeated."""
    height, width = images.shape[2:]
    down, right = max(1, height // 14), max(1, width // 14)
    top, left = random.integers(2 * down + 1), random.integers(2 * right + 1)
    return pad(images, [right, right, down, down], mode="replicate")[:, :, top : top + height, left : left + width]


class Draw:
    """Random numbers for the augmentations of ``count`` pictures."""

    def __init__(self, count: int, random: torch.Generator, device: torch.device) -> None:
        self.count, self.random, self.device = count, random, device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, ``(count, *shape)``."""
        return torch.randn((self.count, *shape), generator=self.random).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(count, *shape)``."""
        return torch.rand((self.count, *shape), generator=self.random).to(self.device)


def view(images: Tensor, draw: Draw) -> Tensor:
    """Images ``(n, channels, height, width)``: of each a random crop of 0.6 to 1 of the sides, brought to full size, in
    other colours."""
    height, width = images.shape[2:]
    share = SMALLEST_CROP + (1 - SMALLEST_CROP) * draw.uniform()
    middle = (draw.uniform(2) - 0.5) * (1 - share)[:, None]
    crop = translation(middle[:, 0] * width, middle[:, 1] * height) @ scaling(share, share)
    return recolour(move(images, crop), draw)
