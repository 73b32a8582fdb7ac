"""The two loops that are compared: Sparring's, and the textbook's on copies of the same networks."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Protocol

import torch
from stopwatch import now
from textbook import Textbook
from textbook_cycle import TextbookCycle
from torch import Tensor, nn

from sparring.core.processes import Processes
from sparring.core.recipe import Recipe
from sparring.core.run import create
from sparring.core.status import Status
from sparring.core.trainer import PERIOD, Batch
from sparring.images.recipes import ImageRecipe
from sparring.translation.recipes import TranslationRecipe
from sparring.verbs.session import Session


class Loop(Protocol):
    """Something that trains."""

    def play(self, steps: int) -> None:
        """Train for that many steps."""


class Ours:
    """Sparring's session as ``sparring train`` builds it: its feed, its game, its trainer."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.session = Session(recipe, Processes(), lambda: create(folder, recipe))
        self.trainer = self.session.trainer
        self.trainer.status = Status(quiet=True)
        self.feed = self.session.feed(0)

    def play(self, steps: int) -> None:
        """What :meth:`Trainer.play` does at every step; what it does by the clock is left out."""
        batches = iter(self.next_batch, None)
        for _ in range(steps):
            self.trainer.step(batches)
            if self.trainer.step_count % PERIOD == 0:
                self.trainer.look()

    def next_batch(self) -> Batch | None:
        """The feed's, never None."""
        return next(self.feed)

    def textbook(self, pictures: Tensor) -> Textbook:
        """The plain loop with copies of these networks, their weights laid out as torch's own."""
        recipe, device = self.trainer.recipe, self.trainer.precision.device
        assert isinstance(recipe, ImageRecipe)
        players = self.session.game.players
        return Textbook(
            plain_copy(players["generator"].network),
            plain_copy(players["discriminator"].network),
            plain_copy(self.trainer.averages["generator"]),
            pictures,
            latent=recipe.latent,
            batch=recipe.batch,
            learning_rate=recipe.learning_rate(0),
            average_half_life=recipe.average_half_life(0),
            relativistic=recipe.objective == "relativistic",
            device=device,
        )

    def textbook_cycle(self, worlds: dict[str, Tensor]) -> TextbookCycle:
        """The same for two worlds."""
        recipe, device = self.trainer.recipe, self.trainer.precision.device
        assert isinstance(recipe, TranslationRecipe)
        translators, judges, average = (
            plain_copy(network)
            for network in (
                self.session.game.players["generator"].network,
                self.session.game.players["discriminator"].network,
                self.trainer.averages["generator"],
            )
        )
        assert isinstance(translators, nn.ModuleDict)
        assert isinstance(judges, nn.ModuleDict)
        return TextbookCycle(
            translators,
            judges,
            average,
            worlds,
            batch=recipe.batch,
            learning_rate=recipe.learning_rate(0),
            cycle=recipe.cycle(0),
            identity=recipe.identity(0),
            pool=recipe.pool,
            average_half_life=2_000,
            device=device,
        )


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy with every tensor contiguous."""
    return copy.deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]


def timed(loop: Loop, steps: int) -> float:
    """Seconds for that many steps."""
    began = now()
    loop.play(steps)
    return now() - began
