"""A classifier of labels that took no part in the game: is a sentence that was generated under a label read as one?

Logistic regression on TF-IDF of words, pairs of neighbours and pieces of words; learned from real text other than that
which it classifies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion

from sparring.metrics.score import NotComputable, need
from sparring.text.metrics.sentences import Sentence, ngrams, of_characters

STRENGTHS = (0.5, 4.0, 32.0)  # inverses of the penalty on weights
FOLDS = 3
CHOOSING = 2000  # sentences that the strength is chosen by
ENOUGH = 1000  # sentences from which on a piece of a word must be in two of them
SHORTEST, LONGEST = 3, 5  # pieces of words, in characters
ITERATIONS = 1000  # of the optimiser, at most


class LabelClassifier:
    """Learns the ``labels`` ``(n,)`` of ``sentences``; the labels may be names or numbers.

    Where tokens are characters, words are what spaces part, and pieces may be single characters: some languages have
    no spaces. Raises :class:`NotComputable` for fewer than two different labels, and for text without any words.
    """

    def __init__(self, sentences: Sequence[Sentence], labels: Sequence[Any] | np.ndarray, seed: int = 0) -> None:
        self.spelled = of_characters(sentences)
        known = np.asarray(labels)
        need(len(np.unique(known)), 2, "different labels")
        if not any(self.words(sentence) for sentence in sentences):
            raise NotComputable("needs sentences that are not empty")
        self.weights = weights_of(self.words, len(sentences), 1 if self.spelled else SHORTEST)
        weighted = self.weights.fit_transform(sentences)
        self.strength = chosen_strength(weighted, known, seed)
        self.model = LogisticRegression(C=self.strength, max_iter=ITERATIONS).fit(weighted, known)

    def predict(self, sentences: Sequence[Sentence]) -> np.ndarray:
        """The likeliest label of each sentence, ``(n,)``."""
        if not len(sentences):
            return np.asarray(self.model.classes_[:0])
        return np.asarray(self.model.predict(self.weights.transform(sentences)))

    def accuracy(self, sentences: Sequence[Sentence], labels: Sequence[Any] | np.ndarray) -> tuple[float, float]:
        """The share in [0, 1] of sentences that are read as their label, one of ``labels`` ``(n,)``, and its standard
        error.

        Raises :class:`NotComputable` for fewer than 2 sentences.
        """
        need(len(sentences), 2, "sentences")
        share = float((self.predict(sentences) == np.asarray(labels)).mean())
        return share, math.sqrt(share * (1 - share) / (len(sentences) - 1))

    def words(self, sentence: Sentence) -> Sentence:
        """The words of a sentence, which may be given as characters."""
        return "".join(sentence).split() if self.spelled else sentence


def weights_of(words: Callable[[Sentence], Sentence], count: int, shortest: int) -> FeatureUnion:
    """TF-IDF of words and pairs of neighbours, beside that of runs of ``shortest`` or more characters within words and
    their edges.

    Each half is of length 1; ``count`` sentences are learned from, and ``words`` gives the words of one.
    """
    worded = TfidfVectorizer(analyzer=lambda sentence: ngrams(words(sentence), 1, 2), sublinear_tf=True)
    spelled = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(shortest, LONGEST),
        preprocessor=lambda sentence: " ".join(words(sentence)),
        sublinear_tf=True,
        min_df=2 if count >= ENOUGH else 1,
    )
    return FeatureUnion([("words", worded), ("pieces", spelled)])


def chosen_strength(weighted: Any, labels: np.ndarray, seed: int) -> float:
    """The strength of ``STRENGTHS`` that is best by cross-validation on some of the rows ``(n, features)`` and their
    labels ``(n,)``; the middle one where a label is too rare for that."""
    chosen = np.random.default_rng(seed).permutation(len(labels))[:CHOOSING]
    counts = np.unique(labels[chosen], return_counts=True)[1]
    if len(counts) < 2 or counts.min() < FOLDS:
        return STRENGTHS[len(STRENGTHS) // 2]
    rows = weighted[chosen]
    rows = rows[:, np.unique(rows.indices)]  # the time goes by the columns
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    search = GridSearchCV(LogisticRegression(max_iter=ITERATIONS), {"C": STRENGTHS}, cv=folds, refit=False)
    return float(search.fit(rows, labels[chosen]).best_params_["C"])
