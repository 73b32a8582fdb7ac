"""The game on pictures: which pair plays, and what the discriminator is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from sparring.core.adversarial import AdversarialGame
from sparring.core.errors import UserError
from sparring.core.game import Batch, Event, Step, Turn
from sparring.images.augment import AdaptiveAugment, AdaptiveProbability, diff_augment
from sparring.images.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from sparring.images.networks.tutorial import TutorialDiscriminator, TutorialGenerator
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import ImageRecipe, read_widths
from sparring.networks.lean import LeanDiscriminator, LeanGenerator


class ImageGame(AdversarialGame):
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
        super().__init__(generator, discriminator, recipe, classes=classes, augment=self.augmented)
        self.settings = recipe
        self.adaptive = AdaptiveAugment() if recipe.augment == "ada" else None
        self.probability = AdaptiveProbability(recipe.augment_target, recipe.augment_limit.highest)

    def turns(self, step: Step) -> Iterator[Turn]:
        """As in every adversarial game, with half of the real pictures mirrored where the recipe says so."""
        if self.settings.mirror:
            step.batches = [{**batch, "images": mirrored(batch["images"], step)} for batch in step.batches]
        return super().turns(step)

    def real(self, batch: Batch) -> Tensor:
        """The batch's pictures ``(batch, channels, height, width)``, from bytes to [-1, 1]."""
        return batch["images"].float() / 127.5 - 1

    # Augmentation

    def augmented(self, examples: Tensor, step: Step) -> Tensor:
        """What the discriminator is shown of pictures ``(batch, channels, height, width)``, real or generated."""
        if self.settings.augment == "diff":
            return diff_augment(examples, step)
        if not self.adaptive:
            return examples
        strength = self.strength(step.examples_seen)
        step.report["augment/probability"] = examples.new_tensor(strength)
        return self.adaptive(examples, strength, step)

    def strength(self, examples_seen: int) -> float:
        """The probability with which each of ADA's augmentations is applied."""
        limit = self.settings.augment_limit(examples_seen)
        return limit if self.settings.augment_fixed else min(self.probability.p, limit)

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        """ADA's controller: more augmentation while the discriminator is too sure of the real pictures. Measurements,
        which come with 0 ``examples``, do not move it."""
        if self.adaptive and not self.settings.augment_fixed and examples:
            self.probability.update(2 * means["accuracy/real"] - 1, examples)
        return None

    def state(self) -> dict[str, float | Tensor]:
        """ADA's probability, a scalar called ``augment_p``; empty where nothing adapts."""
        return {"augment_p": self.probability.p} if self.adaptive else {}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:
        """Take back the scalar that :meth:`state` gave."""
        if self.adaptive:
            self.probability.p = float(state["augment_p"])


def mirrored(images: Tensor, step: Step) -> Tensor:
    """Half of the pictures ``(batch, channels, height, width)``, left and right swapped."""
    swap = (step.uniform() < 0.5)[:, None, None, None]
    return torch.where(swap, images.flip(3), images)


def networks(recipe: ImageRecipe, form: ImageForm, classes: int) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that the recipe names, for pictures of this form and ``classes`` labels (0
    for players that are shown none). Raises :class:`UserError` for a size that they cannot make."""
    size = {"height": form.height, "width": form.width, "channels": form.channels, "classes": classes}
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
    return (
        LeanGenerator(
            latent=recipe.latent,
            base=recipe.width,
            batch_norm=recipe.batch_norm != "none",
            bound=recipe.output,
            **size,
        ),
        LeanDiscriminator(
            base=recipe.width,
            dropout=recipe.dropout,
            batch_statistics=recipe.batch_statistics,
            batch_norm=recipe.batch_norm == "both",
            **size,
        ),
    )
