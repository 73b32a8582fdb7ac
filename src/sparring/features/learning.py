"""How features are learned: in a fixed number of steps, so that what is learned does not depend on how fast a machine
is, and in less than a minute of one core of any. Where it takes far longer all the same, the rest is cut short, which
is told wherever these features are named.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparring.core import precision
from sparring.core.status import Countdown
from sparring.features.trunk import Head, Trunk
from sparring.kind import Say

STEPS = 1000  # at most
FEWEST, MANY = 100, 1024  # steps, and the examples from which on all steps are taken
RATE = 3e-3  # highest, of AdamW under one cycle (Smith & Topin 2019)
WARM = 0.3  # of the cycle, in which the rate rises
CODE = 64  # numbers of a contrastive code
TEMPERATURE = 0.2  # of the contrast
TESTED = 2000  # examples that a classifier is tested on, at most
SECONDS = 240.0  # after which what is left is cut short

Loss = Callable[[nn.Module, nn.Module], Tensor]
"""The loss, a scalar, of trunk and head on a batch that it draws."""


@dataclass(frozen=True)
class Learned:
    """The networks in eval mode, a classifier's ``accuracy`` on examples that it did not see, and ``cut_short``: how
    many of the steps were taken where time ran out, else nothing."""

    trunk: Trunk
    head: Head
    cut_short: str = ""
    accuracy: float | None = None

    def tested(self, unseen: Sequence[Tensor], wanted: Tensor) -> Learned:
        """These networks with their accuracy on ``unseen`` examples, parts ``(n, ...)`` as the trunk sees them, whose
        labels are ``wanted`` ``(all,)``."""
        with torch.no_grad():
            logits = torch.cat([self.head(self.trunk(part)).cpu() for part in unseen])
        return replace(self, accuracy=(logits.argmax(1) == wanted).float().mean().item())


def alike(codes: Tensor) -> Tensor:
    """The loss, a scalar, of codes ``(2 * n, dimensions)`` of two views of each of ``n`` examples, first views first:
    the two of one should be alike, and all others not (Chen et al. 2020, SimCLR, eq. 1)."""
    codes = normalize(codes.float())
    similarity = codes @ codes.T / TEMPERATURE
    similarity = similarity.masked_fill(torch.eye(len(codes), dtype=torch.bool, device=codes.device), -math.inf)
    return cross_entropy(similarity, torch.arange(len(codes), device=codes.device).roll(len(codes) // 2))


def tested_part(count: int) -> np.ndarray:
    """Indices ``(m,)`` of a tenth of so many examples, 2,000 at most: classifiers are tested on them, not taught by
    them."""
    order = np.random.default_rng(0).permutation(count)
    return np.sort(order[: min(TESTED, max(1, count // 10))])


def others(count: int, tested: np.ndarray, most: int) -> np.ndarray:
    """Indices ``(n,)`` of those of so many examples that are not ``tested``, ``most`` at most, spread over all."""
    rest = np.setdiff1d(np.arange(count), tested)
    return np.sort(np.random.default_rng(1).permutation(rest)[:most])


def steps_for(count: int) -> int:
    """How many steps are learned from so many examples: fewer in proportion where they are few."""
    return min(STEPS, max(FEWEST, STEPS * count // MANY))


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
def learn(channels: int, pixels: int, outputs: int, loss: Loss, steps: int, device: torch.device, say: Say) -> Learned:
    """A trunk that looks at ``pixels`` a side and a head after so many steps of AdamW on ``loss``, under one cycle of
    the learning rate; ``say`` hears how far it is. Once half of the time that it may take is over, the cycle does not
    wait for steps that would come too late."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, head = Trunk(channels, pixels), Head(outputs)
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
