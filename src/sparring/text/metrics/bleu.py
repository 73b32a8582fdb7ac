"""BLEU (Papineni et al. 2002) of each sentence against many references at once, and Self-BLEU (Zhu et al. 2018,
"Texygen"), the same of each sentence against all others of its set.

What clips the counts of a hypothesis is the largest count of each n-gram in any reference. That is found once for all
hypotheses, so the work grows with the sum of the two sets instead of their product, and every reference counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sparring.metrics.score import need
from sparring.text.metrics.sentences import Sentence, lengths_of, numbered

ORDERS = (2, 3, 4, 5)
NO_MATCH = 0.1  # counts for a match where there is none (Chen & Cherry 2014, smoothing 1)


@dataclass(frozen=True)
class Counts:
    """``count[i]`` times the n-gram ``gram[i]``, one of ``kinds``, is in sentence ``owner[i]``; no pair comes twice."""

    owner: np.ndarray
    gram: np.ndarray
    count: np.ndarray
    kinds: int


def bleu(
    hypotheses: Sequence[Sentence], references: Sequence[Sentence], orders: Sequence[int] = ORDERS
) -> dict[int, np.ndarray]:
    """Sentence BLEU in [0, 1] of each hypothesis against all references, float64 ``(n,)`` for each of ``orders`` (from
    1 up).

    Uniform weights; the brevity penalty takes the closest reference length, of two the shorter. An order that the
    hypothesis is too short for counts as one n-gram without a match; a hypothesis without a matching word has 0.
    Raises :class:`NotComputable` without references.
    """
    need(len(references), 1, "references")
    lengths = lengths_of(hypotheses)
    matches = []
    for counts in counted([*hypotheses, *references], max(orders)):
        own = counts.owner < len(hypotheses)
        limit = largest(counts.gram[~own], counts.count[~own], counts.kinds)
        clipped = np.minimum(counts.count[own], limit[counts.gram[own]])
        matches.append(np.bincount(counts.owner[own], clipped, len(hypotheses)))
    return scores(lengths, closest(lengths, lengths_of(references)), matches, orders)


def self_bleu(sentences: Sequence[Sentence], orders: Sequence[int] = ORDERS) -> dict[int, np.ndarray]:
    """The BLEU in [0, 1] of each sentence against all the others, ``(n,)`` for each order: high where a set repeats
    itself.

    A copy among the others is a reference like any other. Raises :class:`NotComputable` for fewer than 2 sentences.
    """
    need(len(sentences), 2, "sentences")
    lengths = lengths_of(sentences)
    matches = []
    for counts in counted(sentences, max(orders)):
        clipped = np.minimum(counts.count, largest_elsewhere(counts))
        matches.append(np.bincount(counts.owner, clipped, len(sentences)))
    return scores(lengths, closest(lengths, lengths, but_itself=True), matches, orders)


def counted(sentences: Sequence[Sentence], longest: int) -> Iterator[Counts]:
    """The counts of n-grams, for 1 word up to ``longest`` words."""
    words, kinds = numbered(sentences)
    lengths = lengths_of(sentences)
    owner = np.repeat(np.arange(len(sentences)), lengths)
    left = np.cumsum(lengths)[owner] - np.arange(len(words))  # words from here to the end of the sentence
    start, gram, grams = np.arange(len(words)), words, kinds
    for order in range(1, longest + 1):
        if order > 1:  # the n-gram from here is the shorter one and the word behind it
            fits = left[start] >= order
            start = start[fits]
            different, gram = np.unique(gram[fits] * kinds + words[start + order - 1], return_inverse=True)
            grams = len(different)
        pairs, count = np.unique(owner[start] * grams + gram, return_counts=True)
        yield Counts(pairs // max(grams, 1), pairs % max(grams, 1), count, grams)


def largest(gram: np.ndarray, count: np.ndarray, kinds: int) -> np.ndarray:
    """The largest ``count`` ``(n,)`` of each n-gram ``gram`` ``(n,)``, int64 ``(kinds,)``; 0 where there is none."""
    most = np.zeros(kinds, np.int64)
    np.maximum.at(most, gram, count)
    return most


def largest_elsewhere(counts: Counts) -> np.ndarray:
    """For each count ``(n,)`` one that clips it as the largest of the same n-gram in any other sentence does, ``(n,)``.

    That is the largest of all, except for the sentence that alone has it: the second-largest.
    """
    first = largest(counts.gram, counts.count, counts.kinds)
    has_it = counts.count == first[counts.gram]
    second = largest(counts.gram[~has_it], counts.count[~has_it], counts.kinds)
    alone = np.bincount(counts.gram[has_it], minlength=counts.kinds) == 1
    return np.asarray(np.where(has_it & alone[counts.gram], second[counts.gram], first[counts.gram]))


def closest(lengths: np.ndarray, references: np.ndarray, but_itself: bool = False) -> np.ndarray:
    """The one of the lengths ``references`` ``(m,)`` next to each of ``lengths``, ``(n,)``; of two as near the shorter.

    ``but_itself``: the two are one set, and a sentence is no reference of its own.
    """
    known, held = np.unique(references, return_counts=True)
    different, index = np.unique(lengths, return_inverse=True)
    apart = np.abs(different[:, None] - known).astype(float)
    if but_itself:
        apart[(apart == 0) & (held == 1)] = np.inf
    return np.asarray(known[apart.argmin(1)][index])


def scores(
    lengths: np.ndarray, targets: np.ndarray, matches: Sequence[np.ndarray], orders: Sequence[int]
) -> dict[int, np.ndarray]:
    """BLEU in [0, 1], ``(n,)`` for each of ``orders``, from reference lengths ``targets`` and clipped counts
    ``matches`` of orders 1, 2, ..., all ``(n,)``."""
    brevity = np.minimum(1, np.exp(1 - targets / np.maximum(lengths, 1)))
    precisions = [
        np.where(matched > 0, matched, NO_MATCH) / np.maximum(lengths - order + 1, 1)
        for order, matched in enumerate(matches, 1)
    ]
    logs = np.cumsum(np.log(precisions), axis=0)
    return {order: np.where(matches[0] > 0, brevity * np.exp(logs[order - 1] / order), 0.0) for order in orders}
