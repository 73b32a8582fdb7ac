"""Recycle-GAN (Bansal, Ma, Ramanan, Sheikh 2018): domains of videos, where what comes next ties a translation down.

Beside the cycle of each frame: two frames are translated, the next is predicted in the target domain, and translated
back it must be the frame that really came (their eq. 4); the predictors are learned on real videos (their eq. 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparring.core.game import Step
from sparring.translation.cycle import BACK, CycleGame
from sparring.translation.game import DIRECTIONS, DOMAINS, as_numbers
from sparring.translation.networks.companions import Predictor


class RecycleGame(CycleGame):
    """Both directions at once; batches hold ``a later`` and ``b later``, the two frames after each, beside the
    frames."""

    def new_networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """New translators, with the predictors that move with them, and new discriminators."""
        translators, discriminators = super().new_networks()
        for domain in DOMAINS:
            translators[f"next {domain}"] = Predictor(channels=self.form.channels, width=self.recipe.width)
        return translators, discriminators

    def predicted(self, domain: str, before: Tensor, now: Tensor) -> Tensor:
        """The frame that the domain's predictor expects after these two, all ``(batch, channels, height, width)``."""
        following: Tensor = self.translators[f"next {domain}"](before, now)
        return following

    def pictures(self, step: Step) -> dict[str, Tensor]:
        """Each domain's frame, ``(batch, channels, height, width)`` in [-1, 1], and those after it as ``a 1``, ``a 2``,
        all mirrored and moved alike."""
        batch, pictures = step.batches[0], {}
        for domain in DOMAINS:
            frames = self.augmented(as_numbers(torch.cat([batch[domain], batch[f"{domain} later"]], 1)), step)
            pictures[domain], pictures[f"{domain} 1"], pictures[f"{domain} 2"] = frames.chunk(3, 1)
        return pictures

    def translators_loss(self, step: Step, pictures: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """The cycle game's loss, that of the predictors, and that of what is predicted across domains: a scalar."""
        losses = [super().translators_loss(step, pictures, made)]
        for direction, (source, target) in DIRECTIONS.items():
            before, now, later = pictures[source], pictures[f"{source} 1"], pictures[f"{source} 2"]
            predicted = (self.predicted(source, before, now) - later).abs().mean()
            abroad = self.predicted(target, made[target], self.translator(direction)(now))
            recycled = (self.translator(BACK[direction])(abroad) - later).abs().mean()
            step.report[f"prediction/{source}"], step.report[f"recycle/{direction}"] = predicted, recycled
            losses.append(self.recipe.recycle * (predicted + recycled))
        return torch.stack(losses).sum()
