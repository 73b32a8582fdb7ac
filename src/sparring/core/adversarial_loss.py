"""What a discriminator and its opponent minimise: objective, targets, noise, penalties, in one place.

A game has an adversarial loss for each discriminator: ``core/adversarial.py`` one, a translation in both directions
two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import spectral_norm

from sparring.core.adversarial_recipe import AdversarialLossRecipe
from sparring.core.game import Step
from sparring.core.objectives import objective_called
from sparring.core.penalties import dragan, wgan_gp, zero_centred

Augment = Callable[[Tensor, Step], Tensor]


class ChosenRows(NamedTuple):
    """Rows of a batch that penalties are taken on: those ``chosen``, all ``others``, int64 ``(rows,)`` each, and
    ``back``, which brings the two, one after the other, into order again.

    A mean over the whole batch that is 0 in all other rows becomes that of the chosen ones by ``scale``.
    """

    chosen: Tensor
    others: Tensor
    back: Tensor
    scale: float


@lru_cache(maxsize=64)  # a share that changes is another at each step
def chosen_rows(share: float, global_batch: int, first: int, end: int, device: torch.device) -> ChosenRows:
    """A ``share`` in (0, 1] of the global batch, evenly spread and at least one row, as far as it lies in its rows from
    ``first`` to ``end``, those of this process; indices on ``device``."""
    up_to = [math.ceil(share * row) for row in range(global_batch + 1)]
    is_chosen = torch.tensor([after > before for before, after in pairwise(up_to)])[first:end]
    chosen, others = is_chosen.nonzero().flatten(), (~is_chosen).nonzero().flatten()
    back = torch.cat([chosen, others]).argsort()
    return ChosenRows(chosen.to(device), others.to(device), back.to(device), global_batch / up_to[-1])


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
        self.objective = objective_called(recipe.objective)
        self.across_batch = looks_across_batch(discriminator)
        self.real_logits: Tensor | None = None  # (batch, ...), of the discriminator's last turn

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
        penalty_share = recipe.penalty_share(at) if r1 or r2 else 1.0
        rows = chosen_rows(penalty_share, step.global_batch, step.part.start, step.part.stop, real.device)
        real_logits, penalised_real = self.logits_of(seen_real, labels, rows)
        fake_logits, penalised_fake = self.logits_of(seen_fake, labels, rows)
        self.real_logits = real_logits.detach()

        # Objective
        loss = self.objective.discriminator(real_logits, fake_logits, *self.targets(step, real_logits))
        self.report(step, self.real_logits, fake_logits.detach())

        # R1 and R2, in one backward pass
        weighted = [term for term in (("r1", r1, real), ("r2", r2, fake)) if term[1]]
        if weighted:
            inputs = [examples for _, _, examples in weighted]
            penalties = zero_centred(torch.cat([penalised_real, penalised_fake]), inputs)
            for (name, weight, _), penalty in zip(weighted, penalties, strict=True):
                step.report[f"penalties/{name}{self.name}"] = penalty * rows.scale
                loss = loss + weight * penalty * rows.scale

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

    def logits_of(self, seen: Tensor, labels: Tensor | None, rows: ChosenRows) -> tuple[Tensor, Tensor]:
        """The logits ``(batch, ...)`` of what is ``seen`` ``(batch, ...)``, and those ``(rows, ...)`` of the chosen
        rows; only these can be differentiated with respect to the examples."""
        if not len(rows.others):
            logits = self.discriminate(seen, labels)
            return logits, logits
        chosen = self.discriminate(seen[rows.chosen], None if labels is None else labels[rows.chosen])
        seen = seen.detach()
        if self.across_batch:
            return self.discriminate(seen, labels), chosen
        others = self.discriminate(seen[rows.others], None if labels is None else labels[rows.others])
        return torch.cat([chosen, others])[rows.back], chosen

    def generator_loss(
        self, step: Step, real: Tensor, fake: Tensor, labels: Tensor | None, real_logits: Tensor | None = None
    ) -> Tensor:
        """The generator's objective on ``fake`` ``(batch, ...)``, a scalar.

        Where the objective compares with ``real``, it does so by ``real_logits`` ``(batch, ...)`` if they are given.
        """
        seen_fake = self.seen(fake, step)
        if not self.objective.pairs:
            fake_logits = self.discriminate(seen_fake, labels)
            return self.objective.generator(fake_logits, fake_logits)
        if real_logits is None:
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


def looks_across_batch(network: nn.Module) -> bool:
    """Whether what a network says of an example depends on the others of its batch: by its own ``across_batch`` or,
    where it has none, by that of any of its layers; batch norms do."""
    if (own := getattr(network, "across_batch", None)) is not None:
        return bool(own)
    return any(isinstance(layer, _BatchNorm) or getattr(layer, "across_batch", False) for layer in network.modules())


def constrain(network: nn.Module) -> None:
    """Spectral normalisation of every convolution and linear layer (Miyato et al. 2018)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear | nn.Embedding):
            spectral_norm(layer)
