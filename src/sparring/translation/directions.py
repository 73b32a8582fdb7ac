"""What every translation game has: two worlds, one or two ways between them, what is shown and remembered of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sparring.core.adversarial_loss import AdversarialLoss, constrain
from sparring.core.errors import UserError
from sparring.core.game import Game, Networks, Player, Side, Step, Turn, mixed
from sparring.images.game import mirrored
from sparring.translation.inversion import Inversion, luminance_correlation
from sparring.translation.networks.patch import PatchDiscriminator, field_for
from sparring.translation.networks.resnet import DOWN, ResnetTranslator
from sparring.translation.pool import Pool, depth_for
from sparring.translation.recipes import TranslationRecipe

WAYS = {"a2b": ("a", "b"), "b2a": ("b", "a")}  # from, to
PIXELS = 1 << 20  # translated at once: bounds memory
SHOWN = 16  # pictures on a sheet


class Direction(Side):
    """One way of a translation: the pictures of a world, in the other one's manner."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.source, self.target = WAYS[way]

    @torch.no_grad()
    def imitate(self, networks: Networks, batch: Mapping[str, Tensor], *, seed: int) -> Tensor:
        """The translations of the batch's pictures; nothing is left to chance."""
        return translated(networks["generator"], self.way, as_numbers(batch[self.source]))

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The batch's pictures of the target world."""
        return as_numbers(batch[self.target])

    @torch.no_grad()
    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        """The mean logit of each picture's patches."""
        judges = networks["discriminator"]
        assert isinstance(judges, nn.ModuleDict)
        logits: Tensor = judges[self.target](examples)
        return logits.float().mean(1)


