"""Past translations that a discriminator is shown again, so that it does not forget them (Shrivastava et al. 2017,
section 2.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.core.game import Step


class Pool:
    """Remembers ``depth`` past examples for each row of a batch.

    A pool for each row instead of one for all makes a game the same however many processes share the batch: with
    batches of one it is the paper's. Which are remembered is decided by the step's random numbers and by how many
    steps came before, so that a resumed run needs nothing but :attr:`kept`.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.kept: Tensor | None = None  # (batch, depth, channels, height, width)

    def swap(self, made: Tensor, step: Step) -> Tensor:
        """``made`` ``(batch, channels, height, width)``, about half of it in exchange for older examples."""
        if not self.depth:
            return made
        if self.kept is None or len(self.kept) != len(made):
            self.kept = made.new_zeros(len(made), self.depth, *made.shape[1:])
        steps_before = step.examples_seen // step.global_batch
        rows = torch.arange(len(made), device=made.device)
        if steps_before < self.depth:
            self.kept[:, steps_before] = made
            return made
        column = (step.uniform() * self.depth).long()
        older = (step.uniform() < 0.5)[:, None, None, None]
        past = self.kept[rows, column]
        self.kept[rows, column] = torch.where(older, made, past)
        return torch.where(older, past, made)


def depth_for(pool: int, batch: int) -> int:
    """The depth at which all rows of a batch together remember about ``pool`` examples."""
    return -(-pool // batch)
