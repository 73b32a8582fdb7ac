"""Learning the features: a classifier where there are labels, contrast where there are none. Both take about a minute
on two cores, and the same seed learns the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad

from sparring.core import precision
from sparring.images.augment import move, recolour, scaling, translation
from sparring.images.data import ImageSource
from sparring.images.features.trunk import Head, Trunk

STEPS = 1000
BATCH = 256
RATE = 3e-3  # highest, of AdamW under one cycle (Smith & Topin 2019)
TESTED = 0.1  # of labelled pictures tell the accuracy, at most 2,000
CODE = 64  # numbers of a contrastive code
TEMPERATURE = 0.2  # of the contrast
SMALLEST_CROP = 0.6  # of the sides

Loss = Callable[[nn.Module, nn.Module, np.ndarray], Tensor]


def scaled(images: Tensor) -> Tensor:
    """Bytes to [-1, 1]."""
    return images.float() / 127.5 - 1


def classifier(source: ImageSource, device: torch.device, steps: int = STEPS) -> tuple[Trunk, Head, float]:
    """Trunk and head that tell the source's labels, and their accuracy on pictures that they did not see."""
    assert source.labels is not None
    chance = np.random.default_rng(0)
    order = chance.permutation(len(source))
    tested = order[: min(2000, max(1, int(len(source) * TESTED)))]
    members = order[len(tested) :]

    def loss(trunk: nn.Module, head: nn.Module, chosen: np.ndarray) -> Tensor:
        batch = source.batch(members[chosen])
        images = shifted(scaled(batch["images"].to(device)), chance)
        return cross_entropy(head(trunk(images)).float(), batch["labels"].to(device))

    channels, classes = source.form["channels"], len(source.form["labels"])
    trunk, head = learn(channels, classes, len(members), loss, chance, device, steps)
    batch = source.batch(np.sort(tested))
    with torch.no_grad():
        read = torch.cat(
            [head(trunk(scaled(some.to(device)))).argmax(1).cpu() for some in torch.split(batch["images"], 500)]
        )
    return trunk, head, (read == batch["labels"]).float().mean().item()


def contrast(source: ImageSource, device: torch.device, steps: int = STEPS) -> Trunk:
    """A trunk to which two views of one picture look alike and all others do not (Chen et al. 2020, SimCLR, eq. 1)."""
    chance = np.random.default_rng(0)
    random = torch.Generator().manual_seed(0)

    def loss(trunk: nn.Module, head: nn.Module, chosen: np.ndarray) -> Tensor:
        images = scaled(source.batch(chosen)["images"].to(device))
        with torch.autocast(device.type, enabled=False):  # coordinates need all of float32
            views = torch.cat([view(images, Draw(len(images), random, device)) for _ in range(2)])
        codes = normalize(head(trunk(views)).float())
        alike = codes @ codes.T / TEMPERATURE
        alike = alike.masked_fill(torch.eye(len(codes), dtype=torch.bool, device=device), -math.inf)
        return cross_entropy(alike, torch.arange(len(codes), device=device).roll(len(images)))

    return learn(source.form["channels"], CODE, len(source), loss, chance, device, steps)[0]


def learn(
    channels: int,
    outputs: int,
    count: int,
    loss: Loss,
    chance: np.random.Generator,
    device: torch.device,
    steps: int,
) -> tuple[Trunk, Head]:
    """AdamW on ``loss`` of batches of indices below ``count``, one cycle of the learning rate."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, head = Trunk(channels), Head(outputs)
    runs = precision.choose("auto", device, [trunk])
    for network in (trunk, head):
        runs.place(network).train()
    optimizer = torch.optim.AdamW([*trunk.parameters(), *head.parameters()], RATE, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        with runs.autocast():
            value = loss(trunk, head, chance.integers(count, size=min(BATCH, count)))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        cycle.step()
    return trunk.eval(), head.eval()


def shifted(images: Tensor, chance: np.random.Generator) -> Tensor:
    """A batch moved as one by up to a fourteenth of its sides, its edges repeated."""
    height, width = images.shape[2:]
    down, right = max(1, height // 14), max(1, width // 14)
    top, left = chance.integers(2 * down + 1), chance.integers(2 * right + 1)
    return pad(images, [right, right, down, down], mode="replicate")[:, :, top : top + height, left : left + width]


class Draw:
    """Random numbers, a row a picture, for the augmentations."""

    def __init__(self, count: int, random: torch.Generator, device: torch.device) -> None:
        self.count, self.random, self.device = count, random, device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal."""
        return torch.randn((self.count, *shape), generator=self.random).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """In [0, 1)."""
        return torch.rand((self.count, *shape), generator=self.random).to(self.device)


def view(images: Tensor, draw: Draw) -> Tensor:
    """A random crop of 0.6 to 1 of the sides, brought to full size, in other colours."""
    height, width = images.shape[2:]
    share = SMALLEST_CROP + (1 - SMALLEST_CROP) * draw.uniform()
    middle = (draw.uniform(2) - 0.5) * (1 - share)[:, None]
    crop = translation(middle[:, 0] * width, middle[:, 1] * height) @ scaling(share, share)
    return recolour(move(images, crop), draw)
