"""``sparring evaluate`` for text: how likely real lines are, how good and how varied written ones, beside real lines.

Everything is measured on lines that were not trained on, cut into two halves: references, and as many real lines as
there are samples, which are put through the same measurements and give the floor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from sparring.core.errors import UserError
from sparring.core.game import mixed
from sparring.data.order import held_out_count, split
from sparring.metrics.compare import scores_of
from sparring.metrics.findings import Verdict, verdicts
from sparring.metrics.frechet import frechet
from sparring.metrics.score import Family, Meaning, Score
from sparring.text import grammar
from sparring.text.curve import curve_picture
from sparring.text.data import TextSource, drawn, open_source
from sparring.text.game import TextGame
from sparring.text.measures import truth
from sparring.text.measures.bleu import bleu, self_bleu
from sparring.text.measures.classifier import LabelJudge
from sparring.text.measures.encoder import Encoder
from sparring.text.measures.ngrams import NgramModel
from sparring.text.measures.novelty import copied, diversity, nearest
from sparring.text.recipes import TextRecipe
from sparring.text.samples import as_texts, picture
from sparring.text.vocabulary import PAD, UNKNOWN
from sparring.verbs.model import Model
from sparring.verbs.subject import own_data

Sentence = tuple[str, ...]
Learn = Callable[[list[Sentence]], NgramModel]
MOST = 5_000  # samples
LEAST = 20  # of them
FEWEST_VALID = 0.9  # samples on the bundled topics, below which it is said
TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
ORDERS = (2, 3, 4, 5)

MEANINGS = {
    "likelihood": Meaning("low", "negative log-likelihood of a real unit, ends of lines among them, in nats"),
    **{f"bleu{order}": Meaning("floor", f"runs of up to {order} units that real lines have too") for order in ORDERS},
    **{f"self-bleu{order}": Meaning("floor", f"the same that other samples have, up to {order}") for order in ORDERS},
    "lm": Meaning("floor", "surprise of a model of real lines at a sample's unit, in nats: quality"),
    "reverse-lm": Meaning("low", "surprise of a model of the samples at a real unit, in nats: diversity"),
    "frechet": Meaning("low", "distance of the two as Gaussians, in features of words and pairs"),
    "label_accuracy": Meaning("high", "samples that an independent classifier reads as the label asked for"),
    "novelty": Meaning("floor", "share of a sample's words that the nearest training line does not share"),
    "copied": Meaning("low", "samples that are training lines, word for word"),
    "diversity": Meaning("floor", "share of a sample's words that the nearest other sample does not share"),
    "valid": Meaning("high", "samples that are sentences of the bundled grammar"),
    "on_topic": Meaning("high", "samples that are sentences of the topic asked for"),
    "divergence": Meaning("low", "Kullback-Leibler, of the generator from the grammar, in nats a line"),
}


@dataclass(frozen=True)
class Some:
    """Lines as their words, with their labels where there are any."""

    sentences: list[Sentence]
    labels: np.ndarray
    """Empty where there are none."""

    def __len__(self) -> int:
        return len(self.sentences)


class Reader:
    """A trained model beside ``data``, lines that it did not learn from; or, without, beside those of its own ``run``
    that were held out. What it did learn from is known where it is a run whose data are still there."""

    def __init__(self, model: Model, run: Path, data: str | None) -> None:
        assert isinstance(model.game, TextGame)
        assert isinstance(model.recipe, TextRecipe)
        self.model, self.game = model, model.game
        own = self.learned_from(run) if data is None else self.learned_from_if_there(run)
        self.training, held_out = own if own else (Some([], np.arange(0)), np.arange(0))
        if data is not None and not (own and self.same(data)):
            self.source = self.open(data)
            held_out = np.arange(len(self.source))
        self.held_out = held_out

    def same(self, data: str) -> bool:
        """Whether these are the data that it learned from: most of them are not new."""
        return os.path.exists(data) and os.path.exists(self.source.name) and os.path.samefile(data, self.source.name)

    def open(self, data: str) -> TextSource:
        """Lines as the model reads them. Raises :class:`UserError` without labels where it needs them."""
        assert isinstance(self.model.recipe, TextRecipe)
        labelled = {} if self.model.labels else {"labelled": "no"}
        source = open_source(self.model.recipe.changed({"data": data, **labelled}), self.model.form)
        if self.model.labels and source.labels is None:
            raise UserError(f"{source.name}: has no labels, but the model writes under them; give labelled lines")
        return source

    def learned_from(self, run: Path) -> tuple[Some, np.ndarray]:
        """The lines that it learned from, and indices of those held out, in its own data. Raises :class:`UserError`."""
        recipe = self.model.recipe
        self.source = self.open(own_data(run, self.model)["data"])
        count = len(self.source)
        if count != self.model.examples:
            raise UserError(f"data: {self.source.name} has changed since training; add --data PATH of other lines")
        members, held_out = split(count, recipe.seed, held_out_count(recipe.held_out, count))
        return self.some(members), held_out

    def learned_from_if_there(self, run: Path) -> tuple[Some, np.ndarray] | None:
        """The same; None where they cannot be had any more."""
        try:
            return self.learned_from(run)
        except UserError:
            return None

    def cut(self, text: str) -> Sentence:
        """A text as it is compared: words, or characters."""
        vocabulary = self.game.vocabulary
        return tuple(text.split() if vocabulary.unit == "bpe" else vocabulary.units(text))

    def some(self, indices: np.ndarray) -> Some:
        """Real lines."""
        known = self.source.labels
        labels = np.arange(0) if known is None else known[torch.from_numpy(indices)].numpy()
        return Some([self.cut(self.source.texts[index]) for index in indices], labels)

    def written(self, like: np.ndarray, seed: int, temperature: float = 1.0) -> tuple[Some, Tensor]:
        """As many lines as ``like`` has, under the same labels; also as characters."""
        batch = {name: value.to(self.model.device) for name, value in self.source.batch(like).items()}
        with torch.no_grad():
            lines = self.game.imitate(self.model.networks, batch, seed=seed, temperature=temperature)
        characters = self.game.present(lines)
        labels = batch["labels"].cpu().numpy() if self.model.labels else np.arange(0)
        return Some([self.cut(text) for text in as_texts(characters)], labels), characters

    def log_likelihoods(self, batch: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """Of each line, in nats, and its number of units."""
        lines, labels = batch["lines"].to(self.model.device), batch.get("labels")
        with torch.no_grad():
            found = self.game.log_likelihoods(self.model.networks, lines, None if labels is None else labels.to(lines))
        return found.sum(1).cpu().double().numpy(), (lines != PAD).sum(1).cpu().numpy()

    def likelihood(self) -> Score:
        """Of all lines that it did not learn from, by unit."""
        log_likelihoods, units = self.log_likelihoods(self.source.batch(self.held_out))
        return Score("likelihood", *by_unit(-log_likelihoods, units), count=len(units))

    def beside_truth(self, samples: list[str], labels: np.ndarray, seed: int) -> list[Score]:
        """Of samples on the bundled topics; the divergence on as many new lines, where the model can say them."""
        assert isinstance(self.model.recipe, TextRecipe)
        valid, on_topic = truth.sentences(samples, labels)
        lines = drawn(len(samples), seed, self.model.recipe, self.model.form)
        batch = lines.batch(np.arange(len(lines)))
        scores = [
            scored("valid", valid.astype(float), np.ones(len(valid))),
            scored("on_topic", on_topic.astype(float), np.ones(len(valid))),
        ]
        if lines.form["cut"] or bool((batch["lines"] == UNKNOWN).any()):
            return scores
        more = truth.excess(lines.texts, batch["labels"].tolist(), self.log_likelihoods(batch)[0])
        return [*scores, scored("divergence", more, np.zeros(len(more)))]


def evaluate_text(
    model: Model, folder: Path, data: str | None, *, count: int | None, seed: int, say: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """Everything that is told, and pictures by name. Raises :class:`UserError` when nothing can be compared."""
    reader = Reader(model, folder, data)
    floor_at, reference_at = halves(reader.held_out, count, seed)
    reference, floor, training = reader.some(reference_at), reader.some(floor_at), reader.training
    samples, characters = reader.written(floor_at, mixed(seed, 1))
    known = training if len(training) else reference
    say(f"{len(samples):,} samples, {len(reference):,} references, {len(training):,} training lines")

    encoder = Encoder(known.sentences, seed=0)
    words = {word for some in (known, reference) for sentence in some.sentences for word in sentence}
    learn = partial(NgramModel, vocabulary=words)  # one vocabulary: else what one model knows, another has for cheap
    judge = learn(known.sentences)
    scores = [reader.likelihood(), *against(samples, floor, reference, judge, learn)]
    seen = [encoder.features(some.sentences) for some in (reference, samples, floor)]
    scores += scores_of(Family(("frechet",), frechet), seen[0], seen[1], seen[2], seed)
    if len(samples.labels) and len(set(known.labels.tolist())) > 1:
        scores.append(read_as_asked(samples, floor, known))
    scores += new(samples, floor, training)
    if reader.source.name == "topics" and model.labels == list(grammar.NAMES):
        scores += reader.beside_truth(as_texts(characters), samples.labels, mixed(seed, 2))
    points = [point(reader, floor_at, seed, temperature, reference, judge, learn) for temperature in TEMPERATURES]
    by_name = {score.name: score for score in scores}
    real = {"lm": by_name["lm"].floor, "reverse_lm": by_name["reverse-lm"].floor}
    features = {"name": "words and pairs, TF-IDF and SVD", "hash": encoder.hash, "dimensions": seen[0].shape[1]}
    result = {
        "sparring": sparring.__version__,
        "target": str(folder),
        "data": reader.source.name,
        "count": len(samples),
        "reference": len(reference),
        "seed": seed,
        "features": features,
        "model": model.hash,
        "examples_seen": model.examples_seen,
        "verdicts": [asdict(verdict) for verdict in told(by_name)],
        "scores": [{**asdict(score), **asdict(MEANINGS[score.name])} for score in scores],
        "curve": points,
        "real": real,
    }
    shown = {
        "curve": ("quality against diversity by temperature", curve_picture(points, real).encode()),
        "samples": ("the first samples", picture(as_texts(characters[:32]), {}).encode()),
        "lines": ("as many real lines", picture([reader.source.texts[at] for at in floor_at[:32]], {}).encode()),
    }
    return result, shown


def halves(held_out: np.ndarray, count: int | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As many lines as there will be samples, and as many or more references. Raises :class:`UserError`."""
    most = len(held_out) // 2
    if most < LEAST:
        raise UserError(f"data: {len(held_out):,} lines that were not trained on are too few; add --data PATH of more")
    if count is not None and not LEAST <= count <= most:
        raise UserError(
            f"n: {count:,} samples need as many real lines twice, {len(held_out):,} were not trained on; "
            f"ask for {LEAST} to {most:,}, or add --data PATH of other lines"
        )
    order = np.random.default_rng(seed).permutation(held_out)
    some = count or min(MOST, most)
    return order[:some], order[some:]


