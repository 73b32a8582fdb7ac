"""The rows of an evaluation of text: samples against real lines, each number beside that of as many other real lines.

``samples`` are generated sentences, ``real`` as many real ones that are not in the ``reference``: they give the floor.
"""

from __future__ import annotations

import numpy as np

from sparring.metrics.frechet import frechet
from sparring.metrics.score import Family, Metric, Score
from sparring.text.metrics.bleu import ORDERS, bleu, self_bleu
from sparring.text.metrics.classifier import LabelClassifier
from sparring.text.metrics.ngrams import NgramModel
from sparring.text.metrics.novelty import copied, diversity, nearest
from sparring.text.metrics.sentences import Sentences

LIKELIHOOD = Metric("likelihood", "low", "negative log-likelihood of a real token, ends of lines among them, in nats")
BLEU = {order: Metric(f"bleu{order}", "floor", f"runs of up to {order} tokens that real lines have too")
        for order in ORDERS}  # fmt: skip
SELF_BLEU = {order: Metric(f"self-bleu{order}", "floor", f"runs of up to {order} tokens that other samples have too")
             for order in ORDERS}  # fmt: skip
LM = Metric("lm", "floor", "negative log-likelihood of a sample's token under a model of real lines, in nats: quality")
REVERSE_LM = Metric(
    "reverse-lm", "low", "negative log-likelihood of a real token under a model of the samples, in nats: diversity"
)
FRECHET = Family(
    (Metric("frechet", "low", "distance of the two as Gaussians, in features of words and pairs", "halving"),), frechet
)
LABEL_ACCURACY = Metric("label_accuracy", "high", "samples that an independent classifier reads as the label asked for")
NOVELTY = Metric("novelty", "floor", "share of a sample's words that the nearest training line does not share")
COPIED = Metric("copied", "low", "samples that are training lines, word for word")
DIVERSITY = Metric("diversity", "floor", "share of a sample's words that the nearest other sample does not share")


class NgramModels:
    """Language models over one vocabulary: with vocabularies of their own, what one model knows another has for cheap.

    ``of_real`` has learned from ``known`` real sentences; the vocabulary is that of ``known`` and ``reference``.
    """

    def __init__(self, known: Sentences, reference: Sentences) -> None:
        self.vocabulary = {word for lines in (known, reference) for sentence in lines.sentences for word in sentence}
        self.of_real = self.learn(known)

    def learn(self, lines: Sentences) -> NgramModel:
        """A model of these lines."""
        return NgramModel(lines.sentences, vocabulary=self.vocabulary)


def mean_score(metric: Metric, values: np.ndarray, real: np.ndarray) -> Score:
    """The mean of ``values`` ``(n,)`` of samples beside that of ``real`` ``(m,)``, those of real lines."""
    error, real_error = (float(each.std(ddof=1) / len(each) ** 0.5) for each in (values, real))
    return Score(metric, float(values.mean()), error, float(real.mean()), real_error, None, len(values))


def likelihood_score(log_likelihoods: np.ndarray, tokens: np.ndarray) -> Score:
    """The negative log-likelihood of a token, of lines with these log-likelihoods ``(n,)`` in nats and so many tokens
    ``(n,)``."""
    return Score(LIKELIHOOD, *per_token(-log_likelihoods, tokens), count=len(tokens))


def bleu_scores(samples: Sentences, real: Sentences, reference: Sentences) -> list[Score]:
    """BLEU against the reference, then Self-BLEU within each set, for each order."""
    values, floors = (bleu(each.sentences, reference.sentences, ORDERS) for each in (samples, real))
    among_samples, among_real = (self_bleu(each.sentences, ORDERS) for each in (samples, real))
    return [
        *(mean_score(BLEU[order], values[order], floors[order]) for order in ORDERS),
        *(mean_score(SELF_BLEU[order], among_samples[order], among_real[order]) for order in ORDERS),
    ]


def model_scores(samples: Sentences, real: Sentences, reference: Sentences, models: NgramModels) -> list[Score]:
    """How likely samples are by a model of real lines, and the reference by a model of the samples."""
    quality = [negative_log_likelihood(models.of_real, lines) for lines in (samples, real)]
    variety = [negative_log_likelihood(models.learn(lines), reference) for lines in (samples, real)]
    return [
        Score(LM, *quality[0], *quality[1], count=len(samples)),
        Score(REVERSE_LM, *variety[0], *variety[1], count=len(reference)),
    ]


def negative_log_likelihood(model: NgramModel, lines: Sentences) -> tuple[float, float]:
    """The negative log-likelihood of a token of the lines, in nats, and its standard error over lines."""
    log_likelihoods, tokens = model.log_likelihoods(lines.sentences)
    return per_token(-log_likelihoods, tokens)


def per_token(nats: np.ndarray, tokens: np.ndarray) -> tuple[float, float]:
    """The mean per token of ``nats`` ``(n,)``, those of lines with so many ``tokens`` ``(n,)``, and its standard error
    over lines."""
    mean = nats.sum() / tokens.sum()
    return float(mean), float((nats - mean * tokens).std() / tokens.mean() / len(tokens) ** 0.5)


def label_score(samples: Sentences, real: Sentences, training: Sentences) -> Score:
    """Labels as a classifier reads them that has seen neither the samples nor the real lines of the floor."""
    classifier = LabelClassifier(training.sentences, training.labels, seed=0)
    accuracies = [classifier.accuracy(each.sentences, each.labels) for each in (samples, real)]
    return Score(LABEL_ACCURACY, *accuracies[0], *accuracies[1], count=len(samples))


def novelty_scores(samples: Sentences, real: Sentences, training: Sentences) -> list[Score]:
    """How far samples are from training lines, where these are known, and from each other."""
    scores = []
    if len(training):
        far, real_far = (1 - nearest(each.sentences, training.sentences) for each in (samples, real))
        scores.append(mean_score(NOVELTY, far, real_far))
        shares = [copied(each.sentences, training.sentences) for each in (samples, real)]
        errors = [(share * (1 - share) / len(samples)) ** 0.5 for share in shares]
        scores.append(Score(COPIED, shares[0], errors[0], shares[1], errors[1], None, len(samples)))
    apart, real_apart = (1 - diversity(each.sentences) for each in (samples, real))
    return [*scores, mean_score(DIVERSITY, apart, real_apart)]


def curve_point(temperature: float, samples: Sentences, reference: Sentences, models: NgramModels) -> dict[str, float]:
    """The quality and the diversity of samples at a temperature: a point of the curve of Caccia et al. 2020."""
    return {
        "temperature": temperature,
        "lm": negative_log_likelihood(models.of_real, samples)[0],
        "reverse_lm": negative_log_likelihood(models.learn(samples), reference)[0],
        "bleu5": float(bleu(samples.sentences, reference.sentences, (5,))[5].mean()),
        "self_bleu5": float(self_bleu(samples.sentences, (5,))[5].mean()),
    }
