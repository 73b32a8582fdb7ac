"""The two-player game, for examples of any kind: a generator from latents, a discriminator that gives logits.

A modality gives it two networks and, where it has one, an augmentation; the order of turns and what is computed once
for both are here, what the two minimise is in ``core/adversarial_loss.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.adversarial_loss import AdversarialLoss, Augment
from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.errors import UserError
from sparring.core.game import Batch, Game, Networks, Output, Player, Step, Turn, rows

CHUNK = 128  # samples made at once, which bounds memory: on CPUs faster than more of them, and than fewer


def between(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Latents ``(count, latent)`` from ``start`` to ``end`` ``(latent,)`` at equal angles, so that all are as long as
    Gaussian ones are (spherical interpolation: White 2016)."""
    angle = torch.acos(torch.nn.functional.cosine_similarity(start, end, 0).clamp(-1 + 1e-6, 1 - 1e-6))
    share = torch.linspace(0, 1, count)[:, None]
    return (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / angle.sin()


class AdversarialGame(Game, Output):
    """Generator ``(latents (batch, latent), labels or None) -> examples`` against
    discriminator ``(examples, labels or None) -> logits (batch, ...)``, one of each example or of each of its patches.
    Makes one kind of example, so it is its own output.

    ``classes`` is how many labels there are, 0 for a game without; ``augment``: see :class:`AdversarialLoss`;
    ``one_latent`` whether an example is made of one latent ``(latent,)`` alone.
    """

    one_latent = True

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        recipe: AdversarialRecipe,
        *,
        classes: int = 0,
        augment: Augment | None = None,
    ) -> None:
        self.recipe = recipe
        self.adversarial_loss = AdversarialLoss(discriminator, recipe, augment=augment)
        self.classes, self.latent = classes, recipe.latent
        self.batches = recipe.n_critic
        self.outputs = {"": self}
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(generator, weight_decay=decay, averaged=True),
            "discriminator": Player(
                discriminator, rate=recipe.discriminator_rate, weight_decay=decay, weight_clip=recipe.weight_clip
            ),
        }

    # The game

    def turns(self, step: Step) -> Iterator[Turn]:
        """The discriminator's turns, each on a batch of its own, and the generator's after (or before) the last of
        them.

        The generator does not move between the two turns on the last batch, so one forward pass makes the
        fakes of both: the same numbers, once. Where the generator moves first, the discriminator sees what
        it made before that move.
        """
        *earlier, last = step.batches
        for batch in earlier:
            with torch.no_grad():
                fake = self.fakes(step, self.labels(batch))
            yield self.discriminator_turn(step, batch, fake)
        fake = self.fakes(step, self.labels(last))
        if self.recipe.generator_first:
            yield self.generator_turn(step, last, fake)
            yield self.discriminator_turn(step, last, fake)
        else:
            yield self.discriminator_turn(step, last, fake)
            yield self.generator_turn(step, last, fake)

    def discriminator_turn(self, step: Step, batch: Batch, fake: Tensor) -> Turn:
        """The discriminator learns to tell ``batch`` from ``fake`` ``(batch, ...)``."""
        real, labels = self.real(batch), self.labels(batch)
        return Turn("discriminator", lambda: self.adversarial_loss.discriminator_loss(step, real, fake, labels))

    def generator_turn(self, step: Step, batch: Batch, fake: Tensor) -> Turn:
        """The generator learns to make ``fake`` ``(batch, ...)`` pass for ``batch``."""
        real, labels, loss = self.real(batch), self.labels(batch), self.adversarial_loss
        known = loss.real_logits if self.recipe.reuse_logits else None
        return Turn("generator", lambda: loss.generator_loss(step, real, fake, labels, known))

    def labels(self, batch: Batch) -> Tensor | None:
        """The labels of a batch or of conditions, int64 ``(batch,)``; None in a game without."""
        return batch["labels"] if self.classes else None

    def fakes(self, step: Step, labels: Tensor | None) -> Tensor:
        """Fresh examples ``(batch, ...)`` for this step's labels ``(batch,)``, float32."""
        latents = step.normal(self.latent)
        made: Tensor = self.players["generator"].network(latents, labels)
        return made.float()

    # What the game makes

    def latents(self, count: int, *, seed: int) -> Tensor:
        """The latents that ``seed`` stands for, ``(count, latent)``; the first are the same however many."""
        drawn = math.ceil(count / 16) * 16  # torch draws by sixteens: a remainder would change the last ones
        return torch.randn(drawn, self.latent, generator=torch.Generator().manual_seed(seed))[:count]

    def real(self, batch: Batch) -> Tensor:
        """The batch's examples as they are, ``(batch, ...)``."""
        return batch["examples"]

    @torch.no_grad()
    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """One example for each row of ``conditions``, ``(rows, ...)`` float32, some at a time; the latents are those of
        ``seed`` on any device, or the option ``latents`` ``(rows, latent)``; with the option ``interpolate`` they lead
        from the first of these to the second. Raises :class:`UserError` where they would do so under several labels."""
        generator, labels = networks["generator"], self.labels(conditions)
        device = next(generator.parameters()).device
        count = rows(conditions)
        given: Tensor | None = options.get("latents")
        latents = self.latents(count, seed=seed) if given is None else given
        if options.get("interpolate") and count > 1:
            if labels is not None and (labels != labels[0]).any():
                raise UserError("interpolate: samples on the way from one to another have one label; add --label")
            latents = between(latents[0], latents[1], count)
        made = []
        for start in range(0, count, CHUNK):
            chunk = slice(start, start + CHUNK)
            chunk_labels = None if labels is None else labels[chunk].to(device)
            made.append(generator(latents[chunk].to(device), chunk_labels).float())
        return torch.cat(made)

    @torch.no_grad()
    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """Logits ``(rows,)`` of ``examples`` ``(rows, ...)``, under the labels of ``conditions`` where the game has
        labels; the mean of an example's logits from a discriminator of patches."""
        logits: Tensor = networks["discriminator"](examples, self.labels(conditions))
        return logits.float().reshape(len(examples), -1).mean(1)
