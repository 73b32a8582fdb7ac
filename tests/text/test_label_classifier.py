"""The classifier of labels on text whose labels have a reason."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from sparring.metrics.score import NotComputable
from sparring.text.metrics import classifier
from sparring.text.metrics.classifier import STRENGTHS, LabelClassifier

FILLERS = ["the", "a", "film", "plot", "actor", "scene", "one", "more", "then", "there", "was", "of", "with", "some"]
Labelled = tuple[list[list[str]], list[str]]


def labelled(count: int, seed: int, phrases: dict[str, list[str]]) -> Labelled:
    """Each sentence holds one phrase of its label among words that say nothing."""
    random = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(count):
        label = random.choice(sorted(phrases))
        words = list(random.choice(FILLERS, size=random.integers(3, 9)))
        position = random.integers(len(words) + 1)
        sentences.append([*words[:position], *random.choice(phrases[label]).split(), *words[position:]])
        labels.append(str(label))
    return sentences, labels


PRAISE = {"good": ["great", "lovely", "moving"], "bad": ["dull", "awful", "tedious"], "fair": ["so-so", "decent"]}
PAIRS = {"good": ["not bad", "quite good"], "bad": ["not good", "quite bad"]}
ENDINGS = {
    kind: [f"{stem}{end}" for stem in "abcdefgh" for end in ends]
    for kind, ends in {"one": ["ing", "ings"], "other": ["ed", "eds"]}.items()
}
UNHEARD_STEMS = {"one": ["xqing"], "other": ["xqed"]}


def test_words_pairs_and_endings() -> None:
    assert LabelClassifier(*labelled(300, 0, PRAISE)).accuracy(*labelled(200, 1, PRAISE)) == (1, 0)
    assert LabelClassifier(*labelled(300, 0, PAIRS)).accuracy(*labelled(200, 1, PAIRS))[0] > 0.97
    assert LabelClassifier(*labelled(300, 0, ENDINGS)).accuracy(*labelled(200, 1, UNHEARD_STEMS))[0] > 0.9


def test_the_error_is_that_of_a_share() -> None:
    random = np.random.default_rng(0)
    sentences, _ = labelled(800, 0, PRAISE)
    labels = random.integers(2, size=800)
    share, error = LabelClassifier(sentences[:400], labels[:400]).accuracy(sentences[400:], labels[400:])
    assert abs(share - 0.5) < 4 * error
    assert error == pytest.approx(math.sqrt(share * (1 - share) / 399))


def test_labels_come_back_as_they_were() -> None:
    sentences, labels = labelled(200, 0, PRAISE)
    named = LabelClassifier(sentences, labels).predict(sentences[:5])
    assert named.tolist() == labels[:5]
    numbers = np.array([sorted(PRAISE).index(label) for label in labels])
    numbered = LabelClassifier(sentences, numbers).predict(sentences[:5])
    assert numbered.dtype == numbers.dtype
    assert numbered.tolist() == numbers[:5].tolist()
    assert LabelClassifier(sentences, labels).predict([]).shape == (0,)
    assert LabelClassifier(sentences, labels).predict([[], ["unheard"]]).shape == (2,)


def test_the_same_every_time() -> None:
    one, other = (LabelClassifier(*labelled(300, 0, PAIRS), seed=3) for _ in range(2))
    assert one.strength == other.strength
    assert np.array_equal(one.model.coef_, other.model.coef_)


@pytest.mark.parametrize("join", [" ".join, "".join])
@pytest.mark.parametrize("enough", [1, 1000])
def test_characters(monkeypatch: pytest.MonkeyPatch, join: Callable[[list[str]], str], enough: int) -> None:
    """With and without spaces, where every sentence is one word that no other has."""
    monkeypatch.setattr(classifier, "ENOUGH", enough)

    def spelled(of: Labelled) -> tuple[list[tuple[str, ...]], list[str]]:
        return [tuple(join(sentence)) for sentence in of[0]], of[1]

    learned = LabelClassifier(*spelled(labelled(300, 0, PRAISE)))
    assert learned.accuracy(*spelled(labelled(200, 1, PRAISE)))[0] > 0.97


def test_a_rare_label() -> None:
    sentences, labels = labelled(100, 0, PRAISE)
    learned = LabelClassifier([*sentences, ["odd", "one"]], [*labels, "odd"])
    assert learned.strength == STRENGTHS[1]
    assert "odd" in learned.predict([["odd", "one"]])


def test_a_label_that_the_choice_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "CHOOSING", 3)
    learned = LabelClassifier([["a"], ["b"]] + [["a"]] * 100, ["x", "y"] + ["x"] * 100)
    assert learned.strength == STRENGTHS[1]


def test_what_cannot_be_learned() -> None:
    with pytest.raises(NotComputable, match="at least 2 different labels"):
        LabelClassifier([["a"], ["b"]], ["same", "same"])
    with pytest.raises(NotComputable, match="not empty"):
        LabelClassifier([[], []], ["x", "y"])
    with pytest.raises(NotComputable, match="not empty"):
        LabelClassifier([(" ",), ()], ["x", "y"])
    with pytest.raises(NotComputable, match="at least 2 sentences"):
        LabelClassifier([["a"], ["b"]], ["x", "y"]).accuracy([["a"]], ["x"])
