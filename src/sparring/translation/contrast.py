"""CUT (Park, Efros, Zhang, Zhu 2020): one translator; each patch of a translation is told from others by its original.

FastCUT is the same without the identity term, with a heavier contrastive loss and mirrored pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparring.core.game import Step
from sparring.translation.data import TranslationForm
from sparring.translation.game import TranslationGame
from sparring.translation.motion import motion_loss
from sparring.translation.networks.companions import Projector
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.recipes import TranslationRecipe

DIRECTION = "a2b"


class ContrastGame(TranslationGame):
    """From domain ``a`` to ``b`` alone, tied by a patchwise contrastive loss."""

    def __init__(self, recipe: TranslationRecipe, form: TranslationForm) -> None:
        super().__init__(recipe, form, (DIRECTION,))

    def new_networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """A new translator, with the projector that moves with it, and a new discriminator."""
        translators, discriminators = super().new_networks()
        translator = translators[DIRECTION]
        assert isinstance(translator, ResnetTranslator)
        translators["projector"] = Projector(translator.widths())
        return translators, discriminators

    def translate(self, pictures: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """Translations of ``pictures`` into ``b``; ``same b``, where the recipe asks for it, what became of those that
        were of domain b already; all ``(batch, channels, height, width)``.

        Where the recipe says ``flipped``, half of the originals go mirrored through the translator and are mirrored
        back after it, so that left and right make no difference to it (FastCUT's flip equivariance).
        """
        translator = self.translator(DIRECTION)
        if self.recipe.contrast_identity:
            both = torch.cat([translator.framed(pictures["a"]), pictures["b"]])
            made, same = translator.redraw(both).chunk(2)
            return {"b": made, "same b": same}
        if not self.recipe.flipped:
            return {"b": translator(pictures["a"])}
        flip = (step.uniform() < 0.5)[:, None, None, None]
        made = translator(torch.where(flip, pictures["a"].flip(3), pictures["a"]))
        return {"b": torch.where(flip, made.flip(3), made)}

    def translators_loss(self, step: Step, pictures: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """Eq. 6 of the paper, weighted as the recipe says: a scalar."""
        recipe, translator = self.recipe, self.translator(DIRECTION)

        # Pass for the target domain
        losses = [self.adversarial_losses["b"].generator_loss(step, pictures["b"], made["b"], None)]

        # Contrastive losses: of translations with their originals, and of pictures of the target domain with themselves
        contrasts = [self.contrast(translator.framed(pictures["a"]), made["b"], step)]
        if recipe.contrast_identity:
            contrasts.append(self.contrast(pictures["b"], made["same b"], step))
        for name, contrast in zip((DIRECTION, "b"), contrasts, strict=False):
            step.report[f"contrast/{name}"] = contrast
        losses.append(recipe.contrast * torch.stack(contrasts).mean())

        # The identity loss, and temporal consistency
        if identity := recipe.identity(step.examples_seen):
            change = (translator.redraw(pictures["b"]) - pictures["b"]).abs().mean()
            step.report["identity/b"] = change
            losses.append(identity * change)
        if recipe.motion:
            losses.append(recipe.motion * motion_loss(translator, pictures["a"], made["b"], step, DIRECTION))
        return torch.stack(losses).sum()

    def contrast(self, originals: Tensor, made: Tensor, step: Step) -> Tensor:
        """The contrastive loss of patches, a scalar: the mean over features of several depths. Both are
        ``(batch, channels, height, width)``; gradients reach ``made`` alone."""
        translator, projector = self.translator(DIRECTION), self.translators["projector"]
        features_made = translator.features(made)
        with torch.no_grad():
            features_original = translator.features(originals)
        losses = []
        for depth, (features, reference) in enumerate(zip(features_made, features_original, strict=True)):
            positions = self.positions(features, step)
            projected, keys = (projector(depth, at(each, positions)) for each in (features, reference))
            losses.append(patch_contrast(projected, keys.detach(), self.recipe.temperature))
        return torch.stack(losses).mean()

    def positions(self, features: Tensor, step: Step) -> Tensor:
        """Which patches of each picture are compared, all different: ``(batch, patches)`` for features
        ``(batch, channels, height, width)``."""
        count = features.shape[2] * features.shape[3]
        return step.uniform(count).argsort(1)[:, : self.recipe.contrast_patches]


def at(features: Tensor, positions: Tensor) -> Tensor:
    """``(batch, channels, height, width)`` at ``positions`` ``(batch, patches)``: ``(batch, patches, channels)``."""
    flat = features.flatten(2).transpose(1, 2)
    return flat.gather(1, positions[:, :, None].expand(-1, -1, flat.shape[2]))


def patch_contrast(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """The cross-entropy of finding each patch among all patches of its own picture (eq. 3 of the paper), a scalar.

    Both ``(batch, patches, numbers)``; they are compared by direction.
    """
    queries, keys = normalize(queries.float(), dim=2), normalize(keys.float(), dim=2)
    alike = queries @ keys.transpose(1, 2) / temperature  # (batch, patches, patches)
    right = torch.arange(alike.shape[1], device=alike.device).expand(len(alike), -1)
    return cross_entropy(alike.flatten(0, 1), right.flatten())
