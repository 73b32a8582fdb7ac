"""Features of sentences: against TF-IDF by hand, and whether they see what they should."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from sparring.metrics.frechet import frechet
from sparring.metrics.score import NotComputable
from sparring.text.metrics import encoder
from sparring.text.metrics.encoder import TfidfEncoder

TOPICS = ("the cat sat on a mat by fire", "we sell red cars for ready money now")


def written(count: int, seed: int, topic: float = 0.5) -> list[list[str]]:
    """Sentences of neighbouring words of a topic: the second with this probability."""
    random = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        words, start = TOPICS[int(random.random() < topic)].split(), random.integers(8)
        sentences.append([words[(start + position) % 8] for position in range(random.integers(2, 8))])
    return sentences


def weights(sentences: Sequence[Sequence[Any]]) -> np.ndarray:
    """TF-IDF: (1 + ln count) (1 + ln ((1 + n) / (1 + sentences that have it))), of length 1."""
    grams = [Counter(each) for each in sentences]
    kinds = sorted(set().union(*grams))
    held = Counter(gram for each in grams for gram in each)
    rows = np.array(
        [
            [
                (1 + math.log(each[gram])) * (1 + math.log((1 + len(grams)) / (1 + held[gram]))) if each[gram] else 0
                for gram in kinds
            ]
            for each in grams
        ]
    )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def halves(sentences: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    return weights(sentences), weights([list(pairwise(each)) for each in sentences])


def test_all_dimensions_keep_all_angles() -> None:
    sentences = written(60, 0)
    found = TfidfEncoder(sentences, dimensions=500)
    features, (words, pairs) = found.features(sentences).numpy(), halves(sentences)
    assert found.dimensions == np.linalg.matrix_rank(words) + np.linalg.matrix_rank(pairs)
    np.testing.assert_allclose(features @ features.T, (words @ words.T + pairs @ pairs.T) / 2, atol=1e-5)


def test_few_dimensions_are_the_largest() -> None:
    sentences = written(80, 0)
    features = TfidfEncoder(sentences, dimensions=5).features(sentences).numpy()
    expected = np.concatenate(
        [half @ np.linalg.svd(half)[2][:count].T for half, count in zip(halves(sentences), (3, 2), strict=True)], 1
    )
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(features @ features.T, expected @ expected.T, atol=1e-3)


def test_features_are_unit_vectors_on_any_sentences() -> None:
    found = TfidfEncoder(written(200, 0), dimensions=8)
    features = found.features([*written(50, 1), ["unheard"], []])
    assert features.dtype == torch.float32
    assert features.shape == (52, 8)
    torch.testing.assert_close(features.norm(dim=1), torch.tensor([1.0] * 50 + [0.0] * 2))
    assert found.features([]).shape == (0, 8)


def test_the_same_text_gives_the_same_features() -> None:
    one, other = TfidfEncoder(written(200, 0)), TfidfEncoder([tuple(each) for each in written(200, 0)])
    assert one.hash == other.hash
    assert len(one.hash) == 16
    assert torch.equal(one.features(written(50, 1)), other.features(written(50, 1)))
    others = (TfidfEncoder(written(200, 1)), TfidfEncoder(written(200, 0), 32), TfidfEncoder(written(200, 0), seed=1))
    assert len({each.hash for each in (one, *others)}) == 4
    assert TfidfEncoder([["a b", "c"]]).hash != TfidfEncoder([["a", "b c"]]).hash


def distance(found: TfidfEncoder, sentences: list[list[str]]) -> float:
    return frechet(found.features(written(500, 1)), found.features(sentences), 0)["frechet"].value


def test_a_frechet_distance_sees_topics_and_order() -> None:
    found = TfidfEncoder(written(500, 0), dimensions=16)
    floor = distance(found, written(500, 2))
    random = np.random.default_rng(0)
    shuffled = [list(random.permutation(each)) for each in written(500, 2)]
    assert distance(found, written(500, 2, topic=0.1)) > 10 * floor
    assert distance(found, written(500, 2)[:50] * 10) > 2 * floor
    assert distance(found, shuffled) > 3 * floor


def longest(found: TfidfEncoder) -> int:
    return max(len(gram) for space in found.spaces for gram in space.weights.get_feature_names_out())


def test_characters_are_read_in_longer_runs() -> None:
    """The letters and the pairs of neighbours are the same, what is spelled is not."""
    spelled = [tuple(word) for word in ("abcab", "bcabc", "cabca", "dede", "eded")]
    features = TfidfEncoder([*spelled, tuple("abab"), tuple("bcbc")]).features([tuple("abca"), tuple("abca")[::-1]])
    assert (features[0] @ features[1]).abs() < 0.95
    assert longest(TfidfEncoder(spelled)) == 4
    assert longest(TfidfEncoder(written(9, 0))) == 2


def test_text_that_has_too_little() -> None:
    assert TfidfEncoder([["a"]]).dimensions == 1
    assert TfidfEncoder([["one", "two"]] * 50).dimensions == 2
    assert TfidfEncoder([["one", "two"]] * 50, dimensions=1).dimensions == 1
    with pytest.raises(NotComputable, match="at least 1 sentences"):
        TfidfEncoder([])
    with pytest.raises(NotComputable, match="not empty"):
        TfidfEncoder([[], []])


def test_nothing_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "ENOUGH", 10)
    with pytest.raises(NotComputable, match="in two of the sentences"):
        TfidfEncoder([[f"w{number}"] for number in range(20)])
    assert TfidfEncoder([["the", f"w{number}"] for number in range(20)]).dimensions == 1
