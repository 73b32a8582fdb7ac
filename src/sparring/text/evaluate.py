"""``sparring evaluate`` for text: how likely real lines are, how good and how varied generated ones, beside real lines.

Everything is measured on lines that were not trained on, cut into two halves: references, and as many real lines as
there are samples, which are put through the same measurements and give the floor.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.seeds import mixed
from sparring.core.status import Countdown
from sparring.data.order import held_out_count, split
from sparring.evaluation import Evaluation, as_row
from sparring.metrics.compare import scores_of
from sparring.metrics.findings import ERRORS, TOO_EARLY, Finding, find
from sparring.metrics.score import Score
from sparring.modality import Artifact, Say
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.targets import only_place, own_data
from sparring.text import grammar
from sparring.text.data import TextForm, TextSource, draw_topics, open_source
from sparring.text.game import TextGame
from sparring.text.metrics.encoder import TfidfEncoder
from sparring.text.metrics.scores import (
    FRECHET,
    NgramModels,
    bleu_scores,
    curve_point,
    label_score,
    likelihood_score,
    model_scores,
    negative_log_likelihood,
    novelty_scores,
)
from sparring.text.metrics.sentences import Sentences, shuffled
from sparring.text.metrics.topics import divergence_score, sentence_scores
from sparring.text.pictures import SHOWN, curve_picture, lines_picture
from sparring.text.samples import as_texts
from sparring.text.vocabulary import PAD, UNKNOWN
from sparring.version import __version__

MOST = 5_000  # samples
LEAST = 20  # samples
SALAD = 1 / 3  # of the way from real lines to shuffled ones; who has learned is near real lines, or below
ORDERED = 0.5  # nats a token by which shuffled lines are less likely, where the order of tokens means something
FEWEST_VALID = 0.9  # samples on the bundled topics, below which it is said
TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)


def evaluate_lines(model: Model, game: TextGame, form: TextForm, options: EvaluateOptions, say: Say) -> Evaluation:
    """The scores of a model's lines, what stands out in words, and pictures. Raises :class:`UserError` when nothing can
    be compared."""
    # Real lines, and samples under their labels
    seed = options.seed
    target = TextTarget(model, game, form, only_place(options.data) if options.data else None)
    real_indices, reference_indices = halves(target.held_out, options.count or None, seed)
    reference, real, training = target.real(reference_indices), target.real(real_indices), target.training
    samples, characters = target.generate(real_indices, mixed(seed, 1))
    say(f"{len(samples):,} samples, {len(reference):,} references, {len(training):,} training lines")

    # What measures them learns from training lines, or else from the references
    known = training if len(training) else reference
    models, encoder = NgramModels(known, reference), TfidfEncoder(known.sentences, seed=0)
    features = [encoder.features(lines.sentences) for lines in (reference, samples, real)]

    # Scores
    rows = [
        target.likelihood(),
        *bleu_scores(samples, real, reference),
        *model_scores(samples, real, reference, models),
        *scores_of(FRECHET, features, seed),
    ]
    if len(samples.labels) and len(set(known.labels.tolist())) > 1:
        rows.append(label_score(samples, real, known))
    rows += novelty_scores(samples, real, training)
    if target.source.name == "topics" and model.labels == grammar.NAMES:
        rows += target.topic_scores(as_texts(characters), samples.labels, mixed(seed, 2))

    # The quality-diversity curve, by temperature
    points, countdown = [], Countdown(say, "comparing temperatures", len(TEMPERATURES))
    for temperature in TEMPERATURES:
        lines = target.generate(real_indices, mixed(seed, 1), temperature)[0]
        points.append(curve_point(temperature, lines, reference, models))
        countdown.done(len(points))

    # The result as plain values, and pictures
    by_name = {score.name: score for score in rows}
    salad = negative_log_likelihood(models.of_real, shuffled(real, seed))[0]
    floors = {"lm": by_name["lm"].floor, "reverse_lm": by_name["reverse-lm"].floor}
    hashed = {"name": "words and pairs, TF-IDF and SVD", "hash": encoder.hash, "dimensions": features[0].shape[1]}
    result = {
        "sparring": __version__, "target": str(model.path), "data": target.source.name,
        "count": len(samples), "reference": len(reference), "seed": seed, "features": hashed,
        "model": model.hash, "examples_seen": model.examples_seen,
        "verdicts": [asdict(finding) for finding in findings(by_name, salad, model.examples_seen)],
        "scores": [as_row(score) for score in rows],
        "curve": points, "real": floors,
    }  # fmt: skip
    shown = [target.source.texts[index] for index in real_indices[:SHOWN]]
    return Evaluation(result, [
        as_artifact("quality against diversity by temperature", curve_picture(points, floors), "curve"),
        as_artifact("the first samples", lines_picture(as_texts(characters[:SHOWN])), "samples"),
        as_artifact("as many real lines", lines_picture(shown), "lines"),
    ])  # fmt: skip


def as_artifact(caption: str, picture: str, name: str = "") -> Artifact:
    """An SVG as something to show."""
    return Artifact(caption, "image/svg+xml", picture.encode(), name)


class TextTarget:
    """A trained model beside ``data``, lines that it did not learn from; or, without, beside those of its own run that
    were held out. What it did learn from is known where it is a run whose data are still there.

    Raises :class:`UserError` when the lines cannot be had.
    """

    def __init__(self, model: Model, game: TextGame, form: TextForm, data: str | None) -> None:
        self.model, self.game, self.form = model, game, form
        own = self.learned_from() if data is None else self.learned_from_if_there()
        self.training, held_out = own if own else (Sentences([], np.arange(0)), np.arange(0))
        if data is not None and not (own and self.is_own(data)):
            self.source = self.open(data)
            held_out = np.arange(len(self.source))
        self.held_out = held_out

    def is_own(self, data: str) -> bool:
        """Whether ``data`` are the lines that the model learned from: most of them are not new."""
        return os.path.exists(data) and os.path.exists(self.source.name) and os.path.samefile(data, self.source.name)

    def open(self, data: str) -> TextSource:
        """Lines as the model reads them. Raises :class:`UserError` without labels where the model needs them."""
        labelled = {} if self.model.labels else {"labelled": "no"}
        source = open_source(self.game.recipe.changed({"data": data, **labelled}), self.form)
        if self.model.labels and source.labels is None:
            raise UserError(f"{source.name}: has no labels, but the model writes under them; give labelled lines")
        return source

    def learned_from(self) -> tuple[Sentences, np.ndarray]:
        """The lines that the model learned from, and indices ``(n,)`` of those held out in its own data. Raises
        :class:`UserError` where its data are not there any more."""
        recipe = self.model.recipe
        self.source = self.open(own_data(self.model)["data"])
        count = len(self.source)
        if count != self.model.examples:
            raise UserError(f"data: {self.source.name} has changed since training; add --data PATH of other lines")
        members, held_out = split(count, recipe.seed, held_out_count(recipe.held_out, count))
        return self.real(members), held_out

    def learned_from_if_there(self) -> tuple[Sentences, np.ndarray] | None:
        """What :meth:`learned_from` gives, indices ``(n,)`` among it; None where that cannot be had any more."""
        try:
            return self.learned_from()
        except UserError:
            return None

    def words(self, text: str) -> tuple[str, ...]:
        """A text as it is compared: words, or characters."""
        vocabulary = self.game.vocabulary
        return tuple(text.split() if vocabulary.token == "bpe" else vocabulary.tokens(text))

    def real(self, indices: np.ndarray) -> Sentences:
        """The real lines at ``indices`` ``(n,)``."""
        known = self.source.labels
        labels = np.arange(0) if known is None else known[torch.from_numpy(indices)].numpy()
        return Sentences([self.words(self.source.texts[index]) for index in indices], labels)

    def generate(self, like: np.ndarray, seed: int, temperature: float = 1.0) -> tuple[Sentences, Tensor]:
        """A line for each index of ``like`` ``(n,)``, under the same label; also as characters ``(n, longest)``."""
        batch = {name: value.to(self.model.device) for name, value in self.source.batch(like).items()}
        lines = self.game.generate(self.model.networks, batch, seed=seed, temperature=temperature)
        characters = self.game.finish(lines)
        labels = batch["labels"].cpu().numpy() if self.model.labels else np.arange(0)
        return Sentences([self.words(text) for text in as_texts(characters)], labels), characters

    def log_likelihoods(self, batch: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """The log-likelihood of each line of a batch, in nats, float64 ``(n,)``, and its number of tokens ``(n,)``."""
        lines, labels = batch["lines"].to(self.model.device), batch.get("labels")
        labels = None if labels is None else labels.to(lines)
        nats = self.game.log_likelihoods(self.model.networks, lines, labels).sum(1)
        return nats.cpu().double().numpy(), (lines != PAD).sum(1).cpu().numpy()

    def likelihood(self) -> Score:
        """The likelihood of all lines that the model did not learn from, by token."""
        return likelihood_score(*self.log_likelihoods(self.source.batch(self.held_out)))

    def topic_scores(self, samples: list[str], labels: np.ndarray, seed: int) -> list[Score]:
        """The scores of samples on the bundled topics, with labels ``(n,)``; the divergence is that on as many new
        lines, where the model knows all their tokens."""
        rows = sentence_scores(samples, labels)
        lines = draw_topics(len(samples), seed, self.game.recipe, self.form)
        batch = lines.batch(np.arange(len(lines)))
        if lines.form.cut or bool((batch["lines"] == UNKNOWN).any()):
            return rows
        return [*rows, divergence_score(lines.texts, batch["labels"].tolist(), self.log_likelihoods(batch)[0])]


def halves(held_out: np.ndarray, count: int | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of as many of the ``held_out`` lines ``(n,)`` as there will be samples, ``(count,)``, and of as many or
    more references. Raises :class:`UserError` where there are too few."""
    most = len(held_out) // 2
    if most < LEAST:
        raise UserError(f"data: {len(held_out):,} lines that were not trained on are too few; add --data PATH of more")
    if count is not None and not LEAST <= count <= most:
        raise UserError(
            f"n: {count:,} samples need as many real lines twice, {len(held_out):,} were not trained on; "
            f"ask for {LEAST} to {most:,}, or add --data PATH of other lines"
        )
    order = np.random.default_rng(seed).permutation(held_out)
    samples = count or min(MOST, most)
    return order[:samples], order[samples:]


