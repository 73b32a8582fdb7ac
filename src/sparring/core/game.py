"""The whole idea on one page: players, whose turn it is, and the game they play.

A generator makes examples up, a discriminator tells them from real ones; players move in turn, the others hold still.
``core/adversarial.py`` is the two-player game, ``core/trainer.py`` trains any game. This file imports nothing of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Batch = Mapping[str, Tensor]
Networks = Mapping[str, nn.Module]


def rows(batch: Batch) -> int:
    """How many examples a batch, or conditions, of tensors ``(rows, ...)`` are for."""
    return len(next(iter(batch.values())))


class Player:
    """A network with its optimiser (Adam).

    ``rate`` multiplies the game's learning rate for this player (two time scales: Heusel et al. 2017); ``weight_decay``
    is decoupled (Loshchilov & Hutter 2019), relative to the learning rate; ``weight_clip`` bounds every weight's size
    after each move (Arjovsky et al. 2017), 0 = off; ``averaged`` players are sampled from a running average of weights.
    """

    def __init__(self, network: nn.Module, *, rate: float = 1.0, weight_decay: float = 0.0, weight_clip: float = 0.0,
                 averaged: bool = False) -> None:  # fmt: skip
        self.network, self.rate, self.weight_clip, self.averaged = network, rate, weight_clip, averaged
        self.weights, fused = list(network.parameters()), not any(w.is_meta for w in network.parameters())
        self.optimizer = torch.optim.AdamW(self.weights, rate, (0.0, 0.99), weight_decay=weight_decay, fused=fused)

    @torch.no_grad()
    def move(self, learning_rate: float, betas: tuple[float, float]) -> None:
        """One optimiser step on the gradients at hand, then the constraint on the weights."""
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = learning_rate * self.rate, betas
        self.optimizer.step()
        for weight in self.weights if self.weight_clip else ():
            weight.clamp_(-self.weight_clip, self.weight_clip)


@dataclass(frozen=True)
class Turn:
    """Who moves, and the loss (a float32 scalar) that the mover minimises. Everyone else holds still."""

    mover: str
    loss: Callable[[], Tensor]


class Step:
    """One step's batches as a game sees them, the time, fresh random numbers, and a ``report`` of scalars to fill.

    ``batches`` holds as many as the game asked for (:attr:`Game.batches`). Random numbers are drawn for the global
    batch from ``seed`` and cut to this process's slice ``part``, so a step is the same however many processes play it.
    """

    def __init__(self, batches: Sequence[Batch], *, examples_seen: int, seed: int, global_batch: int, part: slice,
                 device: torch.device) -> None:  # fmt: skip
        self.batches, self.examples_seen, self.global_batch = batches, examples_seen, global_batch
        self.report, self.part = dict[str, Tensor](), part
        self._random = torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, ``(this process's batch, *shape)``."""
        return torch.randn((self.global_batch, *shape), generator=self._random, device=self._random.device)[self.part]

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(this process's batch, *shape)``."""
        return torch.rand((self.global_batch, *shape), generator=self._random, device=self._random.device)[self.part]


class Output(ABC):
    """One kind of example that a game makes, beside the real ones that it should pass for."""

    inputs: str = ""  # the part of conditions that alone decides examples, by name; none where random numbers do

    @abstractmethod
    def real(self, batch: Batch) -> Tensor:
        """The real examples of a batch, ``(rows, ...)``, in the range of what is generated."""

    @abstractmethod
    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """One example for each row of ``conditions`` (labels, what to translate, ...), ``(rows, ...)``; the same seed
        gives the same examples. Conditions may be on the CPU; ``options`` are those of the modality's sampling."""

    @abstractmethod
    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """The discriminator's logits of ``examples`` under ``conditions``, ``(rows,)``; None before it has learned."""

    def finish(self, generated: Tensor) -> Tensor:
        """Examples ``(rows, ...)``, real or generated, as they leave the game: in the units of the data, ..."""
        return generated


@dataclass(frozen=True)
class Event:
    """Something that a person should be told; ``restarted`` when the players begin again with new weights."""

    message: str
    restarted: bool = False


class Game(ABC):
    """What is played: players, turns, outputs. Knows nothing of devices, precision, processes, files or logs."""

    players: dict[str, Player]
    outputs: dict[str, Output]  # by name; a game that makes one kind of example calls it ""
    batches: int = 1  # of real examples that one step uses up
    classes: int = 0  # labels that examples are conditioned on, 0 for a game without

    @abstractmethod
    def turns(self, step: Step) -> Iterator[Turn]:
        """The turns of one step, in order; any number, by any players. A Python generator: what is computed before a
        ``yield`` can serve several turns, and a turn is played, backward and optimiser step, before the next."""

    def conditions(self, count: int, label: int | None = None) -> Batch:
        """Conditions for ``count`` examples: all of ``label``, or each label in turn; ``row`` numbers them."""
        row = torch.arange(count)
        if not self.classes:
            return {"row": row}
        return {"row": row, "labels": row % self.classes if label is None else torch.full_like(row, label)}

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        """Adapt to means of what the last ``examples`` examples reported; or to measurements, ``metrics/<name>``."""
        return None

    def state(self) -> dict[str, float | Tensor]:
        """What to remember besides players: numbers, alike in all processes; tensors ``(rows, ...)`` of this one."""
        return {}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:  # noqa: B027
        """Take back what :meth:`state` gave, numbers and tensors ``(rows, ...)``."""
