"""CUT (Park, Efros, Zhang, Zhu 2020): one translator; each patch of what it makes knows its original from others.

FastCUT is the same without the identity term, with a heavier contrast and mirrored features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparring.core.game import Step
from sparring.translation.directions import Translation
from sparring.translation.motion import motion_loss
from sparring.translation.networks.projector import Projector
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.recipes import TranslationRecipe


class ContrastGame(Translation):
    """From ``a`` to ``b`` alone."""

    def __init__(self, recipe: TranslationRecipe, form: Mapping[str, Any]) -> None:
        super().__init__(recipe, form, ("a2b",))

    def networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """The translator, with the projector that moves with it, and the judge."""
        translators, judges = super().networks()
        translator = translators["a2b"]
        assert isinstance(translator, ResnetTranslator)
        translators["projector"] = Projector(translator.widths())
        return translators, judges

    @property
    def translator(self) -> ResnetTranslator:
        """The only one."""
        translators = self.players["generator"].network
        assert isinstance(translators, nn.ModuleDict)
        translator = translators["a2b"]
        assert isinstance(translator, ResnetTranslator)
        return translator

    @property
    def projector(self) -> Projector:
        """What brings features to where they are compared."""
        translators = self.players["generator"].network
        assert isinstance(translators, nn.ModuleDict)
        projector = translators["projector"]
        assert isinstance(projector, Projector)
        return projector

    def translate(self, worlds: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """``b`` are the translations; ``same b``, where it is asked for, pictures that were there already.

        Where the recipe says ``flipped``, half of the originals go mirrored through the translator and are mirrored
        back after it, so that left and right make no difference to it (FastCUT's flip equivariance).
        """
        if self.recipe.contrast_identity:
            both = torch.cat([self.translator.framed(worlds["a"]), worlds["b"]])
            made, same = self.translator.redraw(both).chunk(2)
            return {"b": made, "same b": same}
        if not self.recipe.flipped:
            return {"b": self.translator(worlds["a"])}
        flip = (step.uniform() < 0.5)[:, None, None, None]
        made = self.translator(torch.where(flip, worlds["a"].flip(3), worlds["a"]))
        return {"b": torch.where(flip, made.flip(3), made)}

    def translators_loss(self, step: Step, worlds: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """Their eq. 6."""
        recipe, losses = self.recipe, [self.adversarial_losses["b"].generator_loss(step, worlds["b"], made["b"], None)]
        contrasts = [self.contrast(self.translator.framed(worlds["a"]), made["b"], step)]
        if recipe.contrast_identity:
            contrasts.append(self.contrast(worlds["b"], made["same b"], step))
        for name, contrast in zip(("a2b", "b"), contrasts, strict=False):
            step.report[f"contrast/{name}"] = contrast
        losses.append(recipe.contrast * torch.stack(contrasts).mean())
        if identity := recipe.identity(step.examples_seen):
            change = (self.translator.redraw(worlds["b"]) - worlds["b"]).abs().mean()
            step.report["identity/b"] = change
            losses.append(identity * change)
        if recipe.motion:
            losses.append(recipe.motion * motion_loss(self.translator, worlds["a"], made["b"], step, "a2b"))
        return torch.stack(losses).sum()

    def contrast(self, originals: Tensor, made: Tensor, step: Step) -> Tensor:
        """The contrast of patches, the mean over features of several depths; only ``made`` is taught by it."""
        asked = self.translator.features(made)
        with torch.no_grad():
            given = self.translator.features(originals)
        losses = []
        for depth, (ask, give) in enumerate(zip(asked, given, strict=True)):
            places = self.places(ask, step)
            one, other = (self.projector(depth, at(features, places)) for features in (ask, give))
            losses.append(patch_contrast(one, other.detach(), self.recipe.temperature))
        return torch.stack(losses).mean()

    def places(self, features: Tensor, step: Step) -> Tensor:
        """Which patches of each picture are compared, ``(batch, patches)``: all different."""
        count = features.shape[2] * features.shape[3]
        return step.uniform(count).argsort(1)[:, : self.recipe.contrast_patches]


def at(features: Tensor, places: Tensor) -> Tensor:
    """``(batch, channels, height, width)`` at ``places`` ``(batch, patches)``: ``(batch, patches, channels)``."""
    flat = features.flatten(2).transpose(1, 2)
    return flat.gather(1, places[:, :, None].expand(-1, -1, flat.shape[2]))


def patch_contrast(asked: Tensor, given: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding each patch among all patches of its own picture (their eq. 3).

    Both ``(batch, patches, numbers)``; they are compared by direction.
    """
    asked, given = normalize(asked.float(), dim=2), normalize(given.float(), dim=2)
    alike = asked @ given.transpose(1, 2) / temperature  # (batch, patches, patches)
    right = torch.arange(alike.shape[1], device=alike.device).expand(len(alike), -1)
    return cross_entropy(alike.flatten(0, 1), right.flatten())
