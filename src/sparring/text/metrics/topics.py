"""What can be told exactly of lines of the bundled grammar, since every sentence's probability is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparring.metrics.score import Metric, Score
from sparring.text.grammar import log_probability, topic_of
from sparring.text.metrics.scores import mean_score

VALID = Metric("valid", "high", "samples that are sentences of the bundled grammar")
ON_TOPIC = Metric("on_topic", "high", "samples that are sentences of the topic asked for")
DIVERGENCE = Metric("divergence", "low", "Kullback-Leibler, of the generator from the grammar, in nats a line")


def sentences(texts: Sequence[str], labels: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``texts`` are sentences of any topic, and which are sentences of the topic of their label, one of
    ``labels`` ``(n,)``; both bool ``(n,)``."""
    topics = [topic_of(text) for text in texts]
    valid = np.array([topic is not None for topic in topics], bool)
    return valid, valid & np.array([topic == label for topic, label in zip(topics, labels, strict=True)], bool)


def excess(texts: Sequence[str], labels: Sequence[int] | np.ndarray, log_likelihoods: np.ndarray) -> np.ndarray:
    """How much lower a generator's log-likelihood is than the true one, of each line that the grammar drew, in nats
    ``(n,)``.

    ``log_likelihoods`` ``(n,)`` are the generator's under the lines' labels. The mean over lines drawn is the
    Kullback-Leibler divergence of the generator from the truth, 0 for the truth alone.
    """
    truth = np.array([log_probability(text, label) for text, label in zip(texts, labels, strict=True)])
    return np.asarray(truth - log_likelihoods)


def sentence_scores(texts: Sequence[str], labels: np.ndarray) -> list[Score]:
    """The shares of samples that are sentences, and that are on the topic of their labels ``(n,)``."""
    valid, on_topic = sentences(texts, labels)
    real = np.ones(len(valid))  # every sentence of the grammar is both
    return [mean_score(VALID, valid.astype(float), real), mean_score(ON_TOPIC, on_topic.astype(float), real)]


def divergence_score(texts: Sequence[str], labels: Sequence[int], log_likelihoods: np.ndarray) -> Score:
    """The divergence from the grammar, of lines that it drew and the generator's log-likelihoods ``(n,)`` of them."""
    nats = excess(texts, labels, log_likelihoods)
    return mean_score(DIVERGENCE, nats, np.zeros(len(nats)))
