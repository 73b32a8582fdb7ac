"""What every translation game has: two domains, one or two directions between them, what is shown and remembered.

What ties a translation to its original is the affair of ``cycle.py``, ``contrast.py`` and ``recycle.py``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sparring.core.adversarial_loss import AdversarialLoss, constrain
from sparring.core.errors import UserError
from sparring.core.game import Batch, Event, Game, Networks, Output, Player, Step, Turn
from sparring.core.seeds import mixed
from sparring.images.game import mirrored
from sparring.translation.data import TranslationForm
from sparring.translation.inversion import Inversion, luminance_correlation
from sparring.translation.networks.patch import PatchDiscriminator, field_for
from sparring.translation.networks.resnet import DOWN, ResnetTranslator
from sparring.translation.pool import Pool, depth_for
from sparring.translation.recipes import TranslationRecipe

DOMAINS = ("a", "b")
DIRECTIONS = {"a2b": ("a", "b"), "b2a": ("b", "a")}  # from a source domain, to a target domain
PIXELS = 1 << 20  # translated at once: bounds memory


class Direction(Output):
    """The output of one direction: pictures of the source domain, as those of the target domain would be.

    Batches hold pictures of both domains, uint8 ``(batch, channels, height, width)``, as ``a`` and ``b``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.source, self.target = DIRECTIONS[name]

    def real(self, batch: Batch) -> Tensor:
        """The batch's pictures of the target domain, ``(batch, channels, height, width)`` in [-1, 1]."""
        return as_numbers(batch[self.target])

    def inputs(self, conditions: Batch) -> Tensor:
        """The pictures of the source domain, uint8 ``(rows, channels, height, width)``."""
        return conditions[self.source]

    @torch.no_grad()
    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """The translations ``(rows, channels, height, width)`` of the pictures of the source domain in ``conditions``;
        no random numbers are drawn."""
        return translated(translator_of(networks["generator"], self.name), as_numbers(conditions[self.source]))

    @torch.no_grad()
    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor:
        """The mean logit of the patches of each of ``examples`` ``(rows, channels, height, width)``: ``(rows,)``."""
        logits: Tensor = networks["discriminator"].get_submodule(self.target)(examples)
        return logits.float().mean(1)


