"""The game on points: two perceptrons, on coordinates centred and scaled to unit deviation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.core.adversarial import AdversarialGame
from sparring.core.game import Batch
from sparring.points.data import PointForm
from sparring.points.networks.flow import PointFlow
from sparring.points.networks.perceptron import PointDiscriminator, PointGenerator
from sparring.points.recipes import PointRecipe


class PointGame(AdversarialGame):
    """Plays on ``(points - centre) / scale``."""

    def __init__(self, recipe: PointRecipe, form: PointForm) -> None:
        size = {"width": recipe.width, "dimensions": form.dimensions}
        generator: nn.Module
        if recipe.network == "flow":
            generator = PointFlow(depth=recipe.generator_depth, couplings=recipe.couplings, **size)
        else:
            generator = PointGenerator(latent=recipe.latent, depth=recipe.generator_depth, **size)
        super().__init__(generator, PointDiscriminator(depth=recipe.depth, **size), recipe)
        self.centre = torch.tensor(form.centre)
        self.scale = form.scale

    def real(self, batch: Batch) -> Tensor:
        """The batch's points ``(batch, dimensions)``, scaled."""
        points = batch["examples"]
        return (points - self.centre.to(points.device)) / self.scale

    def finish(self, generated: Tensor) -> Tensor:
        """Points ``(n, dimensions)`` in the coordinates of the data."""
        return generated * self.scale + self.centre.to(generated.device)
