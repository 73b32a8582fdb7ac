"""BLEU against nltk's, which takes every hypothesis and every reference by itself."""

from __future__ import annotations

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from sparring.metrics.score import NotComputable
from sparring.text.metrics.bleu import ORDERS, bleu, self_bleu
from sparring.text.metrics.sentences import Sentence

SMOOTHING = SmoothingFunction().method1
EVERY_ORDER = (1, *ORDERS)


def random_sentences(count: int, words: str, longest: int, seed: int) -> list[tuple[str, ...]]:
    """Of 0 up to ``longest`` words, the first ones more often."""
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(words) + 1)
    return [
        tuple(random.choice(list(words), size=random.integers(longest + 1), p=shares / shares.sum()))
        for _ in range(count)
    ]


def split(*sentences: str) -> list[list[str]]:
    return [sentence.split() for sentence in sentences]


def theirs(hypothesis: Sentence, references: list[Sentence], order: int) -> float:
    return sentence_bleu(references, hypothesis, (1 / order,) * order, SMOOTHING)


def assert_alike(ours: dict[int, np.ndarray], each: list[tuple[Sentence, list[Sentence]]]) -> None:
    assert ours.keys() == set(EVERY_ORDER)
    for order, values in ours.items():
        expected = [theirs(hypothesis, references, order) for hypothesis, references in each]
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9, err_msg=f"order {order}")


@pytest.mark.parametrize("words", ["ab", "abcdef", "abcdefghijklmnopqrstuvwxyz"])
@pytest.mark.parametrize("longest", [3, 12])
def test_bleu_is_that_of_nltk(words: str, longest: int) -> None:
    hypotheses, references = random_sentences(60, words + "XY", longest, 0), random_sentences(40, words, longest, 1)
    assert_alike(bleu(hypotheses, references, EVERY_ORDER), [(each, references) for each in hypotheses])


@pytest.mark.parametrize("words", ["ab", "abcdef", "abcdefghijklmnopqrstuvwxyz"])
@pytest.mark.parametrize("longest", [3, 12])
def test_self_bleu_leaves_one_out(words: str, longest: int) -> None:
    sentences = random_sentences(40, words, longest, 2)
    sentences += sentences[:5] + sentences[:2]
    others = [sentences[:i] + sentences[i + 1 :] for i in range(len(sentences))]
    assert_alike(self_bleu(sentences, EVERY_ORDER), list(zip(sentences, others, strict=True)))


def test_a_length_that_no_other_sentence_has() -> None:
    sentences = [tuple("abcabcab"[:length]) for length in (1, 3, 5, 8)]
    others = [sentences[:i] + sentences[i + 1 :] for i in range(len(sentences))]
    assert_alike(self_bleu(sentences, EVERY_ORDER), list(zip(sentences, others, strict=True)))


def test_one_reference_of_another_length() -> None:
    hypotheses = [tuple("abcdefgh"), tuple("ab"), tuple("a"), (), tuple("xyz")]
    for reference in (tuple("abcd"), tuple("abcdefghijkl"), ()):
        assert_alike(bleu(hypotheses, [reference], EVERY_ORDER), [(each, [reference]) for each in hypotheses])


def test_the_clip_and_the_brevity_by_hand() -> None:
    """Papineni et al. 2002, section 2.1: "the" counts no more often than the reference that has most of it."""
    found = bleu([["the"] * 7], split("the cat is on the mat", "there is a cat on the mat"), (1,))
    assert found[1] == pytest.approx([2 / 7])
    short = bleu([["the", "cat"]], split("the cat sat", "the cat sat on mats"), (2,))
    assert short[2] == pytest.approx([np.exp(1 - 3 / 2)])


def test_a_copy_is_a_reference() -> None:
    sentences = split("a b c d e f", "a b c d e f", "u v w x y z")
    assert self_bleu(sentences)[5] == pytest.approx([1, 1, 0])


def test_words_are_told_apart_whatever_they_are() -> None:
    """Two words are not the one that looks like both."""
    assert bleu([("a b", "c", "d")], [("a", "b c", "d")], (2,))[2] == pytest.approx([(1 / 3 * 0.1 / 2) ** 0.5])


def test_nothing_to_compare_with() -> None:
    assert {order: len(values) for order, values in bleu([], [("a",)]).items()} == dict.fromkeys(ORDERS, 0)
    with pytest.raises(NotComputable, match="at least 1 references"):
        bleu([("a",)], [])
    with pytest.raises(NotComputable, match="at least 2 sentences"):
        self_bleu([("a",)])
    assert self_bleu([(), ()])[2].tolist() == [0, 0]
