"""The game on pictures: which pair plays, and what the discriminator is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from sparring.core.augmented import AugmentedGame
from sparring.core.errors import UserError
from sparring.core.game import Batch, Step, Turn
from sparring.core.own import part_called
from sparring.core.settings import is_own
from sparring.core.terminal import one_line
from sparring.images.augment import AdaptiveAugment, diff_augment
from sparring.images.networks.flow import FlowGenerator
from sparring.images.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from sparring.images.networks.tutorial import TutorialDiscriminator, TutorialGenerator
from sparring.images.reading.shape import ImageForm
from sparring.images.settings import ImageRecipe, read_widths
from sparring.networks.lean import LeanDiscriminator, LeanGenerator


class ImageGame(AugmentedGame):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1]. Raises :class:`UserError` where recipe and form do not
    go together."""

    def __init__(self, recipe: ImageRecipe, form: ImageForm) -> None:
        classes = len(form.labels) if recipe.conditional else 0
        if recipe.conditional and classes < 2:
            raise UserError(
                f"conditional: {recipe.data} has no labels to condition on; sort the pictures into one folder a "
                "label, add a labels.csv (file,label), or leave conditional out"
            )
        generator, discriminator = networks(recipe, form, classes)
        super().__init__(
            generator, discriminator, recipe, always=diff_augment, adaptive=AdaptiveAugment(), classes=classes
        )
        self.settings = recipe

    def turns(self, step: Step) -> Iterator[Turn]:
        """As in every adversarial game, on batches as they are shown."""
        step.batches = self.shown(step)
        return super().turns(step)

    def shown(self, step: Step) -> Sequence[Batch]:
        """The step's batches as the players are shown them: mirrored, half of the pictures, where the recipe says
        so."""
        if not self.settings.mirror:
            return step.batches
        return [{**batch, "images": mirrored(batch["images"], step)} for batch in step.batches]

    def real(self, batch: Batch) -> Tensor:
        """The batch's pictures ``(batch, channels, height, width)``, from bytes to [-1, 1]."""
        return batch["images"].float() / 127.5 - 1


def mirrored(images: Tensor, step: Step) -> Tensor:
    """Half of the pictures ``(batch, channels, height, width)``, left and right swapped."""
    swap = (step.uniform() < 0.5)[:, None, None, None]
    return torch.where(swap, images.flip(3), images)


def own_pair(
    name: str, *, latent: int, height: int, width: int, channels: int, classes: int
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that the caller's own code makes, called with all of these but its name.
    Raises :class:`UserError` where it gives anything else, and for a generator or a discriminator of other shapes."""
    build = part_called(name)
    try:
        made = build(latent=latent, height=height, width=width, channels=channels, classes=classes)
    except Exception as problem:  # the caller's code may raise anything
        raise UserError(f"network: {name} builds none ({type(problem).__name__}: {one_line(problem)})") from problem
    if not (isinstance(made, tuple) and len(made) == 2 and all(isinstance(each, nn.Module) for each in made)):
        raise UserError(f"network: {name} must give a generator and a discriminator, as a tuple of two modules")
    generator, discriminator = (network.eval() for network in made)  # nothing is counted of what is tried here
    labels = torch.zeros(2, dtype=torch.long) if classes else None
    with torch.no_grad():
        pictures = generator(torch.zeros(2, latent), labels)
        logits = discriminator(torch.zeros(2, channels, height, width), labels)
    if pictures.shape != (2, channels, height, width):
        shape = f"(2, {channels}, {height}, {width})"
        raise UserError(f"network: the generator of {name} makes {tuple(pictures.shape)} of two latents, not {shape}")
    if not logits.ndim or len(logits) != 2:
        raise UserError(f"network: the discriminator of {name} gives {tuple(logits.shape)} for two pictures, not (2,)")
    return generator.train(), discriminator.train()


def networks(recipe: ImageRecipe, form: ImageForm, classes: int) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that the recipe names, for pictures of this form and ``classes`` labels (0
    for players that are shown none). Raises :class:`UserError` for a size that they cannot make."""
    size = {"height": form.height, "width": form.width, "channels": form.channels, "classes": classes}
    if is_own(recipe.network):
        return own_pair(recipe.network, latent=recipe.latent, **size)
    if recipe.network == "tutorial":
        return (
            TutorialGenerator(latent=recipe.latent, bound=recipe.output, **size),
            TutorialDiscriminator(dropout=recipe.dropout, **size),
        )
    if recipe.network == "r3gan":
        widths = read_widths(recipe.widths)
        return (
            R3GANGenerator(latent=recipe.latent, widths=widths, bound=recipe.output, **size),
            R3GANDiscriminator(widths=widths, **size),
        )
    generator: nn.Module
    if recipe.network == "flow":
        generator = FlowGenerator(base=recipe.coupling_width, depth=recipe.coupling_depth, **size)
    else:
        generator = LeanGenerator(
            latent=recipe.latent,
            base=recipe.width,
            batch_norm=recipe.batch_norm != "none",
            bound=recipe.output,
            **size,
        )
    discriminator = LeanDiscriminator(
        base=recipe.width,
        dropout=recipe.dropout,
        batch_statistics=recipe.batch_statistics,
        batch_norm=recipe.batch_norm == "both",
        **size,
    )
    return generator, discriminator
