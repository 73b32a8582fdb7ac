"""The game of a generator whose likelihood is known exactly: that is raised, alone or beside an adversarial loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import partial

from torch import Tensor

from sparring.core.adversarial import AdversarialGame
from sparring.core.game import Batch, Networks, Step, Turn


class LikelihoodGame(AdversarialGame):
    """Where there is no discriminator among its players, the generator learns from likelihood alone."""

    def turns(self, step: Step) -> Iterator[Turn]:
        """The turns of every adversarial game; without a discriminator, the generator's on every batch."""
        if "discriminator" in self.players:
            return super().turns(step)
        return (Turn("generator", partial(self.likelihood_loss, step, batch)) for batch in step.batches)

    @abstractmethod
    def likelihood_loss(self, step: Step, batch: Batch) -> Tensor:
        """What falls as the examples of a batch become likelier, a scalar."""

    @abstractmethod
    def log_likelihood(self, networks: Networks, batch: Batch, *, seed: int = 0) -> Tensor:
        """The log-likelihood of each example of a batch in nats, float64 ``(rows,)`` on the CPU; what is random of it
        is decided by ``seed``."""

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """Logits ``(rows,)`` of ``examples`` ``(rows, ...)``, under the labels of ``conditions`` where the game has
        labels; None without a discriminator."""
        return super().logits(networks, conditions, examples) if "discriminator" in networks else None
