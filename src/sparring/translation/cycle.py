"""CycleGAN (Zhu, Park, Isola, Efros 2017): two translators, and a picture that is translated there and back is itself.

Differs from the paper: noise before the way back, so that a translation cannot hide its original in what no eye sees
(Chu, Zhmoginov, Sandler 2017); both domains of a batch go through each translator at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sparring.core.game import Step
from sparring.translation.data import TranslationForm
from sparring.translation.game import DIRECTIONS, TranslationGame
from sparring.translation.motion import motion_loss
from sparring.translation.recipes import TranslationRecipe

BACK = {"a2b": "b2a", "b2a": "a2b"}


class CycleGame(TranslationGame):
    """Both directions at once, tied by cycle consistency."""

    def __init__(self, recipe: TranslationRecipe, form: TranslationForm) -> None:
        super().__init__(recipe, form, tuple(DIRECTIONS))

    def translate(self, pictures: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """Translations ``(batch, channels, height, width)`` into ``a`` and ``b``; ``same a`` and ``same b``, where the
        identity loss has a weight, are what became of ``pictures``, of that shape, that were of the target domain
        already."""
        made = {}
        for direction, (source, target) in DIRECTIONS.items():
            translator = self.translator(direction)
            framed = translator.framed(pictures[source])
            if self.recipe.identity(step.examples_seen):
                both = torch.cat([framed, pictures[target]])
                made[target], made[f"same {target}"] = translator.redraw(both).chunk(2)
            else:
                made[target] = translator.redraw(framed)
        return made

    def translators_loss(self, step: Step, pictures: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """Eq. 3 of the paper and the identity loss of its section 5.2, weighted as the recipe says: a scalar."""
        at, recipe = step.examples_seen, self.recipe
        cycle, identity, noise = recipe.cycle(at), recipe.identity(at), recipe.cycle_noise(at)
        losses = []
        for direction, (source, target) in DIRECTIONS.items():
            original, translation = pictures[source], made[target]
            translator, back = self.translator(direction), self.translator(BACK[direction])

            # Pass for the target domain
            losses.append(self.adversarial_losses[target].generator_loss(step, pictures[target], translation, None))

            # Cycle consistency, and the identity loss
            seen = translation + noise * step.normal(*translation.shape[1:]) if noise else translation
            error = (back.redraw(translator.unframed(seen, original)) - original).abs().mean()
            step.report[f"cycle/{direction}"] = error
            losses.append(cycle * error)
            if identity:
                change = (made[f"same {target}"] - pictures[target]).abs().mean()
                step.report[f"identity/{target}"] = change
                losses.append(identity * change)

            # Temporal consistency
            if recipe.motion:
                losses.append(recipe.motion * motion_loss(translator, original, translation, step, direction))
        return torch.stack(losses).sum()
