"""The two-player game, for examples of any kind: a generator from latents, a discriminator that gives logits.

A room gives it two networks and, where it has them, an augmentation and an output range; the order of turns and
what is computed once for both are here, what the two minimise is in ``core/adversarial_loss.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from sparring.core.adversarial_loss import AdversarialLoss, Augment
from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.game import Game, Networks, Player, Step, Turn

CHUNK = 256  # samples made at once: bounds memory, and keeps results independent of how many are asked for


class AdversarialGame(Game):
    """Generator ``(latents (batch, latent), labels or None) -> examples`` against
    discriminator ``(examples, labels or None) -> logits (batch,)``.

    ``classes`` is how many labels there are, 0 for a game without; ``augment``: see :class:`AdversarialLoss`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        recipe: AdversarialRecipe,
        *,
        classes: int = 0,
        augment: Augment | None = None,
        bound: Callable[[Tensor], Tensor] = torch.nn.Identity(),  # noqa: B008
    ) -> None:
        self.recipe = recipe
        self.adversarial_loss = AdversarialLoss(discriminator, recipe, augment=augment)
        self.classes = classes
        self.bound = bound
        self.batches = recipe.n_critic
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(generator, weight_decay=decay, averaged=True),
            "discriminator": Player(
                discriminator, rate=recipe.discriminator_rate, weight_decay=decay, weight_clip=recipe.weight_clip
            ),
        }

    # The game

    def turns(self, step: Step) -> Iterator[Turn]:
        """The critic's turns, each on a batch of its own, and the generator's after (or before) the last of them.

        The generator does not move between the two turns on the last batch, so one forward pass makes the
        fakes of both: the same numbers, once. Where the generator moves first, the discriminator judges what
        it made before that move.
        """
        *earlier, last = step.batches
        for batch in earlier:
            with torch.no_grad():
                fake = self.generate(step, self.labels(batch))
            yield self.discriminator_turn(step, batch, fake)
        fake = self.generate(step, self.labels(last))
        if self.recipe.generator_first:
            yield self.generator_turn(step, last, fake)
            yield self.discriminator_turn(step, last, fake)
        else:
            yield self.discriminator_turn(step, last, fake)
            yield self.generator_turn(step, last, fake)

    def discriminator_turn(self, step: Step, batch: Mapping[str, Tensor], fake: Tensor) -> Turn:
        """The judge learns to tell ``batch`` from ``fake``."""
        real, labels = self.examples(batch), self.labels(batch)
        return Turn("discriminator", lambda: self.adversarial_loss.discriminator_loss(step, real, fake, labels))

    def generator_turn(self, step: Step, batch: Mapping[str, Tensor], fake: Tensor) -> Turn:
        """The generator learns to make ``fake`` pass for ``batch``."""
        real, labels = self.examples(batch), self.labels(batch)
        return Turn("generator", lambda: self.adversarial_loss.generator_loss(step, real, fake, labels))

    def labels(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """The batch's labels, where the game has any."""
        return batch["labels"] if self.classes else None

    def generate(self, step: Step, labels: Tensor | None) -> Tensor:
        """Fresh examples for this step's labels, in float32."""
        latents = step.normal(self.recipe.latent)
        made: Tensor = self.players["generator"].network(latents, labels)
        return self.bound(made.float())

    # What the game is for

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The batch's examples as they are."""
        return batch["examples"]

    @torch.no_grad()
    def sample(self, networks: Networks, count: int, *, seed: int, label: int | None = None) -> Tensor:
        """Examples from ``seed``; with labels, all of ``label`` or each label in turn."""
        return self.make(networks, count, seed, self.sample_labels(count, label))

    @torch.no_grad()
    def imitate(self, networks: Networks, batch: Mapping[str, Tensor], *, seed: int) -> Tensor:
        """An example for each of the batch's, under its label."""
        return self.make(networks, len(next(iter(batch.values()))), seed, self.labels(batch))

    def make(self, networks: Networks, count: int, seed: int, labels: Tensor | None) -> Tensor:
        """``count`` examples under ``labels``, some at a time; the latents are those of ``seed`` on any device."""
        generator = networks["generator"]
        device = next(generator.parameters()).device
        drawn = math.ceil(count / 16) * 16  # torch draws by sixteens: a remainder would change the last ones
        latents = torch.randn(drawn, self.recipe.latent, generator=torch.Generator().manual_seed(seed))[:count]
        made = []
        for start in range(0, count, CHUNK):
            some = slice(start, start + CHUNK)
            conditions = None if labels is None else labels[some].to(device)
            made.append(self.bound(generator(latents[some].to(device), conditions).float()))
        return torch.cat(made)

    def sample_labels(self, count: int, label: int | None) -> Tensor | None:
        """The labels ``(count,)`` that :meth:`sample` uses: each in turn unless one is asked for."""
        if not self.classes:
            return None
        return torch.arange(count) % self.classes if label is None else torch.full((count,), label)

    @torch.no_grad()
    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        """Logits of ``examples``, under the batch's labels where the game has labels."""
        logits: Tensor = networks["discriminator"](examples, self.labels(batch))
        return logits.float()
