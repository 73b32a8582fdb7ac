"""CycleGAN (Zhu, Park, Isola, Efros 2017): two translators, and whoever goes there and back again comes home.

Differs from the paper: noise before the way back, so that a translation cannot hide its original in what no eye sees
(Chu, Zhmoginov, Sandler 2017); both worlds of a batch go through each translator at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.game import Step
from sparring.translation.directions import WAYS, Translation
from sparring.translation.motion import motion_loss
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.recipes import TranslationRecipe


class CycleGame(Translation):
    """Both ways at once."""

    def __init__(self, recipe: TranslationRecipe, form: Mapping[str, Any]) -> None:
        super().__init__(recipe, form, tuple(WAYS))

    def translator(self, way: str) -> ResnetTranslator:
        """One of the two."""
        translators = self.players["generator"].network
        assert isinstance(translators, nn.ModuleDict)
        translator = translators[way]
        assert isinstance(translator, ResnetTranslator)
        return translator

    def translate(self, worlds: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
        """``a`` and ``b`` are translations, ``same a`` and ``same b`` what became of pictures already there."""
        made = {}
        for way, (source, target) in WAYS.items():
            translator = self.translator(way)
            both = torch.cat([translator.framed(worlds[source]), worlds[target]])
            made[target], made[f"same {target}"] = translator.redraw(both).chunk(2)
        return made

    def translators_loss(self, step: Step, worlds: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """Eq. 3 of the paper and the identity loss of its section 5.2, weighted as the recipe says."""
        at, recipe = step.examples_seen, self.recipe
        cycle, identity, noise = recipe.cycle(at), recipe.identity(at), recipe.cycle_noise(at)
        losses = []
        for way, (source, target) in WAYS.items():
            back = next(other for other in WAYS if other != way)
            losses.append(self.adversarial_losses[target].generator_loss(step, worlds[target], made[target], None))
            seen = made[target] + noise * step.normal(*made[target].shape[1:]) if noise else made[target]
            unframed = self.translator(way).unframed(seen, worlds[source])
            error = (self.translator(back).redraw(unframed) - worlds[source]).abs().mean()
            change = (made[f"same {target}"] - worlds[target]).abs().mean()
            step.report[f"cycle/{way}"], step.report[f"identity/{target}"] = error, change
            losses += [cycle * error, identity * change]
            if recipe.motion:
                losses.append(
                    recipe.motion * motion_loss(self.translator(way), worlds[source], made[target], step, way)
                )
        return torch.stack(losses).sum()
