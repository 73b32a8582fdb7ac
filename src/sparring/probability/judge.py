"""A fresh discriminator, trained after training: the judge.

The discriminator of a run is a poor judge of single examples. It knows its real examples by heart, it learned from a
generator that moved and not from the averaged one that is sampled, and penalties flatten its logits. The judge begins
anew, on examples as files hold them, against the generator as it is now. What no player and no judge has seen then
calibrates it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from sparring.metrics.features import in_chunks
from sparring.networks.supervised import learn_by
from sparring.networks.trunks import FEATURES

STEPS = 1500
BATCH = 64  # real examples of a step, and as many generated ones
RATE, WEIGHT_DECAY = 2e-3, 0.01
LABELS = 0.1  # the weight of labels beside real or generated
DRAWN = 1024  # generated examples that are made at once


class Judge(nn.Module):
    """A trunk with two heads: whether an example is real, and of which of ``classes`` labels a real one is."""

    def __init__(self, trunk: nn.Module, classes: int) -> None:
        super().__init__()
        self.trunk, self.classes = trunk, classes
        self.real = nn.Linear(FEATURES, 1)
        self.label = nn.Linear(FEATURES, classes) if classes else None

    def forward(self, examples: Tensor) -> Tensor:
        """Logits of being real ``(n,)`` of comparable examples ``(n, ...)``."""
        logits: Tensor = self.real(self.trunk(examples))[:, 0]
        return logits

    def of_labels(self, examples: Tensor) -> Tensor:
        """Logits of labels ``(n, classes)`` of comparable examples ``(n, ...)``."""
        assert self.label is not None
        logits: Tensor = self.label(self.trunk(examples))
        return logits

    def logits(self, examples: Tensor) -> np.ndarray:
        """Logits of being real, float64 ``(n,)``, of comparable examples ``(n, ...)`` of any number."""
        device = self.real.weight.device
        return in_chunks(lambda part: self(part.to(device)).float(), examples).double().numpy()


def learn_judge(
    judge: Judge,
    real: Tensor,
    labels: Tensor | None,
    made: Callable[[int], Tensor],
    device: torch.device,
    say: Callable[[str], None],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> int:
    """Teach the judge to tell comparable real examples ``(n, ...)`` from generated ones, and their ``labels`` ``(n,)``.

    ``made`` gives generated examples under a seed, on the grid of real ones; every one of them is seen once, so
    there is no end of them to learn by heart. Returns how many steps were taken.
    """
    random = np.random.default_rng(seed)
    generated = endless(made, seed)
    outcomes = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)]).to(device)

    def loss() -> Tensor:
        chosen = random.integers(len(real), size=BATCH)
        examples = torch.cat([real[chosen], next(generated)]).to(device)
        features = judge.trunk(examples).float()
        value = binary_cross_entropy_with_logits(judge.real(features)[:, 0].float(), outcomes)
        if judge.label is not None and labels is not None:
            value = value + LABELS * cross_entropy(judge.label(features[:BATCH]).float(), labels[chosen].to(device))
        return value

    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # of dropout
        return learn_by(loss, [judge], steps, RATE, device, say, work="training the judge", weight_decay=WEIGHT_DECAY)


def endless(made: Callable[[int], Tensor], seed: int) -> Iterator[Tensor]:
    """Batches ``(64, ...)`` of what ``made`` gives under seed after seed."""
    while True:
        yield from torch.split(made(seed), BATCH)
        seed += 1
