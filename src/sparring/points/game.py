"""The game on points: two perceptrons, on coordinates centred and scaled to unit deviation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.core.adversarial import AdversarialGame
from sparring.points.networks.perceptron import PointDiscriminator, PointGenerator
from sparring.points.recipes import PointRecipe


class PointGame(AdversarialGame):
    """Plays on ``(points - centre) / scale``."""

    def __init__(self, recipe: PointRecipe, form: Mapping[str, Any]) -> None:
        size = {"width": recipe.width, "dimensions": form["dimensions"]}
        generator = PointGenerator(latent=recipe.latent, depth=recipe.generator_depth, **size)
        super().__init__(generator, PointDiscriminator(depth=recipe.depth, **size), recipe)
        self.centre = torch.tensor(form["centre"])
        self.scale = float(form["scale"])

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The batch's points ``(batch, dimensions)``, scaled."""
        points = batch["examples"]
        return (points - self.centre.to(points.device)) / self.scale

    def present(self, samples: Tensor) -> Tensor:
        """Points in the coordinates of the data."""
        return samples * self.scale + self.centre.to(samples.device)


def build(recipe: PointRecipe, form: Mapping[str, Any]) -> PointGame:
    """The game that ``recipe`` describes, on data of this form."""
    return PointGame(recipe, form)
