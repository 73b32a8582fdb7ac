"""What a discriminator and its opponent minimise: objective, targets, noise, penalties, in one place.

A game has an adversarial loss for each discriminator: ``core/adversarial.py`` one, a translation in both directions
two.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.core.adversarial_recipe import AdversarialLossRecipe
from sparring.core.game import Step
from sparring.core.objectives import OBJECTIVES
from sparring.core.penalties import dragan, wgan_gp, zero_centred

Augment = Callable[[Tensor, Step], Tensor]


class AdversarialLoss:
    """One discriminator ``(examples, labels or None) -> logits (batch, ...)`` and its losses.

    A discriminator of patches gives many logits an example; each is held to the objective. ``augment`` is what both
    real and generated examples go through before the discriminator sees them; gradients, those of the penalties too,
    flow through it. ``name`` sets its reports apart from those of another adversarial loss in the same game.
    """

    def __init__(
        self, discriminator: nn.Module, recipe: AdversarialLossRecipe, *, augment: Augment | None = None, name: str = ""
    ) -> None:
        if recipe.spectral_norm:
            constrain(discriminator)
        self.discriminator, self.recipe, self.augment, self.name = discriminator, recipe, augment, name
        self.objective = OBJECTIVES[recipe.objective]

    def discriminator_loss(self, step: Step, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """The objective plus every penalty that has a weight, a scalar.

        ``real`` and ``fake`` are ``(batch, ...)`` of one shape, ``labels`` int64 ``(batch,)``.
        """
        at, recipe = step.examples_seen, self.recipe
        r1, r2 = recipe.r1(at), recipe.r2(at)

        # Logits; a penalty is taken where examples enter, before they are augmented
        real = real.detach().requires_grad_(r1 > 0)
        fake = fake.detach().requires_grad_(r2 > 0)
        seen_real, seen_fake = self.seen(real, step), self.seen(fake, step)
        real_logits, fake_logits = self.discriminate(seen_real, labels), self.discriminate(seen_fake, labels)

        # Objective
        loss = self.objective.discriminator(real_logits, fake_logits, *self.targets(step, real_logits))
        self.report(step, real_logits.detach().float(), fake_logits.detach().float())

        # R1 and R2, in one backward pass
        weighted = [term for term in (("r1", r1, real), ("r2", r2, fake)) if term[1]]
        if weighted:
            inputs = [examples for _, _, examples in weighted]
            penalties = zero_centred(torch.cat([real_logits, fake_logits]), inputs)
            for (name, weight, _), penalty in zip(weighted, penalties, strict=True):
                step.report[f"penalties/{name}{self.name}"] = penalty
                loss = loss + weight * penalty

        # WGAN-GP, between real and fake
        if recipe.wgan_gp:
            share = step.uniform()
            penalty = wgan_gp(lambda x: self.discriminate(x, labels), seen_real.detach(), seen_fake.detach(), share)
            step.report[f"penalties/wgan_gp{self.name}"] = penalty
            loss = loss + recipe.wgan_gp * penalty

        # DRAGAN, around the real examples
        if recipe.dragan:
            noise = step.uniform(*real.shape[1:])
            penalty = dragan(lambda x: self.discriminate(x, labels), seen_real.detach(), noise)
            step.report[f"penalties/dragan{self.name}"] = penalty
            loss = loss + recipe.dragan * penalty
        return loss

    def generator_loss(self, step: Step, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """The generator's objective on ``fake`` ``(batch, ...)``, a scalar; ``real`` is discriminated only where the
        objective compares with it."""
        seen_fake = self.seen(fake, step)
        if not self.objective.pairs:
            fake_logits = self.discriminate(seen_fake, labels)
            return self.objective.generator(fake_logits, fake_logits)
        with torch.no_grad():
            real_logits = self.discriminate(self.seen(real, step), labels)
        return self.objective.generator(self.discriminate(seen_fake, labels), real_logits)

    def seen(self, examples: Tensor, step: Step) -> Tensor:
        """What the discriminator sees of examples ``(batch, ...)``: augmented, and under annealed instance noise
        (Sønderby et al. 2017)."""
        if self.augment:
            examples = self.augment(examples, step)
        deviation = self.recipe.instance_noise(step.examples_seen)
        return examples + deviation * step.normal(*examples.shape[1:]) if deviation else examples

    def discriminate(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        """The discriminator's logits of examples ``(batch, ...)``, float32 ``(batch, ...)``."""
        logits: Tensor = self.discriminator(examples, labels)
        return logits.float()

    def targets(self, step: Step, like: Tensor) -> tuple[Tensor, Tensor]:
        """Targets of real and of fake logits, shaped as ``like``: 1 (or smoothed below it: Salimans et al. 2016) and 0,
        some of them flipped."""
        real, fake = torch.full_like(like, 1 - self.recipe.label_smoothing), torch.zeros_like(like)
        if not self.recipe.label_noise:
            return real, fake
        flipped_real = step.uniform(*like.shape[1:]) < self.recipe.label_noise
        flipped_fake = step.uniform(*like.shape[1:]) < self.recipe.label_noise
        return torch.where(flipped_real, 0.0, real), torch.where(flipped_fake, 1.0, fake)

    def report(self, step: Step, real: Tensor, fake: Tensor) -> None:
        """Report how often the discriminator is right, from logits ``(batch, ...)``.

        Where only differences mean anything, the logits of one kind are held against the other's mean (the relativistic
        average: Jolicoeur-Martineau 2018).
        """
        boundary = self.objective.boundary
        least, most = (fake.mean(), real.mean()) if boundary is None else (boundary, boundary)
        step.report[f"accuracy/real{self.name}"] = (real > least).float().mean()
        step.report[f"accuracy/fake{self.name}"] = (fake < most).float().mean()


def constrain(network: nn.Module) -> None:
    """Spectral normalisation of every convolution and linear layer (Miyato et al. 2018)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear | nn.Embedding):
            spectral_norm(layer)