def findings(by_name: dict[str, Score], salad: float, examples: int) -> list[Finding]:
    """What stands out in the scores of a model that has seen so many examples, in words; ``salad`` is what the model of
    real lines (``lm``) makes of real lines whose tokens are shuffled."""
    found = []
    copies, varied, valid = by_name.get("copied"), by_name["diversity"], by_name.get("valid")
    if copies and (copies.value or 0) > 2 * (copies.floor or 0) + 0.1:
        found.append(Finding("memorisation", f"{copies.value:.0%} of the samples are training lines, word for word"))
    if valid and (valid.value or 0) < FEWEST_VALID:
        found.append(Finding("invalid", f"{1 - (valid.value or 0):.0%} of the samples are no sentences"))
    if (varied.value or 0) < 0.5 * (varied.floor or 0):
        found.append(Finding("collapse", "samples are less than half as varied as real lines"))
    if early := too_early(by_name["lm"], salad, examples):
        found.append(early)
    return found or find({"frechet": by_name["frechet"]})


def too_early(lm: Score, salad: float, examples: int) -> Finding | None:
    """Whether samples are word salad: by more than the errors less likely than a third of the way from real lines to
    those with their tokens shuffled (``salad``), in nats a token."""
    value, real = lm.value or 0, lm.floor or 0
    margin = ERRORS * math.hypot(lm.error or 0, lm.floor_error or 0)
    if salad - real < ORDERED or value - margin <= real + SALAD * (salad - real):
        return None
    return Finding(
        TOO_EARLY,
        f"after {examples:,} examples the order of tokens is far from that of real lines ({value:.1f} nats a token, "
        f"real {real:.1f}, shuffled {salad:.1f}): the rest says little yet; train on",
    )
