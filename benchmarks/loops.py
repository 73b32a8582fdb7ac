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
from torch.nn.functional import instance_norm

from sparring.core.convolution import Conv2d, ConvTranspose2d
from sparring.core.game import Batch
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import create
from sparring.core.status import Status
from sparring.core.trainer import PERIOD
from sparring.images.recipes import ImageRecipe
from sparring.translation.networks.layers import Doubling, ReflectedConvolution
from sparring.translation.networks.normalise import EPSILON, InstanceNorm
from sparring.translation.recipes import TranslationRecipe
from sparring.verbs.session import Session


class Loop(Protocol):
    """Something that trains."""

    def play(self, steps: int) -> None:
        """Train for that many steps."""


class SparringLoop:
    """Sparring's session as ``sparring train`` builds it: its feed, its game, its trainer."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.session = Session(recipe, Process(), lambda: create(folder, recipe))
        self.trainer, self.monitor = self.session.trainer, self.session.monitor
        self.monitor.status = Status(quiet=True)
        self.feed = self.session.feed(0)

    def play(self, steps: int) -> None:
        """Do what :meth:`Trainer.play` does at every step; what it does by the clock is left out."""
        batches = iter(self.next_batch, None)
        for _ in range(steps):
            self.trainer.step(batches)
            if self.trainer.progress.step % PERIOD == 0:
                self.trainer.look()

    def next_batch(self) -> Batch | None:
        """The feed's next batch, tensors of ``(batch, ...)``; never None."""
        return next(self.feed)

    def textbook(self, pictures: Tensor) -> Textbook:
        """The textbook's loop on pictures ``(count, channels, height, width)`` uint8, with copies of these networks,
        their weights laid out as torch's own."""
        recipe, device = self.trainer.recipe, self.trainer.precision.device
        assert isinstance(recipe, ImageRecipe)
        generator, discriminator, average = self.copies()
        return Textbook(
            generator,
            discriminator,
            average,
            pictures,
            latent=recipe.latent,
            batch=recipe.batch,
            learning_rate=recipe.learning_rate(0),
            average_half_life=recipe.average_half_life(0),
            relativistic=recipe.objective == "relativistic",
            device=device,
        )

    def textbook_cycle(self, domains: dict[str, Tensor]) -> TextbookCycle:
        """The textbook's loop of CycleGAN between two domains of pictures ``(count, channels, height, width)`` uint8,
        with copies of these networks."""
        recipe, device = self.trainer.recipe, self.trainer.precision.device
        assert isinstance(recipe, TranslationRecipe)
        translators, discriminators, average = self.copies()
        assert isinstance(translators, nn.ModuleDict)
        assert isinstance(discriminators, nn.ModuleDict)
        return TextbookCycle(
            translators,
            discriminators,
            average,
            domains,
            batch=recipe.batch,
            learning_rate=recipe.learning_rate(0),
            cycle=recipe.cycle(0),
            identity=recipe.identity(0),
            pool=recipe.pool,
            average_half_life=2_000,
            device=device,
        )

    def copies(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Copies of the generator, the discriminator and the generator's average, every tensor contiguous."""
        players = self.session.game.players
        networks = (
            players["generator"].network,
            players["discriminator"].network,
            self.trainer.averages.networks["generator"],
        )
        generator, discriminator, average = (plain_copy(network) for network in networks)
        return generator, discriminator, average


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy with every tensor contiguous and torch's own layers where Sparring computes theirs another way."""
    copied = copy.deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return as_in_a_tutorial(copied)


class TutorialNorm(nn.Module):
    """torch's instance norm, for any number of channels."""

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, channels, height, width)``, normalised."""
        return instance_norm(features, eps=EPSILON)


def as_in_a_tutorial(network: nn.Module) -> nn.Module:
    """The network with torch's own layers, of the same weights, where Sparring computes theirs in another way."""
    for name, layer in network.named_children():
        network.register_module(name, as_in_a_tutorial(layer))
    if isinstance(network, InstanceNorm):
        return TutorialNorm()
    if isinstance(network, Doubling):
        return nn.Sequential(*network)
    if isinstance(network, ReflectedConvolution):
        inputs, outputs, kernel = network.in_channels, network.out_channels, network.kernel_size[0]
        bias = network.bias is not None
        plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)
        plain.load_state_dict(network.state_dict())
        return plain.requires_grad_(network.weight.requires_grad)
    if isinstance(network, Conv2d | ConvTranspose2d):
        network.__class__ = type(network).__base__  # type: ignore[assignment]
    return network


def timed(loop: Loop, steps: int) -> float:
    """The seconds that so many steps take."""
    began = now()
    loop.play(steps)
    return now() - began
