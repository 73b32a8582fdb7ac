"""Kneser-Ney by hand and by dictionaries: the formulas, one n-gram at a time."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from sparring.metrics.score import NotComputable
from sparring.text.metrics.ngrams import DISCOUNTS, END, START, NgramModel, discounts

TOY = [["a", "b"], ["a", "c"]]


def chained(count: int, seed: int, words: int = 40) -> list[list[str]]:
    """Sentences of a random chain of words, most of them rare, each with few likely successors."""
    random = np.random.default_rng(seed)
    first = 1 / np.arange(1, words + 1) ** 2
    likely = np.append(first, 0.05)  # the end is another
    successors = [np.random.default_rng([99, word]).dirichlet(2 * likely) for word in range(words)]
    sentences = []
    for _ in range(count):
        sentence = [random.choice(words, p=first / first.sum())]
        while len(sentence) < 15 and (word := random.choice(words + 1, p=successors[sentence[-1]])) < words:
            sentence.append(word)
        sentences.append([f"w{word}" for word in sentence])
    return sentences


class Plain:
    """The same model as :class:`NgramModel`, in tuples of words."""

    def __init__(self, sentences: list[list[str]], order: int) -> None:
        padded = [("<s>", *sentence, "</s>") for sentence in sentences]
        self.size = len({word for sentence in sentences for word in sentence}) + 2
        self.counts: list[Counter[tuple[str, ...]]] = []
        for length in range(1, order + 1):
            raw = Counter(s[i : i + length] for s in padded for i in range(len(s) - length + 1))
            before = Counter(
                gram[1:] for gram in {s[i : i + length + 1] for s in padded for i in range(len(s) - length)}
            )
            whole = length == order
            counts = {gram: raw[gram] if whole or gram[0] == "<s>" else before[gram] for gram in raw}
            self.counts.append(Counter({gram: count for gram, count in counts.items() if gram[-1] != "<s>"}))
        self.discounts = [self.discount(counts) for counts in self.counts]

    @staticmethod
    def discount(counts: Counter[tuple[str, ...]]) -> list[float]:
        n = Counter(counts.values())
        if not n[1] * n[2] * n[3]:
            return DISCOUNTS.tolist()
        share = n[1] / (n[1] + 2 * n[2])
        found = [k - (k + 1) * share * n[k + 1] / n[k] for k in (1, 2, 3)]
        return [0.0, *found] if min(found) > 0 else DISCOUNTS.tolist()

    def probability(self, word: str, context: tuple[str, ...]) -> float:
        lower = self.probability(word, context[1:]) if context else 1 / self.size
        counts, discount = self.counts[len(context)], self.discounts[len(context)]
        following = [count for gram, count in counts.items() if gram[:-1] == context]
        if not following:
            return lower
        count = counts[(*context, word)]
        left = sum(discount[min(each, 3)] for each in following)
        return (count - discount[min(count, 3)] + left * lower) / sum(following)

    def log_likelihood(self, sentence: list[str]) -> float:
        words = ("<s>", *sentence, "</s>")
        reach = len(self.counts) - 1
        return sum(
            math.log(self.probability(word, words[max(0, index - reach) : index]))
            for index, word in enumerate(words)
            if index
        )


def test_two_sentences_by_hand() -> None:
    """Too small for its own discounts: 0.5 of one, 1 of two.

    Words: a, b, c each follow one word, the end two, so of 5 words P(a) = (1 - 0.5 + 2.5 / 5) / 5 = 0.2, as b and c,
    P(end) = 0.3 and P(unknown) = 0.1. Then P(a | start) = (2 - 1 + 1 * 0.2) / 2 = 0.6,
    P(b | a) = (1 - 0.5 + 1 * 0.2) / 2 = 0.35 and P(end | b) = 1 - 0.5 + 0.5 * 0.3 = 0.65.
    """
    model = NgramModel(TOY, order=2)
    logs, tokens = model.log_likelihoods([["a", "b"], ["c"], ["unheard"], []])
    assert np.exp(logs) == pytest.approx([0.6 * 0.35 * 0.65, 0.1 * 0.65, 0.05 * 0.3, 0.15])
    assert tokens.tolist() == [3, 2, 2, 1]


def test_the_discounts_by_hand() -> None:
    """4 once, 2 twice, 1 three times, 1 four times: Y = 4 / 8."""
    count = np.array([0, 1, 1, 1, 1, 2, 2, 3, 4, 9])
    assert discounts(count) == pytest.approx([0, 1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3 - 4 * 0.5 * 1 / 1])
    assert discounts(np.array([7, 7])) is DISCOUNTS
    assert discounts(np.array([1, 2, 3, 3, 3, 3, 3, 3])) is DISCOUNTS  # that of two would be negative


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_same_as_by_dictionaries(order: int) -> None:
    plain, model = Plain(chained(300, 0), order), NgramModel(chained(300, 0), order)
    held_out = [*chained(30, 1), ["w0", "unheard", "w1", "w2"], ["unheard"], []]
    assert any(each != DISCOUNTS.tolist() for each in plain.discounts)
    expected = [plain.log_likelihood(sentence) for sentence in held_out]
    np.testing.assert_allclose(model.log_likelihoods(held_out)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 4, 9])
@pytest.mark.parametrize("vocabulary", [None, [f"w{word}" for word in range(0, 30, 2)]])
def test_next_words_sum_to_one(order: int, vocabulary: list[str] | None) -> None:
    model = NgramModel(chained(50, 2), order, vocabulary)
    words = range(END, START + 3 + len(model.numbers))
    contexts = [sentence[:length] for sentence in chained(20, 3) for length in range(len(sentence) + 1)]
    contexts += [["unheard"], ["w0", "unheard"], ["unheard", "w0", "w1"]]
    for context in contexts:
        row = model.numbered([context])[:-1]
        rows = np.concatenate([[*row, word] for word in words])
        following = model.probabilities(rows)[len(row) :: len(row) + 1]
        assert len(following) == len(words)
        assert (following > 0).all()
        assert following.sum() == pytest.approx(1, abs=1e-12)


def test_sentences_do_not_touch() -> None:
    model, sentences = NgramModel(chained(100, 0)), chained(10, 1)
    together = model.log_likelihoods(sentences)[0]
    assert together == pytest.approx([model.log_likelihoods([each])[0].item() for each in sentences])
    swapped = NgramModel(chained(100, 0)[::-1]).log_likelihoods(sentences)[0]
    assert together.tolist() == swapped.tolist()


def test_more_context_is_better_where_there_is_any() -> None:
    held_out = chained(200, 1)
    one, two, four = (-NgramModel(chained(1000, 0), order).log_likelihoods(held_out)[0].sum() for order in (1, 2, 4))
    assert two < 0.9 * one
    assert four == pytest.approx(two, rel=0.03)


def test_the_two_scores_of_a_collapsed_generator() -> None:
    """Its one sentence is good, but it does not know the language (Caccia et al. 2020)."""
    real, held_out = chained(1000, 0), chained(200, 1)
    likely = max(held_out, key=lambda sentence: real.count(sentence))
    collapsed = [likely] * 1000
    vocabulary = {word for sentence in real for word in sentence}

    def score(training: list[list[str]], scored: list[list[str]]) -> float:
        logs, tokens = NgramModel(training, vocabulary=vocabulary).log_likelihoods(scored)
        return -logs.sum() / tokens.sum()

    assert score(real, collapsed) < score(real, held_out)
    assert score(collapsed, held_out) > score(real, held_out) + 1


def test_a_vocabulary_makes_other_words_unknown() -> None:
    model = NgramModel(TOY, vocabulary=["a", "b"])
    logs, _ = model.log_likelihoods([["a", "c"], ["a", "unheard"]])
    assert logs[0] == logs[1]
    assert list(model.numbers) == ["a", "b"]


def test_words_that_look_like_marks_are_words() -> None:
    plain = NgramModel([list(pair) for pair in pairwise("abcab")])
    marks = NgramModel([[{"a": "<s>", "b": "</s>", "c": "<unk>"}[word] for word in pair] for pair in pairwise("abcab")])
    plainly, as_marks = plain.log_likelihoods([["a", "b"]]), marks.log_likelihoods([["<s>", "</s>"]])
    assert plainly[0] == pytest.approx(as_marks[0])


def test_nothing_to_learn_from_or_to_score() -> None:
    with pytest.raises(NotComputable, match="at least 1 sentences"):
        NgramModel([])
    logs, tokens = NgramModel(TOY).log_likelihoods([])
    assert (len(logs), len(tokens)) == (0, 0)
    assert np.isfinite(NgramModel([[]]).log_likelihoods([[], ["a"]])[0]).all()
