"""An n-gram language model: interpolated Kneser-Ney (Kneser & Ney 1995) with the three discounts of Chen & Goodman
1999 ("An empirical study of smoothing techniques for language modeling").

A measure of a text generator that is no network. Trained on real text it scores samples (their quality); trained on
samples it scores real text (their diversity): Caccia et al. 2020 ("Language GANs falling short").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from sparring.metrics.score import need
from sparring.text.metrics.sentences import Sentence, lengths_of

START, END, UNKNOWN, FIRST_WORD = 0, 1, 2, 3  # numbers of words
DISCOUNTS = np.array([0.0, 0.5, 1.0, 1.5])  # of counts 0, 1, 2, and 3 or more, where the text is too small to tell


@dataclass(frozen=True)
class KneserNeyLevel:
    """What follows the contexts of one length: by how much each word, and how much is left for shorter contexts.

    ``keys``, sorted, are context * ``words`` + next word; the index of a key is the number of that n-gram, and so of
    the context that it is one level up. ``discounted`` are the counts of the keys less their discounts; of each
    context ``total`` is the sum of its counts and ``left`` what the discounts took.
    """

    words: int
    keys: np.ndarray
    discounted: np.ndarray
    total: np.ndarray
    left: np.ndarray

    def find(self, contexts: np.ndarray, words: np.ndarray) -> np.ndarray:
        """The numbers of the n-grams of ``contexts`` ``(n,)`` and ``words`` ``(n,)``, int64 ``(n,)``; -1 for one that
        is not there, or whose context (-1) is not."""
        keys = contexts * self.words + words
        index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where((contexts >= 0) & (self.keys[index] == keys), index, -1)


class NgramModel:
    """A model of sentences with their ends, over a closed vocabulary: the words of ``sentences``, or those given
    (others are then unknown while it learns, too), and one unknown word for all the rest. ``order``, from 1 up, is that
    word and the ones before it that it depends on.

    Models can only be compared over one vocabulary: give it to a model that is trained on samples. Raises
    :class:`NotComputable` without sentences.
    """

    def __init__(self, sentences: Sequence[Sentence], order: int = 4, vocabulary: Iterable[str] | None = None) -> None:
        need(len(sentences), 1, "sentences")
        known = {word for sentence in sentences for word in sentence} if vocabulary is None else set(vocabulary)
        self.numbers = {word: number for number, word in enumerate(sorted(known), FIRST_WORD)}
        self.levels = levels(self.numbered(sentences), FIRST_WORD + len(known), order)

    def log_likelihoods(self, sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
        """The log-probability of each sentence in nats, float64 ``(n,)``, and how many tokens it has with its end,
        ``(n,)``.

        Perplexity is exp of minus the one's sum over the other's.
        """
        row = self.numbered(sentences)
        logs = np.where(row == START, 0.0, np.log(self.probabilities(row)))
        owner = np.cumsum(row == START) - 1
        return np.bincount(owner, logs, len(sentences)), lengths_of(sentences) + 1

    def probabilities(self, row: np.ndarray) -> np.ndarray:
        """The probability of each numbered word of ``row`` ``(words,)`` after those before it, back to its sentence's
        start (which is no word), ``(words,)``."""
        result = np.full(len(row), 1 / (FIRST_WORD + len(self.numbers) - 1))  # start never comes next
        contexts = np.zeros(len(row), np.int64)
        for level in self.levels:
            grams = level.find(contexts, row)
            seen = (contexts >= 0) & (level.total[contexts] > 0)
            own = np.where(grams >= 0, level.discounted[grams], 0.0)
            shorter = level.left[contexts[seen]] * result[seen]
            result[seen] = (own[seen] + shorter) / level.total[contexts[seen]]
            contexts = behind(grams)
        return result

    def numbered(self, sentences: Sequence[Sentence]) -> np.ndarray:
        """The numbers of all sentences' words in a row, each sentence with its start and its end, int64
        ``(words,)``."""

        def numbers() -> Iterator[int]:
            for sentence in sentences:
                yield START
                for word in sentence:
                    yield self.numbers.get(word, UNKNOWN)
                yield END

        return np.fromiter(numbers(), np.int64)


def behind(grams: np.ndarray) -> np.ndarray:
    """The n-gram, one of ``grams`` ``(words,)``, that ends just before each word and is its context, ``(words,)``; -1
    for none."""
    return np.append(-1, grams)[:-1]


@dataclass(frozen=True)
class Grams:
    """The n-grams of one length in a row of words: their ``keys`` as in a :class:`KneserNeyLevel`, which of them
    ``begins`` a sentence, which one ends ``at`` each index of the row (-1 for none), and one index ``end`` where each
    ends.
    """

    keys: np.ndarray
    begins: np.ndarray
    at: np.ndarray
    end: np.ndarray


def grams_of(row: np.ndarray, words: int, order: int) -> list[Grams]:
    """The n-grams of the numbered ``row`` ``(words,)``, of one word up to ``order`` words, or as many as any sentence
    has; none reaches beyond a sentence."""
    keys = np.arange(words)
    by_length = [Grams(keys, keys == START, row, np.zeros(words, np.int64))]
    while len(by_length) < order:
        shorter = by_length[-1]
        contexts = behind(shorter.at)
        held = np.flatnonzero((contexts >= 0) & (row != START))
        keys, first, which = np.unique(contexts[held] * words + row[held], return_index=True, return_inverse=True)
        if not len(keys):
            break
        at = np.full(len(row), -1)
        at[held] = which
        by_length.append(Grams(keys, shorter.begins[keys // words], at, held[first]))
    return by_length


def levels(row: np.ndarray, words: int, order: int) -> list[KneserNeyLevel]:
    """The levels learned from the numbered ``row`` ``(words,)``: of contexts of no word up to contexts of ``order -
    1``.

    What counts is how often an n-gram is there at the last level, and where it begins a sentence; else how many
    different words come before it, which is Kneser and Ney's idea.
    """
    learned: list[KneserNeyLevel] = []
    every = grams_of(row, words, order)
    for grams, longer in zip_longest(every, every[1:]):
        count = np.bincount(grams.at[grams.at >= 0], minlength=len(grams.keys))
        if longer is not None:
            before = np.bincount(grams.at[longer.end], minlength=len(grams.keys))
            count = np.where(grams.begins, count, before)
        count[grams.keys % words == START] = 0  # it never comes next
        learned.append(level(words, grams.keys, count, len(learned[-1].keys) if learned else 1))
    return learned


def level(words: int, keys: np.ndarray, count: np.ndarray, contexts: int) -> KneserNeyLevel:
    """A level of n-grams ``keys`` ``(n,)`` with these counts ``(n,)``, less their discounts."""
    discount = discounts(count)[np.minimum(count, 3)]
    context = keys // words
    return KneserNeyLevel(
        words,
        keys,
        count - discount,
        np.bincount(context, count, contexts),
        np.bincount(context, discount, contexts),
    )


def discounts(count: np.ndarray) -> np.ndarray:
    """The discounts of counts 0, 1, 2, and 3 or more, float64 ``(4,)``, from how many n-grams have ``count`` ``(n,)`` 1
    to 4 (Chen & Goodman).

    A collapsed generator's text may have none of some; then all are the fixed ones.
    """
    once, twice, thrice, four_times = np.bincount(count, minlength=5)[1:5]
    if not (once and twice and thrice):
        return DISCOUNTS
    share = once / (once + 2 * twice)
    ratios = np.array([twice / once, thrice / twice, four_times / thrice])
    estimated = np.array([1.0, 2.0, 3.0]) - share * np.array([2.0, 3.0, 4.0]) * ratios
    return np.array([0.0, *estimated]) if (estimated > 0).all() else DISCOUNTS
