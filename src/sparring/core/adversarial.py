"""The two-player game, for examples of any kind: a generator from latents, a discriminator that gives logits.

A room gives it two networks and, where it has them, an augmentation and an output range; the order of turns,
what is computed once for both, targets, noise and penalties are here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.game import Game, Networks, Player, Round, Turn
from sparring.core.objectives import OBJECTIVES
from sparring.core.penalties import dragan, wgan_gp, zero_centred

Augment = Callable[[Tensor, Round], Tensor]
CHUNK = 256  # samples made at once: bounds memory, and keeps results independent of how many are asked for


class AdversarialGame(Game):
    """Generator ``(latents (batch, latent), labels or None) -> examples`` against
    discriminator ``(examples, labels or None) -> logits (batch,)``.

    ``classes`` is how many labels there are, 0 for a game without. ``augment`` is what both real and generated
    examples go through before they are judged; gradients, those of the penalties too, flow through it.
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
        if recipe.spectral_norm:
            constrain(discriminator)
        self.recipe = recipe
        self.objective = OBJECTIVES[recipe.objective]
        self.classes = classes
        self.augment = augment
        self.bound = bound
        self.batches = recipe.critic_turns
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(generator, weight_decay=decay, averaged=True),
            "discriminator": Player(discriminator, pace=recipe.pace, weight_decay=decay, clip=recipe.clip),
        }

    # The game

    def turns(self, round: Round) -> Iterator[Turn]:
        """The critic's turns, each on a batch of its own, and the generator's after (or before) the last of them.

        The generator does not move between the two turns on the last batch, so one forward pass makes the
        fakes of both: the same numbers, once. Where the generator moves first, the discriminator judges what
        it made before that move.
        """
        *earlier, last = round.batches
        for batch in earlier:
            with torch.no_grad():
                fake = self.generate(round, self.labels(batch))
            yield self.discriminator_turn(round, batch, fake)
        fake = self.generate(round, self.labels(last))
        if self.recipe.generator_first:
            yield self.generator_turn(round, last, fake)
            yield self.discriminator_turn(round, last, fake)
        else:
            yield self.discriminator_turn(round, last, fake)
            yield self.generator_turn(round, last, fake)

    def discriminator_turn(self, round: Round, batch: Mapping[str, Tensor], fake: Tensor) -> Turn:
        """The judge learns to tell ``batch`` from ``fake``."""
        real, labels = self.examples(batch), self.labels(batch)
        return Turn("discriminator", lambda: self.discriminator_loss(round, real, fake, labels))

    def generator_turn(self, round: Round, batch: Mapping[str, Tensor], fake: Tensor) -> Turn:
        """The generator learns to make ``fake`` pass for ``batch``."""
        real, labels = self.examples(batch), self.labels(batch)
        return Turn("generator", lambda: self.generator_loss(round, real, fake, labels))

    def labels(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """The batch's labels, where the game has any."""
        return batch["labels"] if self.classes else None

    def generate(self, round: Round, labels: Tensor | None) -> Tensor:
        """Fresh examples for this round's labels, in float32."""
        latents = round.normal(self.recipe.latent)
        made: Tensor = self.players["generator"].network(latents, labels)
        return self.bound(made.float())

    def discriminator_loss(self, round: Round, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """The objective plus every penalty that has a weight."""
        at, recipe = round.examples_seen, self.recipe
        r1, r2 = recipe.r1(at), recipe.r2(at)
        real = real.detach().requires_grad_(r1 > 0)
        fake = fake.detach().requires_grad_(r2 > 0)
        seen_real, seen_fake = self.seen(real, round), self.seen(fake, round)
        real_logits, fake_logits = self.discriminate(seen_real, labels), self.discriminate(seen_fake, labels)

        loss = self.objective.discriminator(real_logits, fake_logits, *self.targets(round, real_logits))
        self.report(round, real_logits.detach().float(), fake_logits.detach().float())
        weighted = [term for term in (("r1", r1, real), ("r2", r2, fake)) if term[1]]
        if weighted:
            places = [place for _, _, place in weighted]
            penalties = zero_centred(torch.cat([real_logits, fake_logits]), places)
            for (name, weight, _), penalty in zip(weighted, penalties, strict=True):
                round.report[f"penalties/{name}"] = penalty
                loss = loss + weight * penalty
        if recipe.wgan_gp:
            share = round.uniform()
            penalty = wgan_gp(lambda x: self.discriminate(x, labels), seen_real.detach(), seen_fake.detach(), share)
            round.report["penalties/wgan_gp"] = penalty
            loss = loss + recipe.wgan_gp * penalty
        if recipe.dragan:
            noise = round.uniform(*real.shape[1:])
            penalty = dragan(lambda x: self.discriminate(x, labels), seen_real.detach(), noise)
            round.report["penalties/dragan"] = penalty
            loss = loss + recipe.dragan * penalty
        return loss

    def generator_loss(self, round: Round, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """The generator's objective; the reals are judged only where it compares with them."""
        seen_fake = self.seen(fake, round)
        if not self.objective.pairs:
            fake_logits = self.discriminate(seen_fake, labels)
            return self.objective.generator(fake_logits, fake_logits)
        with torch.no_grad():
            real_logits = self.discriminate(self.seen(real, round), labels)
        return self.objective.generator(self.discriminate(seen_fake, labels), real_logits)

    def seen(self, examples: Tensor, round: Round) -> Tensor:
        """What the judge sees of them: augmented, and under annealed instance noise (Sønderby et al. 2017)."""
        if self.augment:
            examples = self.augment(examples, round)
        deviation = self.recipe.instance_noise(round.examples_seen)
        return examples + deviation * round.normal(*examples.shape[1:]) if deviation else examples

    def discriminate(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        """The discriminator's logits, in float32."""
        logits: Tensor = self.players["discriminator"].network(examples, labels)
        return logits.float()

    def targets(self, round: Round, like: Tensor) -> tuple[Tensor, Tensor]:
        """Real and fake targets: 1 (or smoothed below it: Salimans et al. 2016) and 0, some of them flipped."""
        real, fake = torch.full_like(like, 1 - self.recipe.label_smoothing), torch.zeros_like(like)
        if not self.recipe.label_noise:
            return real, fake
        flipped_real = round.uniform() < self.recipe.label_noise
        flipped_fake = round.uniform() < self.recipe.label_noise
        return torch.where(flipped_real, 0.0, real), torch.where(flipped_fake, 1.0, fake)

    def report(self, round: Round, real: Tensor, fake: Tensor) -> None:
        """How often the judge is right. Where only differences mean anything, one side is held against the
        other's mean (the relativistic average: Jolicoeur-Martineau 2018)."""
        boundary = self.objective.boundary
        round.report["accuracy/real"] = (real > (fake.mean() if boundary is None else boundary)).float().mean()
        round.report["accuracy/fake"] = (fake < (real.mean() if boundary is None else boundary)).float().mean()

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


def constrain(network: nn.Module) -> None:
    """Spectral normalisation of every convolution and linear layer (Miyato et al. 2018)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear | nn.Embedding):
            spectral_norm(layer)
