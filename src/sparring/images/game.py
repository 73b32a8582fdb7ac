"""The game on pictures: which pair plays, what bounds its output, what the judge is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.adversarial import AdversarialGame
from sparring.core.errors import UserError
from sparring.core.game import Step, Turn
from sparring.images.augment import AdaptiveAugment, AdaptiveProbability, diff_augment
from sparring.images.networks.lean import LeanDiscriminator, LeanGenerator
from sparring.images.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from sparring.images.networks.tutorial import TutorialDiscriminator, TutorialGenerator
from sparring.images.recipes import ImageRecipe, read_widths

BOUNDS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "clamp": lambda images: images.clamp(-1, 1),
    "free": lambda images: images,
}


class ImageGame(AdversarialGame):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1]."""

    def __init__(self, recipe: ImageRecipe, form: Mapping[str, Any]) -> None:
        classes = len(form["labels"]) if recipe.conditional else 0
        if recipe.conditional and classes < 2:
            raise UserError(
                f"conditional: {recipe.data} has no labels to condition on; sort the pictures into one folder a "
                "label, add a labels.csv (file,label), or leave conditional out"
            )
        generator, discriminator = networks(recipe, form, classes)
        super().__init__(
            generator, discriminator, recipe, classes=classes, augment=self.augmented, bound=BOUNDS[recipe.output]
        )
        self.settings = recipe
        self.adaptive = AdaptiveAugment() if recipe.augment == "ada" else None
        self.probability = AdaptiveProbability(recipe.augment_target, recipe.augment_limit.highest)

    def turns(self, step: Step) -> Iterator[Turn]:
        """As in every adversarial game, with half of the real pictures mirrored where the recipe says so."""
        if self.settings.mirror:
            step.batches = [{**batch, "images": mirrored(batch["images"], step)} for batch in step.batches]
        return super().turns(step)

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The batch's pictures, from bytes to [-1, 1]."""
        return batch["images"].float() / 127.5 - 1

    def augmented(self, examples: Tensor, step: Step) -> Tensor:
        """What the judge is shown, of the real ones and of the generated."""
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

    def heed(self, report: Mapping[str, float], examples: int) -> str:
        """ADA's controller: more augmentation while the judge is too sure of the reals."""
        if self.adaptive and not self.settings.augment_fixed:
            self.probability.update(2 * report["accuracy/real"] - 1, examples)
        return ""

    def state(self) -> dict[str, float]:
        """ADA's probability."""
        return self.probability.state() if self.adaptive else {}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Take back what :meth:`state` gave."""
        if self.adaptive:
            self.probability.load(state)


def mirrored(images: Tensor, step: Step) -> Tensor:
    """Half of the pictures, left and right swapped."""
    swap = (step.uniform() < 0.5)[:, None, None, None]
    return torch.where(swap, images.flip(3), images)


def build(recipe: ImageRecipe, form: Mapping[str, Any]) -> ImageGame:
    """The game that ``recipe`` describes, on pictures of this form."""
    return ImageGame(recipe, form)


def networks(recipe: ImageRecipe, form: Mapping[str, Any], classes: int) -> tuple[nn.Module, nn.Module]:
    """The pair that plays."""
    size = {key: form[key] for key in ("height", "width", "channels")}
    latent = recipe.latent
    if recipe.network == "tutorial":
        return (
            TutorialGenerator(latent=latent, classes=classes, **size),
            TutorialDiscriminator(classes=classes, dropout=recipe.dropout, **size),
        )
    if recipe.network == "r3gan":
        widths = read_widths(recipe.widths)
        return (
            R3GANGenerator(latent=latent, classes=classes, widths=widths, **size),
            R3GANDiscriminator(classes=classes, widths=widths, **size),
        )
    return (
        LeanGenerator(
            latent=latent, classes=classes, base=recipe.width, batch_norm=recipe.batch_norm != "none", **size
        ),
        LeanDiscriminator(
            classes=classes,
            base=recipe.width,
            dropout=recipe.dropout,
            batch_statistics=recipe.batch_statistics,
            batch_norm=recipe.batch_norm == "both",
            **size,
        ),
    )
