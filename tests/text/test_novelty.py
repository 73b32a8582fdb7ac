"""Similarity of word sets against every pair taken by itself."""

from __future__ import annotations

import numpy as np
import pytest

from sparring.metrics.score import NotComputable
from sparring.text.metrics import novelty
from sparring.text.metrics.novelty import copied, diversity, nearest


def random_sentences(count: int, seed: int, words: int = 30) -> list[list[str]]:
    random = np.random.default_rng(seed)
    return [[f"w{word}" for word in random.integers(words, size=random.integers(8))] for _ in range(count)]


def jaccard(one: list[str], other: list[str]) -> float:
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a | b else 1.0


@pytest.mark.parametrize("entries", [1, 300, 1 << 23])
def test_every_pair(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    monkeypatch.setattr(novelty, "ENTRIES", entries)
    sentences, training = random_sentences(80, 0, words=40), random_sentences(120, 1)
    sentences += sentences[:3]
    assert nearest(sentences, training).tolist() == [max(jaccard(s, t) for t in training) for s in sentences]
    assert diversity(sentences).tolist() == [
        max(jaccard(s, t) for other, t in enumerate(sentences) if other != index) for index, s in enumerate(sentences)
    ]


def test_empty_sentences() -> None:
    assert nearest([[], ["a"]], [["a", "b"]]).tolist() == [0, 0.5]
    assert nearest([[], ["a"]], [[], ["a", "b"]]).tolist() == [1, 0.5]
    assert nearest([[], ["a"]], [[]]).tolist() == [1, 0]
    assert nearest([], [["a"]]).tolist() == []
    assert diversity([[], ["a"]]).tolist() == [0, 0]
    assert diversity([[], [], ["a"]]).tolist() == [1, 1, 0]
    assert diversity([[], []]).tolist() == [1, 1]


def test_strangers() -> None:
    assert nearest([["x"], ["y", "a"]], [["a"]]).tolist() == [0, 0.5]
    assert nearest([["x"]], [["a"]]).tolist() == [0]


def test_order_and_number_do_not_matter() -> None:
    assert nearest([["b", "a", "a"]], [["a", "b"]]).tolist() == [1]


def test_copied_is_word_for_word() -> None:
    training = [["a", "b"], ("c",)]
    assert copied([("a", "b"), ["b", "a"], ["c"], ["a"]], training) == 0.5
    assert copied([["a"]], []) == 0


def test_nothing_to_compare_with() -> None:
    for measure in (lambda: nearest([["a"]], []), lambda: diversity([["a"]]), lambda: copied([], [["a"]])):
        with pytest.raises(NotComputable):
            measure()
