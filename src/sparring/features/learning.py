"""How features are learned: a trunk and a head, in less than a minute of one core of any machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparring.features.trunk import Head, Trunk
from sparring.kind import Say
from sparring.networks.supervised import learn_by

STEPS = 1000  # at most
FEWEST, MANY = 100, 1024  # steps, and the examples from which on all steps are taken
RATE = 3e-3  # the highest learning rate
CODE = 64  # numbers of a contrastive code
TEMPERATURE = 0.2  # of the contrast
TESTED = 2000  # examples that a classifier is tested on, at most

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


def learn(channels: int, pixels: int, outputs: int, loss: Loss, steps: int, device: torch.device, say: Say) -> Learned:
    """A trunk that looks at ``pixels`` a side and a head after so many steps on ``loss`` (see :func:`learn_by`)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, head = Trunk(channels, pixels), Head(outputs)
    taken = learn_by(lambda: loss(trunk, head), [trunk, head], steps, RATE, device, say, work="learning features")
    return Learned(trunk, head, f"{taken:,} of {steps:,} steps" if taken < steps else "")
