"""Whether sentences are new, and how they differ: the largest Jaccard similarity of their sets of words to others.

Wang & Wan 2018 ("SentiGAN") report 1 minus these. Similar sentences are found by products of sparse
matrices of words, some rows at a time; no pair with a word in common is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from sparring.metrics.score import need
from sparring.text.metrics.sentences import Sentence

ENTRIES = 1 << 23  # pairs looked at together: about 64 MiB for their shared words


def nearest(sentences: Sequence[Sentence], training: Sequence[Sentence]) -> np.ndarray:
    """The largest similarity of each sentence to any of ``training``, in [0, 1], ``(n,)``: 1 where the words are the
    same, in any order and number. Raises :class:`NotComputable` without training sentences.
    """
    need(len(training), 1, "training sentences")
    return similarity(word_sets(sentences), list(set(word_sets(training))))


def diversity(sentences: Sequence[Sentence]) -> np.ndarray:
    """The largest similarity of each sentence to any other of the set, in [0, 1], ``(n,)``: low in a diverse set.

    Raises :class:`NotComputable` for fewer than 2 sentences.
    """
    need(len(sentences), 2, "sentences")
    sets = word_sets(sentences)
    return similarity(sets, sets, but_itself=True)


def copied(sentences: Sequence[Sentence], training: Sequence[Sentence]) -> float:
    """The share in [0, 1] of sentences that are training sentences word for word. Raises :class:`NotComputable` without
    any."""
    need(len(sentences), 1, "sentences")
    known = {tuple(sentence) for sentence in training}
    return sum(tuple(sentence) in known for sentence in sentences) / len(sentences)


def word_sets(sentences: Sequence[Sentence]) -> list[frozenset[str]]:
    """The different words of each sentence."""
    return [frozenset(sentence) for sentence in sentences]


def similarity(
    sets: Sequence[frozenset[str]], others: Sequence[frozenset[str]], but_itself: bool = False
) -> np.ndarray:
    """The largest Jaccard similarity of each set to any of ``others``, in [0, 1], ``(n,)``; two empty sets are the
    same.

    ``but_itself``: the two are one sequence, and a set is not compared with itself.
    """
    empty = sum(not other for other in others) - but_itself
    best = np.array([float(not each and empty > 0) for each in sets])
    if not any(sets) or not any(others):
        return best
    vectors = CountVectorizer(analyzer=frozenset, dtype=np.int32).fit(others)
    columns = vectors.transform(others).T.tocsr()
    sizes, other_sizes = (np.array([len(each) for each in which]) for which in (sets, others))
    rows = max(1, ENTRIES // len(others))
    for start in range(0, len(sets), rows):
        chunk = slice(start, min(start + rows, len(sets)))
        shared = vectors.transform(sets[chunk]) @ columns
        diagonal = start if but_itself else None
        best[chunk] = np.maximum(best[chunk], largest(shared, sizes[chunk], other_sizes, diagonal))
    return best


def largest(shared: Any, sizes: np.ndarray, other_sizes: np.ndarray, diagonal: int | None) -> np.ndarray:
    """The largest Jaccard similarity in each row of ``shared``, the sparse counts ``(n, others)`` of words in common:
    float64 ``(n,)``.

    ``sizes`` ``(n,)`` and ``other_sizes`` ``(others,)`` are those of the sets; ``diagonal`` is which of the others is
    the first row's own set.
    """
    row = np.repeat(np.arange(len(sizes)), np.diff(shared.indptr))
    similarities = shared.data / (sizes[row] + other_sizes[shared.indices] - shared.data)
    if diagonal is not None:
        similarities[shared.indices == row + diagonal] = 0
    best = np.zeros(len(sizes))
    filled = np.flatnonzero(np.diff(shared.indptr))
    if len(filled):
        best[filled] = np.maximum.reduceat(similarities, shared.indptr[filled])
    return best
