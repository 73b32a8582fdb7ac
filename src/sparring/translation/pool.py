"""Past fakes that a judge is shown again, so that it does not forget them (Shrivastava et al. 2017, section 2.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.core.game import Step


class Pool:
    """Remembers ``depth`` fakes for each place in the batch.

    A pool for each place instead of one for all makes a game the same however many processes share the batch: with
    batches of one it is the paper's. Which are remembered is decided by the step's random numbers and by how many
    rounds came before, so that a resumed run needs nothing but :attr:`kept`.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.kept: Tensor | None = None  # (batch, depth, channels, height, width)

    def swap(self, fakes: Tensor, step: Step) -> Tensor:
        """``fakes`` ``(batch, channels, height, width)``, about half of them in exchange for older ones."""
        if not self.depth:
            return fakes
        if self.kept is None or len(self.kept) != len(fakes):
            self.kept = fakes.new_zeros(len(fakes), self.depth, *fakes.shape[1:])
        before = step.examples_seen // step.global_batch
        rows = torch.arange(len(fakes), device=fakes.device)
        if before < self.depth:
            self.kept[:, before] = fakes
            return fakes
        place = (step.uniform() * self.depth).long()
        older = (step.uniform() < 0.5)[:, None, None, None]
        past = self.kept[rows, place]
        self.kept[rows, place] = torch.where(older, fakes, past)
        return torch.where(older, past, fakes)


def depth_for(pool: int, batch: int) -> int:
    """So that all places together remember about ``pool``."""
    return -(-pool // batch)
