"""Our own features of sentences, for distances between sets of them: latent semantic analysis (Deerwester et al. 1990).

Learned from real text alone, without a network: the same text gives the same features anywhere. They see which words
and pairs of neighbours come together, not long-range order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from sparring.metrics.score import NotComputable, need
from sparring.text.measures.sentences import Sentence, of_characters, runs

VERSION = 1  # of what the features are; another makes another hash
LONGEST_OF_WORDS, LONGEST_OF_CHARACTERS = 2, 4  # n-grams
ENOUGH = 1000  # sentences from which on an n-gram must be in two of them
NOTHING = 1e-6  # of the largest singular value: no smaller one is a dimension of the text


class Encoder:
    """TF-IDF of words and pairs of neighbours (n-grams of up to four, where tokens are characters) in the directions
    of the largest singular values; ``dimensions`` of them, fewer where the text has no more.

    ``hash`` tells apart what was fitted on: features of two encoders cannot be compared. Raises
    :class:`NotComputable` for text without any words.
    """

    def __init__(self, sentences: Sequence[Sentence], dimensions: int = 64, seed: int = 0) -> None:
        need(len(sentences), 1, "sentences")
        if not any(sentences):
            raise NotComputable("needs sentences that are not empty")
        longest = LONGEST_OF_CHARACTERS if of_characters(sentences) else LONGEST_OF_WORDS
        self.weights = TfidfVectorizer(
            analyzer=partial(runs, longest=longest), sublinear_tf=True, min_df=2 if len(sentences) >= ENOUGH else 1
        )
        try:
            weighted = self.weights.fit_transform(sentences)
        except ValueError as why:
            raise NotComputable("no word is in two of the sentences") from why
        _, sizes, directions = randomized_svd(weighted, min(dimensions, *weighted.shape), random_state=seed)
        self.directions = directions[sizes > NOTHING * sizes[0]]
        text = json.dumps([VERSION, dimensions, seed, [list(sentence) for sentence in sentences]])
        self.hash = hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def dimensions(self) -> int:
        """As many as there are."""
        return len(self.directions)

    def features(self, sentences: Sequence[Sentence]) -> Tensor:
        """Unit vectors, float32 ``(n, dimensions)``; zero for a sentence that shares nothing with the real text."""
        if not len(sentences):
            return torch.zeros(0, self.dimensions)
        found = normalize(self.weights.transform(sentences) @ self.directions.T)
        return torch.from_numpy(found.astype(np.float32))