def scored(name: str, values: np.ndarray, real: np.ndarray) -> Score:
    """A mean over samples beside that over real lines."""
    errors = [each.std(ddof=1) / len(each) ** 0.5 for each in (values, real)]
    return Score(name, float(values.mean()), errors[0], float(real.mean()), errors[1], None, len(values))


def against(samples: Some, floor: Some, reference: Some, judge: NgramModel, learn: Learn) -> list[Score]:
    """BLEU against references and among themselves; what a model of one thinks of the other."""
    ours, theirs = (bleu(some.sentences, reference.sentences, ORDERS) for some in (samples, floor))
    scores = [scored(f"bleu{order}", ours[order], theirs[order]) for order in ORDERS]
    ours, theirs = (self_bleu(some.sentences, ORDERS) for some in (samples, floor))
    scores += [scored(f"self-bleu{order}", ours[order], theirs[order]) for order in ORDERS]
    return [
        *scores,
        surprises("lm", judge, samples, judge, floor),
        surprises("reverse-lm", learn(samples.sentences), reference, learn(floor.sentences), reference),
    ]


def surprises(name: str, model: NgramModel, lines: Some, other: NgramModel, real: Some) -> Score:
    """What ``model`` thinks of a unit of ``lines``, beside what ``other`` thinks of one of ``real``."""
    ours, theirs = surprise(model, lines), surprise(other, real)
    return Score(name, *ours, *theirs, count=len(lines))


