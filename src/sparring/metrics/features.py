"""What turns examples into the vectors that metrics compare, with a name and a hash: scores in different features
cannot be compared, so no score is told without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK, NUMBERS = 512, 1 << 24  # examples at a time, and numbers of them: of clips, 512 would take half a gibibyte


@dataclass(frozen=True)
class Classifier:
    """``classify`` gives class indices ``(n,)`` of examples ``(n, ...)``; ``accuracy`` is on real ones that it did not
    learn from."""

    name: str
    classify: Callable[[Tensor], Tensor]
    accuracy: float


@dataclass(frozen=True)
class Features:
    """``of`` maps some examples, as their modality compares them, to float features ``(n, dimensions)``.

    ``frechet`` is what a Fréchet distance in these features is called: FID in the reference network's alone.
    ``logits`` gives those of the classes, ``(n, classes)``, where the network is a classifier, with ``accuracy`` on
    real examples that it did not learn from; ``second`` is a classifier of another kind, which a generator that fools
    the first need not fool. Where ``narrow`` is above 0, only so many dimensions, the first, are compared; the
    others are for the kernel distance, which needs no covariance.
    """

    name: str
    hash: str
    of: Callable[[Tensor], Tensor]
    frechet: str = "frechet"
    logits: Callable[[Tensor], Tensor] | None = None
    accuracy: float | None = None
    narrow: int = 0
    second: Classifier | None = None

    @property
    def classify(self) -> Callable[[Tensor], Tensor] | None:
        """What gives the likeliest class of each example, ``(n,)``; None where the network is no classifier."""
        logits = self.logits
        return None if logits is None else lambda examples: logits(examples).argmax(1)

    def __call__(self, examples: Tensor) -> Tensor:
        """Features of all examples ``(n, dimensions)``, float32 on the CPU, computed some at a time."""
        return self.both(examples)[0]

    def both(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Features of all examples, and those for the kernel distance: ``(n, dimensions)`` and ``(n, others)``, the
        same twice where there are no others."""
        features = in_chunks(self.of, examples)
        return (features[:, : self.narrow], features[:, self.narrow :]) if self.narrow else (features, features)


@torch.no_grad()
def in_chunks(function: Callable[[Tensor], Tensor], examples: Tensor) -> Tensor:
    """``function`` of examples ``(n, ...)``, some at a time, in full precision wherever it is called; ``(n, ...)`` on
    the CPU."""
    count = max(1, min(CHUNK, NUMBERS // max(1, examples[:1].numel())))
    with torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
        return torch.cat([function(chunk).cpu() for chunk in torch.split(examples, count)])
