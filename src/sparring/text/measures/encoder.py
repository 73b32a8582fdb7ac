"""Our own features of sentences, for distances between sets of them: latent semantic analysis (Deerwester et al. 1990).

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
from sparring.text.measures.sentences import Sentence, of_characters, runs

VERSION = 2  # of what the features are; another makes another hash
OF_WORDS = ((1, 1), (2, 2))  # lengths of the n-grams that share dimensions
OF_CHARACTERS = ((1, 2), (3, 4))
ENOUGH = 1000  # sentences from which on an n-gram must be in two of them
NOTHING = 1e-6  # of the largest singular value: no smaller one is a dimension of the text


class Encoder:
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
        spaces = [Space(sentences, *each, share, seed) for each, share in zip(lengths, shares, strict=True)]
        self.spaces = [space for space in spaces if space.dimensions]
        if not self.spaces:
            raise NotComputable("no word is in two of the sentences")
        text = json.dumps([VERSION, dimensions, seed, [list(sentence) for sentence in sentences]])
        self.hash = hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def dimensions(self) -> int:
        """As many as there are."""
        return sum(space.dimensions for space in self.spaces)

    def features(self, sentences: Sequence[Sentence]) -> Tensor:
        """Unit vectors, float32 ``(n, dimensions)``; zero for a sentence that shares nothing with the real text."""
        if not len(sentences):
            return torch.zeros(0, self.dimensions)
        found = normalize(np.concatenate([space.of(sentences) for space in self.spaces], axis=1))
        return torch.from_numpy(found.astype(np.float32))


class Space:
    """Of n-grams of ``shortest`` to ``longest`` tokens; without dimensions where the text has none."""

    def __init__(self, sentences: Sequence[Sentence], shortest: int, longest: int, dimensions: int, seed: int) -> None:
        self.weights = TfidfVectorizer(
            analyzer=partial(runs, shortest=shortest, longest=longest),
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
        """As many as there are."""
        return len(self.directions)

    def of(self, sentences: Sequence[Sentence]) -> np.ndarray:
        """No longer than 1, float64 ``(n, dimensions)``: the less of a sentence is known, the shorter."""
        return np.asarray(self.weights.transform(sentences) @ self.directions.T)


def largest_directions(weighted: Any, dimensions: int, seed: int) -> np.ndarray:
    """Right singular vectors of a sparse matrix, a row each, as many as asked for if it has them."""
    _, sizes, directions = randomized_svd(weighted, min(dimensions, *weighted.shape), random_state=seed)
    return np.asarray(directions[sizes > NOTHING * sizes[0]])
