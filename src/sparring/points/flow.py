"""The game of a normalising flow of points: their exact likelihood is raised, and nobody plays against it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sparring.core.game import Batch, Networks, Step
from sparring.core.likelihood import LikelihoodGame
from sparring.points.data import PointForm
from sparring.points.game import PointGame
from sparring.points.networks.flow import PointFlow
from sparring.points.recipes import PointRecipe


class PointFlowGame(PointGame, LikelihoodGame):
    """Points made by a flow, whose latents are as many as a point has coordinates."""

    def __init__(self, recipe: PointRecipe, form: PointForm) -> None:
        super().__init__(recipe, form)
        self.latent = form.dimensions
        del self.players["discriminator"]

    def likelihood_loss(self, step: Step, batch: Batch) -> Tensor:
        """The mean negative log-likelihood of a batch in nats, in the coordinates of the data, a scalar."""
        nats = self.densities({"generator": self.players["generator"].network}, batch).mean()
        step.report["nats/training"] = nats.detach()
        return -nats

    @torch.no_grad()
    def log_likelihood(self, networks: Networks, batch: Batch, *, seed: int = 0) -> Tensor:
        """The log-density of each point of a batch in nats, in the coordinates of the data, float64 ``(rows,)`` on the
        CPU; nothing of it is random."""
        return self.densities(networks, batch).double().cpu()

    def densities(self, networks: Networks, batch: Batch) -> Tensor:
        """The log-density of each point of a batch, ``(rows,)``."""
        generator, points = networks["generator"], self.real(batch)
        assert isinstance(generator, PointFlow)
        return generator.log_likelihood(points) - points.shape[1] * math.log(self.scale)