class Translation(Game):
    """Worlds ``a`` and ``b``, pictures in [-1, 1]; ``ways`` between them, in both directions or in one.

    All translators are one player, all judges the other.
    """

    def __init__(self, recipe: TranslationRecipe, form: Mapping[str, Any], ways: tuple[str, ...]) -> None:
        height, width = form["height"], form["width"]
        if height % DOWN or width % DOWN or min(height, width) < 2 * DOWN:
            raise UserError(
                f"size: {height}x{width} will not do for training, sides must be multiples of {DOWN} and at least "
                f"{2 * DOWN}; choose another --size"
            )
        field = field_for(min(height, width)) if recipe.patch == "auto" else recipe.patch
        if int(field) > 2 * min(height, width):
            raise UserError(f"patch: {field} pixels are too many for pictures of {height}x{width}; leave it at auto")
        self.recipe, self.form, self.ways, self.field = recipe, form, ways, field
        translators, judges = self.networks()
        self.adversarial_losses = {
            target: AdversarialLoss(judge, recipe, name=f" {target}") for target, judge in judges.items()
        }
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(translators, weight_decay=decay, averaged=True),
            "discriminator": Player(
                judges, rate=recipe.discriminator_rate, weight_decay=decay, weight_clip=recipe.weight_clip
            ),
        }
        self.pools = {target: Pool(depth_for(recipe.pool, recipe.batch)) for target in judges}
        self.inversion = Inversion(form["upright"] and recipe.inversion == "restart")

    def networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """New translators and judges."""
        recipe, channels = self.recipe, self.form["channels"]
        translators = {
            way: ResnetTranslator(
                channels=channels,
                width=recipe.width,
                blocks=recipe.blocks,
                upsampling=recipe.upsampling,
                skip=recipe.skip,
                frame=recipe.frame,
            )
            for way in self.ways
        }
        judges = {
            WAYS[way][1]: PatchDiscriminator(channels=channels, width=recipe.width, field=self.field)
            for way in self.ways
        }
        return nn.ModuleDict(translators), nn.ModuleDict(judges)

    def turns(self, step: Step) -> Iterator[Turn]:
        """The judges see new translations and old ones; then the translators move."""
        worlds = self.worlds(step)
        made = self.translate(worlds, step)
        for way in self.ways:
            source, target = WAYS[way]
            step.report[f"luminance/{way}"] = luminance_correlation(worlds[source], made[target].detach())
        past = {target: self.pools[target].swap(made[target].detach(), step) for target in self.adversarial_losses}
        yield Turn("discriminator", lambda: self.judges_loss(step, worlds, past))
        yield Turn("generator", lambda: self.translators_loss(step, worlds, made))

    def worlds(self, step: Step) -> dict[str, Tensor]:
        """The batch's pictures of each world, in [-1, 1]."""
        return {world: self.shown(as_numbers(step.batches[0][world]), step) for world in ("a", "b")}

    def shown(self, pictures: Tensor, step: Step) -> Tensor:
        """Mirrored and moved, as the recipe says."""
        if self.recipe.mirror:
            pictures = mirrored(pictures, step)
        return moved(pictures, self.recipe.shift, step) if self.recipe.shift else pictures

    @abstractmethod
    def translate(self, worlds: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """What :meth:`translators_loss` needs of the translators, computed once for both turns; the translations by the
        name of the world that they are in."""

    @abstractmethod
    def translators_loss(self, step: Step, worlds: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """To convince the judges and to stay tied to the originals."""

    def judges_loss(self, step: Step, worlds: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """The sum over the judges."""
        losses = [
            adversarial_loss.discriminator_loss(step, worlds[target], made[target], None)
            for target, adversarial_loss in self.adversarial_losses.items()
        ]
        return torch.stack(losses).sum()

    # What the game is for

    def sides(self) -> dict[str, Side]:
        """Each way."""
        return {way: Direction(way) for way in self.ways}

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Those of the first way's target."""
        return Direction(self.ways[0]).examples(batch)

    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        """By the first way's judge."""
        return Direction(self.ways[0]).judge(networks, batch, examples)

    def sample(self, networks: Networks, count: int, *, seed: int, label: int | None = None) -> Tensor:
        """There is nothing to sample. Raises :class:`UserError`."""
        raise UserError("a translation makes nothing from nothing; give it pictures: sparring translate RUN INPUT...")

    @torch.no_grad()
    def sheet(self, networks: Networks, batch: Mapping[str, Tensor], count: int, *, seed: int) -> Tensor:
        """Strips ``(n, channels, height, k * width)``: a picture, its translation and, both ways, the way back."""
        strips = []
        for way in self.ways:
            source, _ = WAYS[way]
            strip = [as_numbers(batch[source][:SHOWN])]
            for step in (way, *(other for other in self.ways if other != way)):
                strip.append(translated(networks["generator"], step, strip[-1]))
            strips.append(torch.cat(strip, 3))
        return torch.cat(strips)

    def heed(self, report: Mapping[str, float], examples: int) -> str:
        """New weights for everyone when light and dark were swapped early on."""
        way = self.inversion.noticed(report, examples)
        if not way:
            return ""
        torch.manual_seed(mixed(self.recipe.seed, self.inversion.restarts))
        translators, judges = self.networks()
        if self.recipe.spectral_norm:
            constrain(judges)
        for name, network in zip(self.players, (translators, judges), strict=True):
            self.players[name].network.load_state_dict(network.state_dict())
        return f"{way} swapped light and dark, which no translator unlearns; all begin again with other weights"

    def state(self) -> dict[str, float]:
        """What the watch for swapped light has seen."""
        return self.inversion.state()

    def load_state(self, state: Mapping[str, float]) -> None:
        """Take back what :meth:`state` gave."""
        self.inversion.load(state)

    def memory(self) -> dict[str, Tensor]:
        """The pools."""
        return {f"pool {name}": pool.kept for name, pool in self.pools.items() if pool.kept is not None}

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`memory` gave."""
        for name, pool in self.pools.items():
            pool.kept = memory.get(f"pool {name}")


def as_numbers(pictures: Tensor) -> Tensor:
    """Bytes to [-1, 1]."""
    return pictures.float() / 127.5 - 1


def translated(translators: nn.Module, way: str, pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] translated, some at a time, float32."""
    assert isinstance(translators, nn.ModuleDict)
    some = max(1, PIXELS // pictures[0, 0].numel())
    return torch.cat([translators[way](part).float() for part in torch.split(pictures, some)])


def moved(pictures: Tensor, most: int, step: Step) -> Tensor:
    """Each picture by up to ``most`` pixels each way, reflected at its borders; never resized, so that things have the
    size that they will have when they are translated."""
    height, width = pictures.shape[2:]
    most = min(most, height - 1, width - 1)
    padded = pad(pictures, (most, most, most, most), mode="reflect")
    place = (step.uniform(2) * (2 * most + 1)).long()
    rows = (place[:, :1] + torch.arange(height, device=place.device))[:, None, :, None]
    columns = (place[:, 1:] + torch.arange(width, device=place.device))[:, None, None, :]
    index = torch.arange(len(pictures), device=place.device)[:, None, None, None]
    channel = torch.arange(pictures.shape[1], device=place.device)[None, :, None, None]
    return padded[index, channel, rows, columns]