class TranslationGame(Game):
    """Domains ``a`` and ``b``, pictures in [-1, 1]; ``directions`` between them, both or one.

    All translators are one player, all discriminators the other. Raises :class:`UserError` for pictures that are too
    small, or of a size that no translator takes.
    """

    def __init__(self, recipe: TranslationRecipe, form: TranslationForm, directions: tuple[str, ...]) -> None:
        height, width = form.height, form.width
        if height % DOWN or width % DOWN or min(height, width) < 2 * DOWN:
            raise UserError(
                f"size: {height}x{width} will not do for training, sides must be multiples of {DOWN} and at least "
                f"{2 * DOWN}; choose another --size"
            )
        field = field_for(min(height, width)) if recipe.patch == "auto" else recipe.patch
        if int(field) > 2 * min(height, width):
            raise UserError(f"patch: {field} pixels are too many for pictures of {height}x{width}; leave it at auto")
        self.recipe, self.form, self.field = recipe, form, field
        self.outputs = {name: Direction(name) for name in directions}
        self.directions = {name: DIRECTIONS[name] for name in directions}
        self.translators, self.discriminators = self.new_networks()
        self.adversarial_losses = {
            target: AdversarialLoss(discriminator, recipe, name=f" {target}")
            for target, discriminator in self.discriminators.items()
        }
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(self.translators, weight_decay=decay, averaged=True),
            "discriminator": Player(
                self.discriminators,
                rate=recipe.discriminator_rate,
                weight_decay=decay,
                weight_clip=recipe.weight_clip,
            ),
        }
        self.pools = {target: Pool(depth_for(recipe.pool, recipe.batch)) for target in self.discriminators}
        self.inversion = Inversion(form.upright and recipe.inversion == "restart")

    def new_networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """New translators, by direction, and new discriminators, by the domain that each knows."""
        recipe, channels = self.recipe, self.form.channels
        translators = {
            name: ResnetTranslator(
                channels=channels,
                width=recipe.width,
                blocks=recipe.blocks,
                upsampling=recipe.upsampling,
                skip=recipe.skip,
                frame=recipe.frame,
            )
            for name in self.directions
        }
        discriminators = {
            target: PatchDiscriminator(channels=channels, width=recipe.width, field=self.field)
            for _, target in self.directions.values()
        }
        return nn.ModuleDict(translators), nn.ModuleDict(discriminators)

    def translator(self, direction: str) -> ResnetTranslator:
        """The translator of one direction."""
        return translator_of(self.translators, direction)

    # The game

    def turns(self, step: Step) -> Iterator[Turn]:
        """The discriminators see new translations and old ones; then the translators move."""
        pictures = self.pictures(step)
        made = self.translate(pictures, step)
        for name, (source, target) in self.directions.items():
            step.report[f"luminance/{name}"] = luminance_correlation(pictures[source], made[target].detach())
        past = {target: self.pools[target].swap(made[target].detach(), step) for target in self.adversarial_losses}
        yield Turn("discriminator", lambda: self.discriminators_loss(step, pictures, past))
        yield Turn("generator", lambda: self.translators_loss(step, pictures, made))

    def pictures(self, step: Step) -> dict[str, Tensor]:
        """The batch's pictures of each domain, ``(batch, channels, height, width)`` in [-1, 1], as they are shown."""
        return {domain: self.augmented(as_numbers(step.batches[0][domain]), step) for domain in DOMAINS}

    def augmented(self, pictures: Tensor, step: Step) -> Tensor:
        """Pictures ``(batch, channels, height, width)`` mirrored and moved, as the recipe says."""
        if self.recipe.mirror:
            pictures = mirrored(pictures, step)
        return moved(pictures, self.recipe.shift, step) if self.recipe.shift else pictures

    @abstractmethod
    def translate(self, pictures: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """All translations that both turns need, ``(batch, channels, height, width)``, made once: those into each
        domain by its name, and what else a game wants under names of its own."""

    @abstractmethod
    def translators_loss(self, step: Step, pictures: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """The loss of the translators, a scalar: pass for the target domain, and stay tied to the originals.

        ``pictures`` and ``made`` are those of :meth:`pictures` and :meth:`translate`, ``(batch, channels, height,
        width)``.
        """

    def discriminators_loss(self, step: Step, pictures: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """The sum of the discriminators' losses, a scalar, on real ``pictures`` and on what was ``made``, by domain."""
        losses = [
            adversarial_loss.discriminator_loss(step, pictures[target], made[target], None)
            for target, adversarial_loss in self.adversarial_losses.items()
        ]
        return torch.stack(losses).sum()

    # What the game makes, remembers and watches

    def conditions(self, count: int, label: int | None = None) -> Batch:
        """Raises :class:`UserError`: a translation needs pictures to work on."""
        raise UserError("a translation makes nothing from nothing; give it pictures: sparring translate RUN INPUT...")

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        """New weights for everyone when light and dark were swapped early on."""
        if not examples:
            return None  # a measurement, which tells nothing of luminance
        direction = self.inversion.noticed(means, examples)
        if not direction:
            return None
        torch.manual_seed(mixed(self.recipe.seed, self.inversion.restarts))
        translators, discriminators = self.new_networks()
        if self.recipe.spectral_norm:
            constrain(discriminators)
        self.translators.load_state_dict(translators.state_dict())
        self.discriminators.load_state_dict(discriminators.state_dict())
        message = (
            f"{direction} swapped light and dark, which no translator unlearns; all begin again with other weights"
        )
        return Event(message, restarted=True)

    def state(self) -> dict[str, float | Tensor]:
        """What the watch for swapped light has counted; the pools of past translations, ``(batch, depth, channels,
        height, width)``, once there are any."""
        pools = {f"pool {name}": pool.kept for name, pool in self.pools.items() if pool.kept is not None}
        return {**self.inversion.state(), **pools}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:
        """Take back what :meth:`state` gave, pools ``(batch, depth, channels, height, width)`` among it."""
        self.inversion.load(state)
        for name, pool in self.pools.items():
            kept = state.get(f"pool {name}")
            pool.kept = kept if isinstance(kept, Tensor) else None


def translator_of(generator: nn.Module, direction: str) -> ResnetTranslator:
    """The translator of one direction in a generator, which holds all translators by direction."""
    translator = generator.get_submodule(direction)
    assert isinstance(translator, ResnetTranslator)
    return translator


def as_numbers(pictures: Tensor) -> Tensor:
    """Bytes of any shape as float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1


def translated(translator: nn.Module, pictures: Tensor) -> Tensor:
    """Pictures ``(n, channels, height, width)`` in [-1, 1] translated, a megapixel at a time; float32, of that
    shape."""
    count = max(1, PIXELS // pictures[0, 0].numel())
    return torch.cat([translator(chunk).float() for chunk in torch.split(pictures, count)])


def moved(pictures: Tensor, most: int, step: Step) -> Tensor:
    """Each of ``pictures`` ``(batch, channels, height, width)`` moved by up to ``most`` pixels, reflected at its
    borders; never resized, so that things have the size that they will have when they are translated."""
    height, width = pictures.shape[2:]
    most = min(most, height - 1, width - 1)
    padded = pad(pictures, (most, most, most, most), mode="reflect")
    offset = (step.uniform(2) * (2 * most + 1)).long()
    rows = (offset[:, :1] + torch.arange(height, device=offset.device))[:, None, :, None]
    columns = (offset[:, 1:] + torch.arange(width, device=offset.device))[:, None, None, :]
    index = torch.arange(len(pictures), device=offset.device)[:, None, None, None]
    channel = torch.arange(pictures.shape[1], device=offset.device)[None, :, None, None]
    return padded[index, channel, rows, columns]