def surprise(model: NgramModel, lines: Some) -> tuple[float, float]:
    """The negative log-likelihood of a unit, in nats, and its standard error over lines."""
    nats, units = model.log_likelihoods(lines.sentences)
    return by_unit(-nats, units)


def by_unit(nats: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """The mean by unit of what lines of so many units have, and its standard error over lines."""
    mean = nats.sum() / units.sum()
    return float(mean), float((nats - mean * units).std() / units.mean() / len(units) ** 0.5)


def read_as_asked(samples: Some, floor: Some, known: Some) -> Score:
    """Labels as a classifier reads them that has seen neither samples nor the real lines of the floor."""
    judge = LabelJudge(known.sentences, known.labels, seed=0)
    found = [judge.accuracy(some.sentences, some.labels) for some in (samples, floor)]
    return Score("label_accuracy", *found[0], *found[1], count=len(samples))


def new(samples: Some, floor: Some, training: Some) -> list[Score]:
    """How far samples are from training lines and from each other."""
    scores = []
    if len(training):
        ours, theirs = (1 - nearest(some.sentences, training.sentences) for some in (samples, floor))
        scores.append(scored("novelty", ours, theirs))
        shares = [copied(some.sentences, training.sentences) for some in (samples, floor)]
        errors = [(share * (1 - share) / len(samples)) ** 0.5 for share in shares]
        scores.append(Score("copied", shares[0], errors[0], shares[1], errors[1], None, len(samples)))
    ours, theirs = (1 - diversity(some.sentences) for some in (samples, floor))
    return [*scores, scored("diversity", ours, theirs)]


def point(
    reader: Reader, like: np.ndarray, seed: int, temperature: float, reference: Some, judge: NgramModel, learn: Learn
) -> dict[str, float]:
    """Quality and diversity of lines written at a temperature."""
    samples = reader.written(like, mixed(seed, 1), temperature)[0]
    return {
        "temperature": temperature,
        "lm": surprise(judge, samples)[0],
        "reverse_lm": surprise(learn(samples.sentences), reference)[0],
        "bleu5": float(bleu(samples.sentences, reference.sentences, (5,))[5].mean()),
        "self_bleu5": float(self_bleu(samples.sentences, (5,))[5].mean()),
    }


def told(scores: dict[str, Score]) -> list[Verdict]:
    """What stands out, in words."""
    found = []
    copies, varied = scores.get("copied"), scores["diversity"]
    if copies and (copies.value or 0) > 2 * (copies.floor or 0) + 0.1:
        found.append(Verdict("memorisation", f"{copies.value:.0%} of the samples are training lines, word for word"))
    if "valid" in scores and (scores["valid"].value or 0) < FEWEST_VALID:
        found.append(Verdict("invalid", f"{1 - (scores['valid'].value or 0):.0%} of the samples are no sentences"))
    if (varied.value or 0) < 0.5 * (varied.floor or 0):
        found.append(Verdict("collapse", "samples are less than half as varied as real lines"))
    return found or verdicts({"frechet": scores["frechet"]})
