"""What is measured here: sentences, each a sequence of tokens (words, or single characters), and how they are numbered
for work on whole arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Sentence = Sequence[str]


@dataclass(frozen=True)
class Sentences:
    """Lines as their words, with their labels: int64 ``(n,)``, or empty where there are none."""

    sentences: list[tuple[str, ...]]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.sentences)


def shuffled(lines: Sentences, seed: int) -> Sentences:
    """Word salad: the tokens of each of the lines in random order."""
    random = np.random.default_rng(seed)
    orders = (random.permutation(len(each)) for each in lines.sentences)
    mixed = [tuple(each[at] for at in order) for each, order in zip(lines.sentences, orders, strict=True)]
    return Sentences(mixed, lines.labels)


def lengths_of(sentences: Sequence[Sentence]) -> np.ndarray:
    """How many tokens each sentence has, int64 ``(n,)``."""
    return np.fromiter((len(sentence) for sentence in sentences), np.int64, len(sentences))


def numbered(sentences: Iterable[Sentence]) -> tuple[np.ndarray, int]:
    """All tokens as numbers, one sentence behind the other, int64 ``(tokens,)``; and how many different ones there
    are."""
    numbers: dict[str, int] = {}
    row = np.fromiter((numbers.setdefault(token, len(numbers)) for each in sentences for token in each), np.int64)
    return row, len(numbers)


def of_characters(sentences: Iterable[Sentence]) -> bool:
    """Whether no token is longer than a character, so that a sentence is spelled rather than worded."""
    return all(len(token) <= 1 for sentence in sentences for token in sentence)


def ngrams(sentence: Sentence, shortest: int, longest: int) -> list[tuple[str, ...]]:
    """All n-grams of ``shortest`` to ``longest`` tokens, with repetition."""
    return [
        tuple(sentence[start : start + length])
        for length in range(shortest, longest + 1)
        for start in range(len(sentence) - length + 1)
    ]
