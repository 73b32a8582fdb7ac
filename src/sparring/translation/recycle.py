"""Recycle-GAN (Bansal, Ma, Ramanan, Sheikh 2018): worlds of films, where what comes next ties a translation down.

Beside the cycle of each frame: two frames are translated, the next is foretold over there, and brought home it must be
the frame that really came (their eq. 4); what foretells is learned on real films (their eq. 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparring.core.game import Step
from sparring.translation.cycle import CycleGame
from sparring.translation.directions import WAYS, as_numbers
from sparring.translation.networks.predictor import Predictor


class RecycleGame(CycleGame):
    """Both ways at once; batches hold ``a later`` and ``b later``, the two frames after each, beside the frames."""

    def networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """The translators, with the predictors that move with them, and the judges."""
        translators, judges = super().networks()
        for world in ("a", "b"):
            translators[f"next {world}"] = Predictor(channels=self.form["channels"], width=self.recipe.width)
        return translators, judges

    def foretold(self, world: str, before: Tensor, now: Tensor) -> Tensor:
        """The frame after these two of a world."""
        translators = self.players["generator"].network
        assert isinstance(translators, nn.ModuleDict)
        following: Tensor = translators[f"next {world}"](before, now)
        return following

    def worlds(self, step: Step) -> dict[str, Tensor]:
        """Each world's frame, and those after it as ``a 1``, ``a 2``, all mirrored and moved alike."""
        batch, found = step.batches[0], {}
        for world in ("a", "b"):
            frames = torch.cat([batch[world], batch[f"{world} later"]], 1)
            found[world], found[f"{world} 1"], found[f"{world} 2"] = self.shown(as_numbers(frames), step).chunk(3, 1)
        return found

    def translators_loss(self, step: Step, worlds: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> Tensor:
        """The cycle game's, what is foretold at home, and what is foretold abroad."""
        losses = [super().translators_loss(step, worlds, made)]
        for way, (source, target) in WAYS.items():
            back = next(other for other in WAYS if other != way)
            before, now, later = worlds[source], worlds[f"{source} 1"], worlds[f"{source} 2"]
            home = (self.foretold(source, before, now) - later).abs().mean()
            abroad = self.foretold(target, made[target], self.translator(way)(now))
            recycled = (self.translator(back)(abroad) - later).abs().mean()
            step.report[f"foretold/{source}"], step.report[f"recycle/{way}"] = home, recycled
            losses.append(self.recipe.recycle * (home + recycled))
        return torch.stack(losses).sum()
