"""Features of sentences, for distances between sets of them: latent semantic analysis (Deerwester et al. 1990).

Learned from real text alone, without a network. They see which words and which pairs of neighbours come together, each
in dimensions of their own: among words, pairs are so rare that order would hardly be seen. Nothing beyond is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from sparring.metrics.score import NotComputable, need
from sparring.text.metrics.sentences import Sentence, ngrams, of_characters

VERSION = 2  # of what the features are; another makes another hash
OF_WORDS = ((1, 1), (2, 2))  # lengths of the n-grams that share dimensions
OF_CHARACTERS = ((1, 2), (3, 4))
ENOUGH = 1000  # sentences from which on an n-gram must be in two of them
NOTHING = 1e-6  # of the largest singular value: no smaller one is a dimension of the text


class TfidfEncoder:
    """The largest singular directions of the TF-IDF of words, and as many of pairs of neighbours (where tokens are
    characters, of up to two and of three or four). ``dimensions`` in all, fewer where the text has no more.

    ``hash`` tells apart what was fitted on: features of two encoders cannot be compared. Raises
    :class:`NotComputable` for text without words, or without one that any two of very many sentences share.
    """

    def __init__(self, sentences: Sequence[Sentence], dimensions: int = 64, seed: int = 0) -> None:
        need(len(sentences), 1, "sentences")
        if not any(sentences):
            raise NotComputable("needs sentences that are not empty")
        lengths = OF_CHARACTERS if of_characters(sentences) else OF_WORDS
        shares = (dimensions - dimensions // 2, dimensions // 2)
        spaces = [TfidfSpace(sentences, *each, share, seed) for each, share in zip(lengths, shares, strict=True)]
        self.spaces = [space for space in spaces if space.dimensions]
        if not self.spaces:
            raise NotComputable("no word is in two of the sentences")
        text = json.dumps([VERSION, dimensions, seed, [list(sentence) for sentence in sentences]])
        self.hash = hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def dimensions(self) -> int:
        """How many dimensions there are."""
        return sum(space.dimensions for space in self.spaces)

    def features(self, sentences: Sequence[Sentence]) -> Tensor:
        """Unit vectors of sentences, float32 ``(n, dimensions)``; zero for one that shares nothing with the real
        text."""
        if not len(sentences):
            return torch.zeros(0, self.dimensions)
        vectors = normalize(np.concatenate([space.project(sentences) for space in self.spaces], axis=1))
        return torch.from_numpy(vectors.astype(np.float32))


class TfidfSpace:
    """The largest singular directions of the TF-IDF of n-grams of ``shortest`` to ``longest`` tokens; without
    dimensions where the text has none."""

    def __init__(self, sentences: Sequence[Sentence], shortest: int, longest: int, dimensions: int, seed: int) -> None:
        self.weights = TfidfVectorizer(
            analyzer=partial(ngrams, shortest=shortest, longest=longest),
            sublinear_tf=True,
            min_df=2 if len(sentences) >= ENOUGH else 1,
        )
        self.directions = np.zeros((0, 0))
        try:
            weighted = self.weights.fit_transform(sentences)
        except ValueError:  # no n-grams
            return
        if dimensions:
            self.directions = largest_directions(weighted, dimensions, seed)

    @property
    def dimensions(self) -> int:
        """How many directions there are."""
        return len(self.directions)

    def project(self, sentences: Sequence[Sentence]) -> np.ndarray:
        """Vectors of sentences, float64 ``(n, dimensions)`` of length 1 or less: shorter where fewer of a sentence's
        n-grams are known."""
        return np.asarray(self.weights.transform(sentences) @ self.directions.T)


def largest_directions(weighted: Any, dimensions: int, seed: int) -> np.ndarray:
    """The right singular vectors of a sparse matrix ``(sentences, n-grams)`` with the largest singular values, float64
    ``(dimensions, n-grams)``, or fewer where the matrix has no more."""
    _, sizes, directions = randomized_svd(weighted, min(dimensions, *weighted.shape), random_state=seed)
    return np.asarray(directions[sizes > NOTHING * sizes[0]])
