"""What can be told exactly of lines of the bundled grammar, since every sentence's probability is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparring.text.grammar import log_probability, topic_of


def sentences(texts: Sequence[str], labels: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``texts`` are sentences at all, and which of those of the topic of their label; both bool ``(n,)``."""
    topics = [topic_of(text) for text in texts]
    valid = np.array([topic is not None for topic in topics], bool)
    return valid, valid & np.array([topic == label for topic, label in zip(topics, labels, strict=True)], bool)


def excess(texts: Sequence[str], labels: Sequence[int] | np.ndarray, log_likelihoods: np.ndarray) -> np.ndarray:
    """How much more surprised a generator is than the truth, of each line that the grammar drew, in nats ``(n,)``.

    ``log_likelihoods`` ``(n,)`` are the generator's under the lines' labels. The mean over lines drawn is the
    Kullback-Leibler divergence of the generator from the truth, 0 for the truth alone.
    """
    truth = np.array([log_probability(text, label) for text, label in zip(texts, labels, strict=True)])
    return np.asarray(truth - log_likelihoods)
