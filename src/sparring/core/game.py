"""The whole idea on one page: players, whose turn it is, and the game they play.

A generator makes things up, a discriminator calls the bluff; they move in turn, and whoever does not move
holds still. This file imports nothing of ours. ``core/adversarial.py`` plays it with two players,
``core/trainer.py`` can play anything that is written in these words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Networks = Mapping[str, nn.Module]


class Player:
    """A network with its optimiser (Adam).

    ``rate`` multiplies the game's learning rate for this player (two time scales: Heusel et al. 2017);
    ``weight_decay`` is decoupled (Loshchilov & Hutter 2019), per step, relative to the learning rate;
    ``weight_clip`` keeps every weight in ``[-weight_clip, weight_clip]`` after each move (Arjovsky et al. 2017), 0 = off;
    ``averaged`` players are sampled from a running average of their weights.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        rate: float = 1.0,
        weight_decay: float = 0.0,
        weight_clip: float = 0.0,
        averaged: bool = False,
    ) -> None:
        self.network = network
        self.rate = rate
        self.weight_clip = weight_clip
        self.averaged = averaged
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=rate, betas=(0.0, 0.99), eps=1e-8, weight_decay=weight_decay, fused=True
        )

    @torch.no_grad()
    def move(self, learning_rate: float, betas: tuple[float, float]) -> None:
        """One optimiser step on the gradients at hand, then the constraint on the weights."""
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = learning_rate * self.rate, betas
        self.optimizer.step()
        if self.weight_clip:
            for weight in self.network.parameters():
                weight.clamp_(-self.weight_clip, self.weight_clip)


@dataclass(frozen=True)
class Turn:
    """Who moves, and the loss (a float32 scalar) that the mover minimises. Everyone else holds still."""

    mover: str
    loss: Callable[[], Tensor]


class Step:
    """One step's batches as a game sees them, the time, fresh random numbers, and a slate for what to report.

    ``batches`` holds as many as the game asked for (:attr:`Game.batches`). Random numbers are drawn for the
    global batch from ``(seed, examples_seen)`` and cut to this process's slice, so a step is the same however
    many processes play it, and the same when it is played again.
    """

    def __init__(
        self,
        batches: Sequence[Mapping[str, Tensor]],
        *,
        examples_seen: int,
        seed: int,
        global_batch: int,
        part: slice,
        device: torch.device,
    ) -> None:
        self.batches = batches
        self.examples_seen = examples_seen
        self.global_batch = global_batch
        self.report: dict[str, Tensor] = {}
        self._part = part
        self._random = torch.Generator(device).manual_seed(mixed(seed, examples_seen))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, ``(this process's batch, *shape)``."""
        size = (self.global_batch, *shape)
        return torch.randn(size, generator=self._random, device=self._random.device)[self._part]

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(this process's batch, *shape)``."""
        size = (self.global_batch, *shape)
        return torch.rand(size, generator=self._random, device=self._random.device)[self._part]


def mixed(*numbers: int) -> int:
    """A 63-bit seed from several whole numbers (the multiply-xorshift of SplitMix64, folded over them)."""
    state = 0
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


class Side(ABC):
    """One kind of examples that are made, beside the real ones that they are to pass for."""

    @abstractmethod
    def imitate(self, networks: Networks, batch: Mapping[str, Tensor], *, seed: int) -> Tensor:
        """As many examples as ``batch`` has, made by ``networks`` (players' names to networks) under its conditions
        (labels, what to translate, ...) where the game has any; the same for the same seed."""

    @abstractmethod
    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The real examples of a batch, ``(batch, ...)`` floats in the range of what is made."""

    @abstractmethod
    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        """Logits ``(batch,)`` of ``examples``, under the conditions (labels, ...) that ``batch`` carries."""

    def present(self, samples: Tensor) -> Tensor:
        """Samples in the units that a person wants to see them in."""
        return samples


class Game(Side):
    """What is played. Knows nothing of devices, precision, processes, files or logs."""

    players: dict[str, Player]
    batches: int = 1  # of real examples that one step uses up

    @abstractmethod
    def turns(self, step: Step) -> Iterator[Turn]:
        """The turns of one step, in order; any number, by any players.

        Written as a Python generator: what is computed before a ``yield`` can serve several turns (the same
        fakes for the discriminator's move and for the generator's), and each turn is played, backward pass
        and optimiser step, before the next one is asked for.
        """

    @abstractmethod
    def sample(self, networks: Networks, count: int, *, seed: int, label: int | None = None) -> Tensor:
        """``count`` examples made by ``networks``, the same for the same seed."""

    def imitate(self, networks: Networks, batch: Mapping[str, Tensor], *, seed: int) -> Tensor:
        """As many samples as ``batch`` has examples; a game with conditions takes them from the batch."""
        return self.sample(networks, len(next(iter(batch.values()))), seed=seed)

    def sheet(self, networks: Networks, batch: Mapping[str, Tensor], count: int, *, seed: int) -> Tensor:
        """What a sheet shows: samples; of a game that changes examples, those of ``batch`` beside what it makes."""
        return self.sample(networks, count, seed=seed)

    def sides(self) -> Mapping[str, Side]:
        """What is made, by name: one kind, unless the game makes several at once (both ways of a translation)."""
        return {"": self}

    def heed(self, report: Mapping[str, float], examples: int) -> str:
        """Adapt to how the game goes: means of what was reported over the last ``examples`` examples.

        Not empty when the game has given its players new weights to begin again with: the reason, in words.
        """
        return ""

    def judges(self, networks: Networks) -> bool:
        """Whether the judge has begun to learn."""
        return True

    def measures(self, networks: Networks, held_out: Mapping[str, Tensor]) -> dict[str, float]:
        """What only this game can measure, on examples that no turn has seen."""
        return {}

    def measured(self, distance: float) -> str:
        """Adapt to the distance that the best weights are kept by, each time that it is measured; infinite where it
        could not be. Not empty when something begins or ends by it: what, in words."""
        return ""

    def state(self) -> dict[str, float]:
        """What the game itself must remember between rounds, besides its players."""
        return {}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Take back what :meth:`state` gave."""

    def memory(self) -> dict[str, Tensor]:
        """Tensors to remember, a row for each of this process's examples of a batch; the same names every time."""
        return {}

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`memory` gave."""
