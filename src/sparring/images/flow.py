"""The game of a normalising flow: its exact likelihood is raised, alone or beside an adversarial loss.

With an adversarial loss it is a Flow-GAN (Grover, Dhar, Ermon 2018): one generator, two losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.core.game import Batch, Networks, Step, Turn
from sparring.core.likelihood import LikelihoodGame
from sparring.images.game import ImageGame
from sparring.images.networks.flow import CELL, FlowGenerator, bits_per_dimension
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import ImageRecipe

CHUNK = 256  # pictures whose likelihood is computed at once
DRAWS = 4  # of the noise that dequantises each, where one picture counts


class FlowGame(ImageGame, LikelihoodGame):
    """Pictures made by a flow, whose latents are as many as a picture has values. Without a weight of the adversarial
    loss there is no discriminator. Raises :class:`UserError` where recipe and form do not go together."""

    def __init__(self, recipe: ImageRecipe, form: ImageForm) -> None:
        super().__init__(recipe, form)
        self.latent = form.channels * form.height * form.width
        if not recipe.adversarial_weight.highest:
            del self.players["discriminator"]

    def shown(self, step: Step) -> Sequence[Batch]:
        """The step's batches dequantised: a uniform part of a value of a byte is added to each (Theis et al. 2016), for
        the likelihood, and so that no discriminator tells pictures from samples by their being whole numbers."""
        batches = super().shown(step)
        return [{**batch, "images": batch["images"] + step.uniform(*batch["images"].shape[1:]) - 0.5}
                for batch in batches]  # fmt: skip

    def generator_turn(self, step: Step, batch: Batch, fake: Tensor) -> Turn:
        """The generator learns to make ``batch`` likely, and ``fake`` ``(batch, ...)`` pass for it."""
        adversarial = super().generator_turn(step, batch, fake).loss
        weight = self.settings.adversarial_weight(step.examples_seen)
        return Turn("generator", lambda: self.likelihood_loss(step, batch) + weight * adversarial())

    def likelihood_loss(self, step: Step, batch: Batch) -> Tensor:
        """The mean bits per dimension of a batch, dequantised, a scalar."""
        generator = flow_of({"generator": self.players["generator"].network})
        bits = bits_of(generator, self.real(batch), self.labels(batch)).mean()
        step.report["bits_per_dimension/training"] = bits.detach()
        return bits

    def log_likelihood(self, networks: Networks, batch: Batch, *, seed: int = 0) -> Tensor:
        """The log-probability of the bytes of each picture of a batch in nats, float64 ``(rows,)`` on the CPU: a bound
        from below, by the mean over four draws of the noise."""
        return -math.log(2) * self.latent * self.bits_per_dimension(networks, batch, seed=seed, draws=DRAWS)

    @torch.no_grad()
    def bits_per_dimension(self, networks: Networks, batch: Batch, *, seed: int, draws: int = 1) -> Tensor:
        """Bits per dimension of each picture of a batch, float64 ``(rows,)`` on the CPU: the mean over so many
        ``draws`` of the noise that dequantises, those of ``seed`` on any device."""
        generator, images, labels = flow_of(networks), self.real(batch), self.labels(batch)
        random, found = torch.Generator().manual_seed(seed), []
        for part in torch.split(torch.arange(len(images)), CHUNK):
            part_labels = None if labels is None else labels[part]
            noise = torch.rand((draws, len(part), *images.shape[1:]), generator=random).to(images.device)
            bits = torch.stack([
                bits_of(generator, images[part] + CELL * (each - 0.5), part_labels) for each in noise
            ])  # fmt: skip
            found.append(bits.double().mean(0).cpu())
        return torch.cat(found)


def bits_of(generator: FlowGenerator, images: Tensor, labels: Tensor | None) -> Tensor:
    """Bits per dimension ``(batch,)`` of dequantised images ``(batch, channels, height, width)``."""
    return bits_per_dimension(generator.log_likelihood(images, labels), generator.latent)


def flow_of(networks: Networks) -> FlowGenerator:
    """The generator among a game's networks."""
    generator = networks["generator"]
    assert isinstance(generator, FlowGenerator)
    return generator
