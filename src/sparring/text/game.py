"""The game on lines of text, in two acts.

First the generator alone learns the likelihood of the lines, until held-out lines become no likelier. Then a judge
that knows the label plays against it, while maximum likelihood goes on beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from sparring.core.adversarial_loss import AdversarialLoss
from sparring.core.errors import UserError
from sparring.core.game import Game, Networks, Player, Step, Turn
from sparring.text.estimators import policy_loss, relaxed
from sparring.text.networks.judge import Judge, LineJudge, UnitJudge
from sparring.text.networks.writer import Writer
from sparring.text.reading.lines import clean
from sparring.text.recipes import TextRecipe
from sparring.text.vocabulary import PAD, UNKNOWN, Vocabulary
from sparring.text.writing import write

CHUNK = 512  # lines written at once
HOTTEST = 10.0
NONE = -1.0  # examples seen when the second act began, before it has


class TextGame(Game):
    """Lines are units' numbers ``(batch, places)``, each ended by END unless it is full, then PAD."""

    def __init__(self, recipe: TextRecipe, form: Mapping[str, Any]) -> None:
        self.recipe = recipe
        self.vocabulary = Vocabulary.of_form(form["vocabulary"])
        self.places: int = form["places"]
        self.mean_units: float = form["mean_units"]
        self.classes = len(form["labels"])
        self.batches = recipe.n_critic
        writer, judge = self.networks()
        self.adversarial_loss = AdversarialLoss(judge, recipe)
        decay = recipe.weight_decay
        self.players = {
            "generator": Player(writer, weight_decay=decay, averaged=True),
            "discriminator": Player(
                judge, rate=recipe.discriminator_rate, weight_decay=decay, weight_clip=recipe.weight_clip
            ),
        }
        self.began, self.best = NONE, torch.inf
        self.misses = self.halvings = 0  # misses in a row; all there were, each of which halves the step

    def networks(self) -> tuple[Writer, Judge]:
        """New players."""
        recipe, shared = self.recipe, {"units": len(self.vocabulary), "labels": self.classes}
        writer = Writer(
            **shared,
            places=self.places,
            body=recipe.generator,
            embedding=recipe.embedding,
            width=recipe.width,
            layers=recipe.layers,
            dropout=recipe.dropout,
            valued=recipe.estimator == "policy",
        )
        kind = UnitJudge if recipe.estimator == "policy" else LineJudge
        judge = kind(
            **shared, channels=recipe.embedding, width=recipe.discriminator_width, dropout=recipe.discriminator_dropout
        )
        return writer, judge

    @property
    def writer(self) -> Writer:
        """The generator as it learns."""
        writer = self.players["generator"].network
        assert isinstance(writer, Writer)
        return writer

    # The two acts

    def turns(self, step: Step) -> Iterator[Turn]:
        """Likelihood on every batch; or a judge's turn on every batch, and the generator's on the last."""
        learned = (
            self.misses >= self.recipe.pretrain_patience > 0 or step.examples_seen >= self.recipe.pretrain_examples
        )
        if self.began == NONE and learned:
            self.began = float(step.examples_seen)
            self.judge_of(self.adversarial_loss.discriminator).take(self.writer.vectors.weight.detach())
        self.players["generator"].rate = 0.5**self.halvings if self.began == NONE else self.recipe.adversarial_rate
        yield from self.first_act(step) if self.began == NONE else self.second_act(step)

    def first_act(self, step: Step) -> Iterator[Turn]:
        """The generator alone."""
        for batch in step.batches:
            yield Turn("generator", partial(self.surprise, step, batch))

    def second_act(self, step: Step) -> Iterator[Turn]:
        """The judge, some rounds alone; then both. Where nothing else is changed, the judge's last lines are the
        generator's too."""
        since = step.examples_seen - int(self.began)
        for batch in step.batches:
            labels = self.labels(batch)
            with still(self.writer):
                fake = write(self.writer, step.uniform(self.places), labels)
            real, made = self.vectors(self.examples(batch)), self.vectors(self.among_mismatched(step, batch, fake))
            yield Turn("discriminator", partial(self.adversarial_loss.discriminator_loss, step, real, made, labels))
        if since >= self.recipe.discriminator_warmup:
            yield Turn("generator", lambda: self.recipe.likelihood_weight(since) * self.surprise(step, batch)
                       + self.persuasion(step, real, fake, labels, since))  # fmt: skip

    def among_mismatched(self, step: Step, batch: Mapping[str, Tensor], fake: Tensor) -> Tensor:
        """``fake``, but here and there a real line of another label: no match for the label that it is judged under
        (Reed et al. 2016, section 4.2), so that the judge asks of lines to be of their label and of no other."""
        labels = self.labels(batch)
        if not self.recipe.mismatched_share or labels is None:
            return fake
        row = torch.arange(len(fake), device=fake.device)
        other = (row ^ 1).clamp(max=len(fake) - 1)  # in pairs: the same ones however a batch is shared, if evenly
        taken = (step.uniform() < self.recipe.mismatched_share) & (labels[other] != labels)
        return torch.where(taken[:, None], self.examples(batch)[other], fake)

    def surprise(self, step: Step, batch: Mapping[str, Tensor]) -> Tensor:
        """The mean negative log-likelihood of a unit, in nats: the sum over all lines by the mean length of the data's,
        so that it does not depend on how a batch is shared among processes."""
        lines = self.examples(batch)
        lines = lines[:, : int((lines != PAD).sum(1).max())]
        loss = -self.writer.log_likelihoods(lines, self.labels(batch)).sum() / (len(lines) * self.mean_units)
        step.report["likelihood/training"] = loss.detach()
        return loss

    def persuasion(self, step: Step, real: Tensor, fake: Tensor, labels: Tensor | None, since: int) -> Tensor:
        """What the judge's opinion of ``fake`` asks of whoever wrote it, by its weight."""
        weight = self.recipe.adversarial_weight(since)
        if not weight:
            return torch.zeros((), device=fake.device)
        with still(self.writer):
            if self.recipe.estimator == "policy":
                verdicts = self.adversarial_loss.discriminate(self.vectors(fake), labels)
                return weight * policy_loss(self.writer, fake, labels, verdicts, self.recipe.discount, self.mean_units)
            table = self.judge_of(self.adversarial_loss.discriminator).table
            made = relaxed(self.writer, fake, labels, table, step.uniform(), self.recipe.temperature(since))
        return weight * self.adversarial_loss.generator_loss(step, real, made, labels)

    def vectors(self, lines: Tensor) -> Tensor:
        """Lines as the judge reads them, ``(batch, places, channels)``."""
        return self.judge_of(self.adversarial_loss.discriminator).table[lines]

    @staticmethod
    def judge_of(network: torch.nn.Module) -> Judge:
        """The same, known to be a judge."""
        assert isinstance(network, Judge)
        return network

    # How it goes

    @torch.no_grad()
    def measures(self, networks: Networks, held_out: Mapping[str, Tensor]) -> dict[str, float]:
        """``likelihood``: the negative log-likelihood of a held-out unit, the end of the line among them, in nats."""
        lines, labels = self.examples(held_out), self.labels(held_out)
        return {"likelihood": -self.log_likelihoods(networks, lines, labels).sum().item() / int((lines != PAD).sum())}

    @torch.no_grad()
    def log_likelihoods(self, networks: Networks, lines: Tensor, labels: Tensor | None) -> Tensor:
        """Of each unit of ``lines``, in nats, ``(n, places)``, 0 where a line is over; some at a time."""
        writer = networks["generator"]
        assert isinstance(writer, Writer)
        parts = range(0, len(lines), CHUNK)
        return torch.cat(
            [
                writer.log_likelihoods(lines[at : at + CHUNK], None if labels is None else labels[at : at + CHUNK])
                for at in parts
            ]
        )

    def measured(self, distance: float) -> str:
        """Counts, in the first act, how often held-out lines became no likelier."""
        if self.began != NONE or not isfinite(distance) or not self.recipe.pretrain_patience:
            return ""
        if distance < self.best:
            self.best, self.misses = distance, 0
            return ""
        self.misses, self.halvings = self.misses + 1, self.halvings + 1
        if self.misses == self.recipe.pretrain_patience:
            return f"the second act begins: held-out lines became no likelier {self.misses} times in a row"
        return ""

    def state(self) -> dict[str, float]:
        """Which act is played, and how the first one went."""
        return {"began": self.began, "best": self.best, "misses": self.misses, "halvings": self.halvings}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Take back what :meth:`state` gave."""
        self.began, self.best = state["began"], state["best"]
        self.misses, self.halvings = int(state["misses"]), int(state["halvings"])

    # What the game is for

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The batch's lines."""
        return batch["lines"]

    def labels(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """The batch's labels, where the game has any."""
        return batch["labels"] if self.classes else None

    def sample(self, networks: Networks, count: int, *, seed: int, label: int | None = None, **asked: Any) -> Tensor:
        """Lines from ``seed``; with labels, all of ``label`` or each label in turn.

        Can be asked for ``temperature``, ``top_p`` (see :func:`write`) and ``prompt``, the beginning of every line as
        text. Raises :class:`UserError` for what they cannot be.
        """
        labels = None
        if self.classes:
            labels = torch.arange(count) % self.classes if label is None else torch.full((count,), label)
        return self.make(networks, count, seed, labels, **asked)

    def imitate(self, networks: Networks, batch: Mapping[str, Tensor], *, seed: int, **asked: Any) -> Tensor:
        """A line for each of the batch's, under its label."""
        return self.make(networks, len(next(iter(batch.values()))), seed, self.labels(batch), **asked)

    def make(
        self,
        networks: Networks,
        count: int,
        seed: int,
        labels: Tensor | None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        prompt: str = "",
    ) -> Tensor:
        """``count`` lines under ``labels``, some at a time; chance is that of ``seed`` on any device."""
        if not 0 <= temperature <= HOTTEST:
            raise UserError(f"temperature: {temperature:g} will not do; choose one from 0 to {HOTTEST:g}")
        if not 0 < top_p <= 1:
            raise UserError(f"top_p: {top_p:g} is no share; choose one above 0, up to 1")
        how = partial(write, temperature=temperature, top_p=top_p, prompt=self.units_of(prompt), unknown=False)
        writer = networks["generator"]
        assert isinstance(writer, Writer)
        device = writer.bias.device
        chance = torch.rand(count, self.places, generator=torch.Generator().manual_seed(seed))
        made = []
        for start in range(0, count, CHUNK):
            some = slice(start, start + CHUNK)
            conditions = None if labels is None else labels[some].to(device)
            made.append(how(writer, chance[some].to(device), conditions))
        return torch.cat(made)

    def units_of(self, prompt: str) -> list[int]:
        """A prompt in the vocabulary. Raises :class:`UserError` naming what is not in it."""
        kept = " " if self.vocabulary.unit != "word" and prompt[-1:] == " " else ""
        prompt = clean(prompt, self.recipe.lower) + kept  # as the lines that were learned
        units = self.vocabulary.encode(prompt)
        if UNKNOWN in units:
            words = [word for word, unit in zip(self.vocabulary.units(prompt), units, strict=True) if unit == UNKNOWN]
            raise UserError(f"prompt: '{words[0]}' is not in the vocabulary of {len(self.vocabulary):,} units")
        if len(units) >= self.places:
            raise UserError(f"prompt: {len(units)} units leave no place for more; lines have at most {self.places - 1}")
        return units

    @torch.no_grad()
    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        """Logits of lines, under the batch's labels; 0, undecided, before the judge has begun to learn."""
        judge = self.judge_of(networks["discriminator"])
        if not self.judges(networks):
            return torch.zeros(len(examples), device=examples.device)
        logits: Tensor = judge(judge.table[examples], self.labels(batch)).float()
        return logits if logits.ndim == 1 else logits[:, -1]

    def judges(self, networks: Networks) -> bool:
        """Whether the judge has begun to learn."""
        return bool(self.judge_of(networks["discriminator"]).ready)

    def present(self, samples: Tensor) -> Tensor:
        """Lines as characters: their numbers in Unicode, int64 ``(n, most)``, 0 where a line is over."""
        return as_characters([self.vocabulary.decode(line) for line in samples.tolist()])


@contextmanager
def still(writer: Writer) -> Iterator[None]:
    """Inside, no dropout; in all else as it is, for cuDNN's recurrent layers cannot be learned out of training."""
    share, writer.dropout = writer.dropout, 0.0
    try:
        yield
    finally:
        writer.dropout = share


def as_characters(texts: Sequence[str]) -> Tensor:
    """Texts as Unicode's numbers ``(n, longest)``, filled up with 0."""
    rows = [torch.tensor([ord(character) for character in text] or [0]) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def build(recipe: TextRecipe, form: Mapping[str, Any]) -> TextGame:
    """The game that ``recipe`` describes, on data of this form."""
    return TextGame(recipe, form)
