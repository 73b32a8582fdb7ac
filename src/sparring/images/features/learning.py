"""How features are learned: a classifier where there are labels, contrast where there are none.

Pictures of at most 32x32, small batches and a fixed number of steps: what is learned does not depend on how fast a
machine is, and takes less than a minute on one core of any. Where it takes far longer all the same, the rest is cut
short, and that is told wherever these features are named.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad

from sparring.core import precision
from sparring.core.status import Countdown
from sparring.images.augment import move, recolour, scaling, translation
from sparring.images.data import ImageSource
from sparring.images.features.trunk import Head, Trunk, reduced, scaled
from sparring.modality import Say

PIXELS = 32  # of a side, at most
PICTURES = 20_000  # at most, spread over the source; read once and kept in memory
READ = 512  # at a time
STEPS = 1000  # at most
FEWEST, MANY = 100, 1024  # steps, and the pictures from which on all steps are taken
BATCH, PAIRS = 128, 64  # pictures of a step that a classifier learns from, and contrast, which takes two views of each
RATE = 3e-3  # highest, of AdamW under one cycle (Smith & Topin 2019)
WARM = 0.3  # of the cycle, in which the rate rises
SECONDS = 240.0  # after which what is left is cut short
TESTED = 0.1  # of labelled pictures tell the accuracy, at most 2,000
CODE = 64  # numbers of a contrastive code
TEMPERATURE = 0.2  # of the contrast
SMALLEST_CROP = 0.6  # of the sides

Loss = Callable[[nn.Module, nn.Module], Tensor]
"""The loss, a scalar, of trunk and head on a batch that it draws."""


@dataclass(frozen=True)
class Learned:
    """The networks in eval mode, a classifier's ``accuracy`` on pictures that it did not see, and ``cut_short``: how
    many of the steps were taken where time ran out, else nothing."""

    trunk: Trunk
    head: Head
    cut_short: str = ""
    accuracy: float | None = None


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
    learned = learn(source.form.channels, outputs, loss, steps or steps_for(len(source)), device, say)
    unseen, wanted = small(source, np.sort(tested))
    with torch.no_grad():
        logits = [learned.head(learned.trunk(scaled(part.to(device)))).cpu() for part in torch.split(unseen, READ)]
    right = torch.cat(logits).argmax(1) == wanted
    return replace(learned, accuracy=right.float().mean().item())


def contrast(
    source: ImageSource, device: torch.device, steps: int | None = None, say: Say = lambda line: None
) -> Learned:
    """A trunk to which two views of one picture look alike and all others do not (Chen et al. 2020, SimCLR, eq. 1)."""
    random, numbers = np.random.default_rng(0), torch.Generator().manual_seed(0)
    pictures, _ = small(source, random.permutation(len(source))[:PICTURES])

    def loss(trunk: nn.Module, head: nn.Module) -> Tensor:
        chosen = random.integers(len(pictures), size=min(PAIRS, len(pictures)))
        images = scaled(pictures[chosen].to(device))
        with torch.autocast(device.type, enabled=False):  # coordinates need all of float32
            views = torch.cat([view(images, Draw(len(images), numbers, device)) for _ in range(2)])
        codes = normalize(head(trunk(views)).float())
        alike = codes @ codes.T / TEMPERATURE
        alike = alike.masked_fill(torch.eye(len(codes), dtype=torch.bool, device=device), -math.inf)
        return cross_entropy(alike, torch.arange(len(codes), device=device).roll(len(images)))

    return learn(source.form.channels, CODE, loss, steps or steps_for(len(source)), device, say)


def steps_for(count: int) -> int:
    """How many steps are learned from so many pictures: fewer in proportion where they are few."""
    return min(STEPS, max(FEWEST, STEPS * count // MANY))


def small(source: ImageSource, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    """The pictures at ``indices``, bytes ``(n, channels, height, width)`` of at most 32x32, and their labels ``(n,)``,
    empty where there are none."""
    images, labels = [], []
    for part in np.split(indices, range(READ, len(indices), READ)):
        batch = source.batch(part)
        images.append(reduced(batch["images"].float(), PIXELS).round().byte())
        labels.append(batch.get("labels", torch.empty(0, dtype=torch.int64)))
    return torch.cat(images), torch.cat(labels)


@contextmanager
def one_thread() -> Iterator[None]:
    """Work of one thread: with batches so small a second gains little, and where others use the cores as well, waiting
    for it takes many times as long. Nor does what is learned depend on how many threads there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def learn(channels: int, outputs: int, loss: Loss, steps: int, device: torch.device, say: Say) -> Learned:
    """Trunk and head after so many steps of AdamW on ``loss``, under one cycle of the learning rate; ``say`` hears how
    far it is. Once half of the time that it may take is over, the cycle does not wait for steps that would come too
    late."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, head = Trunk(channels, PIXELS), Head(outputs)
    runs = precision.choose("auto", device, [trunk])
    for network in (trunk, head):
        runs.place(network).train()
    optimizer = torch.optim.AdamW([*trunk.parameters(), *head.parameters()], RATE, weight_decay=0.01)
    countdown = Countdown(say, "learning features", steps)
    began, taken, share = time.monotonic(), 0, 0.0
    while share < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * one_cycle(share)
        with runs.autocast():
            value = loss(trunk, head)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        taken += 1
        share = progress(taken / steps, (time.monotonic() - began) / SECONDS)
        countdown.done(taken)
    return Learned(trunk.eval(), head.eval(), f"{taken:,} of {steps:,} steps" if taken < steps else "")


def progress(of_steps: float, of_time: float) -> float:
    """How much of the cycle is over, from 0 to 1: that of the steps, which no clock has a part in, unless half of the
    time is over and more of it than of the steps."""
    return max(of_steps, of_time) if of_time > 0.5 else of_steps


def one_cycle(share: float) -> float:
    """The learning rate, of the highest, after ``share`` of the cycle: up, then down to nothing, by cosines."""
    if share < WARM:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share / WARM)) / 2
    return (1 + math.cos(math.pi * (share - WARM) / (1 - WARM))) / 2


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
