"""The game on lines of text, in two phases.

In pretraining the generator alone learns the lines by maximum likelihood, until held-out lines become no likelier. In
the adversarial phase a discriminator that knows the label plays against it, while maximum likelihood goes on beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor

from sparring.core.adversarial_loss import AdversarialLoss
from sparring.core.game import Batch, Event, Game, Networks, Output, Player, Step, Turn, rows
from sparring.text.data import TextForm
from sparring.text.estimators import policy_loss, relaxed
from sparring.text.generation import encode_prompt, generate_lines
from sparring.text.networks.discriminator import LineDiscriminator, TextDiscriminator, TokenDiscriminator
from sparring.text.networks.generator import TextGenerator
from sparring.text.recipes import TextRecipe, TextSampleOptions
from sparring.text.samples import as_characters
from sparring.text.vocabulary import PAD, Vocabulary

CHUNK = 512  # lines generated at once
NONE = -1.0  # examples seen when the adversarial phase began, before it has


class TextGame(Game, Output):
    """Lines are tokens' numbers ``(batch, length)``, each ended by END unless it is full, then PAD. Makes one kind of
    example, so it is its own output."""

    def __init__(self, recipe: TextRecipe, form: TextForm) -> None:
        self.recipe, self.length, self.mean_tokens = recipe, form.length, form.mean_tokens
        self.vocabulary = Vocabulary.of_form(form.vocabulary)
        self.names, self.classes = form.labels, len(form.labels)
        self.batches = recipe.n_critic
        self.outputs = {"": self}
        generator, discriminator = self.new_networks()
        self.adversarial_loss = AdversarialLoss(discriminator, recipe)
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(generator, weight_decay=decay, averaged=True),
            "discriminator": Player(
                discriminator, rate=recipe.discriminator_rate, weight_decay=decay, weight_clip=recipe.weight_clip
            ),
        }
        self.began, self.best = NONE, inf
        self.misses = self.halvings = 0  # misses in a row; all there were, each of which halves the learning rate

    def new_networks(self) -> tuple[TextGenerator, TextDiscriminator]:
        """A generator and a discriminator that have not learned anything."""
        recipe, shared = self.recipe, {"tokens": len(self.vocabulary), "labels": self.classes}
        generator = TextGenerator(
            **shared,
            length=self.length,
            body=recipe.generator,
            embedding=recipe.embedding,
            width=recipe.width,
            layers=recipe.layers,
            dropout=recipe.dropout,
            valued=recipe.estimator == "policy",
            blank=self.vocabulary.blank(),
        )
        kind = TokenDiscriminator if recipe.estimator == "policy" else LineDiscriminator
        discriminator = kind(
            **shared, channels=recipe.embedding, width=recipe.discriminator_width, dropout=recipe.discriminator_dropout
        )
        return generator, discriminator

    @property
    def generator(self) -> TextGenerator:
        """The generator as it learns."""
        return generator_of({"generator": self.players["generator"].network})

    @property
    def discriminator(self) -> TextDiscriminator:
        """The discriminator as it learns."""
        return discriminator_of({"discriminator": self.players["discriminator"].network})

    # The two phases

    def turns(self, step: Step) -> Iterator[Turn]:
        """Pretraining: the generator on every batch. Adversarial phase: the discriminator on every batch, then the
        generator on the last."""
        recipe = self.recipe
        if self.began == NONE and self.is_pretrained(step.examples_seen):
            self.began = float(step.examples_seen)
            self.discriminator.take_embeddings(self.generator.vectors.weight.detach())
        self.players["generator"].rate = 0.5**self.halvings if self.began == NONE else recipe.adversarial_rate
        yield from self.pretraining(step) if self.began == NONE else self.adversarial_phase(step)

    def is_pretrained(self, examples: int) -> bool:
        """Whether pretraining is over once so many examples were seen: the next step is the adversarial phase's."""
        return self.misses >= self.recipe.pretrain_patience > 0 or examples >= self.recipe.pretrain_examples

    def pretraining(self, step: Step) -> Iterator[Turn]:
        """The generator alone, by maximum likelihood."""
        for batch in step.batches:
            yield Turn("generator", partial(self.likelihood_loss, step, batch))

    def adversarial_phase(self, step: Step) -> Iterator[Turn]:
        """The discriminator, for some steps alone; then both. But for mismatched labels, the last lines that the
        discriminator is shown are those that the generator's loss is taken of."""
        since = step.examples_seen - int(self.began)
        for batch in step.batches:
            labels = self.labels(batch)
            with without_dropout(self.generator):
                fake = generate_lines(self.generator, step.uniform(self.length), labels)
            real, shown = self.embeddings(self.real(batch)), self.embeddings(self.with_mismatched(step, batch, fake))
            yield Turn("discriminator", partial(self.adversarial_loss.discriminator_loss, step, real, shown, labels))
        if since >= self.recipe.discriminator_warmup:
            yield Turn("generator", lambda: self.recipe.likelihood_weight(since) * self.likelihood_loss(step, batch)
                       + self.generator_loss(step, real, fake, labels, since))  # fmt: skip

    def with_mismatched(self, step: Step, batch: Batch, fake: Tensor) -> Tensor:
        """``fake`` ``(batch, length)``, but here and there a real line of another label: no match for the label that it
        is shown under (Reed et al. 2016, section 4.2), so that the discriminator asks of lines to be of their label and
        of no other. Of the same shape."""
        labels = self.labels(batch)
        if not self.recipe.mismatched_share or labels is None:
            return fake
        row = torch.arange(len(fake), device=fake.device)
        other = (row ^ 1).clamp(max=len(fake) - 1)  # in pairs: the same ones however a batch is shared, if evenly
        taken = (step.uniform() < self.recipe.mismatched_share) & (labels[other] != labels)
        return torch.where(taken[:, None], self.real(batch)[other], fake)

    def likelihood_loss(self, step: Step, batch: Batch) -> Tensor:
        """The mean negative log-likelihood of a token, in nats, a scalar: the sum over all lines by the mean length of
        the data's, so that it does not depend on how a batch is shared among processes."""
        lines = self.real(batch)
        lines = lines[:, : int((lines != PAD).sum(1).max())]
        loss = -self.generator.log_likelihoods(lines, self.labels(batch)).sum() / (len(lines) * self.mean_tokens)
        step.report["likelihood/training"] = loss.detach()
        return loss

    def generator_loss(self, step: Step, real: Tensor, fake: Tensor, labels: Tensor | None, since: int) -> Tensor:
        """The generator's adversarial loss by its weight, a scalar, for its lines ``fake`` ``(batch, length)`` beside
        ``real`` embeddings ``(batch, length, channels)``, ``since`` examples into the adversarial phase."""
        weight = self.recipe.adversarial_weight(since)
        if not weight:
            return torch.zeros((), device=fake.device)
        with without_dropout(self.generator):
            if self.recipe.estimator == "policy":
                logits = self.adversarial_loss.discriminate(self.embeddings(fake), labels)
                return weight * policy_loss(
                    self.generator, fake, labels, logits, self.recipe.discount, self.mean_tokens
                )
            temperature, table = self.recipe.temperature(since), self.discriminator.table
            made = relaxed(self.generator, fake, labels, table, step.uniform(), temperature)
        return weight * self.adversarial_loss.generator_loss(step, real, made, labels)

    def embeddings(self, lines: Tensor) -> Tensor:
        """Lines ``(batch, length)`` as the discriminator reads them, ``(batch, length, channels)``."""
        return self.discriminator.table[lines]

    # How it goes

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        """Count, in pretraining, how often in a row a measurement was no better than the best one."""
        distance = means.get(f"metrics/{self.recipe.metric}", inf)
        if self.began != NONE or not isfinite(distance) or not self.recipe.pretrain_patience:
            return None
        if distance < self.best:
            self.best, self.misses = distance, 0
            return None
        self.misses, self.halvings = self.misses + 1, self.halvings + 1
        if self.misses == self.recipe.pretrain_patience:
            return Event(
                f"the adversarial phase begins: held-out lines became no likelier {self.misses} times in a row"
            )
        return None

    def state(self) -> dict[str, float | Tensor]:
        """Which phase is played, and how pretraining went."""
        return {"began": self.began, "best": self.best, "misses": self.misses, "halvings": self.halvings}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        self.began, self.best = float(state["began"]), float(state["best"])
        self.misses, self.halvings = int(state["misses"]), int(state["halvings"])

    # What the game makes

    def labels(self, batch: Batch) -> Tensor | None:
        """The labels of a batch or of conditions, int64 ``(batch,)``; None in a game without."""
        return batch["labels"] if self.classes else None

    def real(self, batch: Batch) -> Tensor:
        """The batch's lines as they are, int64 ``(batch, length)``."""
        return batch["lines"]

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """A line for each row of ``conditions``, int64 ``(rows, length)``, some at a time, none of them empty: no line
        of the data is; the uniform numbers are those of ``seed`` on any device.

        ``options`` are those of :class:`TextSampleOptions`: ``temperature``, ``top_p``, and ``prompt``, the beginning
        of every line. Raises :class:`UserError` for what they cannot be.
        """
        chosen = TextSampleOptions().changed(options)
        prompt = encode_prompt(chosen.prompt, self.vocabulary, self.length, self.recipe.lower)
        generator, labels, count = generator_of(networks), self.labels(conditions), rows(conditions)
        device = generator.bias.device
        uniform = torch.rand(count, self.length, generator=torch.Generator().manual_seed(seed))
        made = []
        for start in range(0, count, CHUNK):
            chunk = slice(start, start + CHUNK)
            made.append(
                generate_lines(
                    generator,
                    uniform[chunk].to(device),
                    None if labels is None else labels[chunk].to(device),
                    temperature=chosen.temperature,
                    top_p=chosen.top_p,
                    prompt=prompt,
                    unknown=False,
                    empty=False,
                )
            )
        return torch.cat(made)

    @torch.no_grad()
    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """Logits ``(rows,)`` of lines ``(rows, length)`` under the labels of ``conditions``; None in pretraining, when
        the discriminator has not begun to learn."""
        discriminator = discriminator_of(networks)
        if not discriminator.ready:
            return None
        logits: Tensor = discriminator(discriminator.table[examples], self.labels(conditions)).float()
        return logits if logits.ndim == 1 else logits[:, -1]

    def finish(self, generated: Tensor) -> Tensor:
        """Lines ``(n, length)`` as characters: their code points in Unicode, int64 ``(n, longest)``, 0 where a line is
        over."""
        return as_characters([self.vocabulary.decode(line) for line in generated.tolist()])

    @torch.no_grad()
    def log_likelihoods(self, networks: Networks, lines: Tensor, labels: Tensor | None) -> Tensor:
        """The log-likelihood of each token of lines ``(n, length)`` under labels ``(n,)``, in nats, ``(n, length)``, 0
        where a line is over; some lines at a time. They are those of what :meth:`generate` makes, but that it leaves
        the unknown token out: an empty line has none."""
        generator, parts = generator_of(networks), torch.split(torch.arange(len(lines), device=lines.device), CHUNK)
        return torch.cat([
            generator.log_likelihoods(lines[part], None if labels is None else labels[part], empty=False)
            for part in parts
        ])  # fmt: skip


def generator_of(networks: Networks) -> TextGenerator:
    """The generator among a game's networks."""
    generator = networks["generator"]
    assert isinstance(generator, TextGenerator)
    return generator


def discriminator_of(networks: Networks) -> TextDiscriminator:
    """The discriminator among a game's networks."""
    discriminator = networks["discriminator"]
    assert isinstance(discriminator, TextDiscriminator)
    return discriminator


@contextmanager
def without_dropout(generator: TextGenerator) -> Iterator[None]:
    """Inside, the generator has no dropout; its mode stays, for cuDNN's recurrent layers cannot be learned out of
    training."""
    share, generator.dropout = generator.dropout, 0.0
    try:
        yield
    finally:
        generator.dropout = share
