"""What is told exactly of the bundled grammar's lines, where the answer is known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sparring.text.grammar import NAMES, draw, entropy, size
from sparring.text.metrics.topics import excess, sentences

TEXTS, LABELS = draw(400, seed=3)


def test_lines_of_the_grammar_are_sentences_of_their_topic_and_of_no_other() -> None:
    valid, on_topic = sentences(TEXTS, LABELS)
    assert valid.all()
    assert on_topic.all()
    valid, on_topic = sentences(TEXTS, [(label + 1) % len(NAMES) for label in LABELS])
    assert valid.all()
    assert not on_topic.any()


def test_words_in_disorder_are_no_sentence() -> None:
    turned = [" ".join(reversed(text.split())) for text in TEXTS]
    assert sentences([*turned, "", "strawberries"], [*LABELS, 0, 0])[0].sum() == 0


def test_the_excess_of_all_sentences_alike_is_what_is_known_of_them() -> None:
    """KL(p, uniform) = log(number of sentences) - entropy(p)."""
    texts, labels = draw(6000, seed=4)
    found = excess(texts, labels, -np.array([math.log(size(label)) for label in labels]))
    expected = np.mean([math.log(size(label)) - entropy(label) for label in range(len(NAMES))])
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / len(found) ** 0.5)
