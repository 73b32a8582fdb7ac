"""Word salad is called too early to tell; real lines, and lines that only follow real pairs of words, are not."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import pytest

from sparring.metrics.findings import TOO_EARLY
from sparring.text import grammar
from sparring.text.evaluate import too_early
from sparring.text.metrics.scores import NgramModels, model_scores, negative_log_likelihood
from sparring.text.metrics.sentences import Sentences, shuffled

COUNT = 400


def real_lines(seed: int) -> Sentences:
    return Sentences([tuple(text.split()) for text in grammar.draw(COUNT, seed)[0]], np.arange(0))


def drawn(known: Sentences, order: int) -> Sentences:
    """Lines in which each word follows the one before it as often as in ``known`` (2), or any other (1)."""
    follows, rng = defaultdict[str, list[str]](list), random.Random(0)
    for line in known.sentences:
        for before, word in zip(("", *line), (*line, ""), strict=True):
            follows[before if order == 2 else ""].append(word)
    lines = []
    for _ in range(COUNT):
        line = [rng.choice(follows[""]) or "the"]
        while (word := rng.choice(follows[line[-1] if order == 2 else ""])) and len(line) < 30:
            line.append(word)
        lines.append(tuple(line))
    return Sentences(lines, np.arange(0))


def said_of(samples: Sentences, seed: int = 1) -> str:
    """What is said of samples beside lines of the grammar, after 640 examples; empty for nothing."""
    known, reference, real = (real_lines(seed * 10 + part) for part in range(3))
    models = NgramModels(known, reference)
    lm = model_scores(samples, real, reference, models)[0]
    salad = negative_log_likelihood(models.of_real, shuffled(real, 0))[0]
    finding = too_early(lm, salad, 640)
    assert finding is None or finding.trouble == TOO_EARLY
    return finding.message if finding else ""


@pytest.mark.parametrize("seed", range(3))
def test_word_salad_is_too_early(seed: int) -> None:
    for samples in (shuffled(real_lines(99), seed), drawn(real_lines(99), 1)):
        assert said_of(samples, seed).startswith(
            "after 640 examples the order of tokens is far from that of real lines"
        )


@pytest.mark.parametrize("seed", range(3))
def test_lines_that_are_real_or_nearly_are_not(seed: int) -> None:
    for samples in (real_lines(99), drawn(real_lines(99), 2)):
        assert said_of(samples, seed) == ""


def test_where_order_means_nothing_nothing_is_said_of_it() -> None:
    """Lines of one word: shuffled ones are the same."""
    words = Sentences([(word,) for word in "abcdefgh" * 50], np.arange(0))
    models = NgramModels(words, words)
    rare = Sentences([("h",), ("a",)] * 200, np.arange(0))
    lm = model_scores(rare, words, words, models)[0]
    assert too_early(lm, negative_log_likelihood(models.of_real, shuffled(words, 0))[0], 640) is None


def test_shuffled_lines_have_the_same_tokens() -> None:
    lines = real_lines(0)
    mixed = shuffled(lines, 0)
    assert [sorted(line) for line in mixed.sentences] == [sorted(line) for line in lines.sentences]
    assert mixed.sentences != lines.sentences
    assert shuffled(lines, 0).sentences == mixed.sentences
