"""The bundled letters: the same ones every time, each one readable, in all colours."""

from __future__ import annotations

from string import ascii_uppercase

import numpy as np
import pytest
from sklearn.svm import SVC

from sparring.images.data import open_source
from sparring.images.reading.letters import letters
from sparring.modalities import RECIPES


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    pictures, names = letters(1560)
    return pictures, np.array(names)


def test_the_same_letters_are_drawn_every_time(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    again, names = letters(1560)
    assert np.array_equal(again, drawn[0])
    assert names[:27] == [*ascii_uppercase, "A"]
    assert not np.array_equal(letters(26, seed=1)[0], again[:26])


def test_a_classifier_reads_letters_that_it_has_not_seen(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """By how far each pixel is from the colour of the corners, whatever that is."""
    pictures, names = drawn
    corners = pictures[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(1)
    apart = np.abs(pictures - corners[:, None, None]).mean(3).reshape(len(pictures), -1)
    apart /= apart.max(1, keepdims=True)
    reader = SVC().fit(apart[:1300], names[:1300])
    assert reader.score(apart[1300:], names[1300:]) > 0.95


def test_letters_and_grounds_have_all_colours(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    pictures = drawn[0].reshape(1560, -1, 3).astype(float)
    darkest = pictures[np.arange(1560), pictures.mean(2).argmin(1)]
    assert np.bincount(darkest.argmax(1), minlength=3).min() > 300  # red, green and blue ones
    assert pictures[:, 0].min() > 160  # a ground is pale


def test_the_recipe_trains_on_200_of_each_letter() -> None:
    source = open_source(RECIPES["letters"])  # type: ignore[arg-type]
    assert source.form.labels == tuple(ascii_uppercase)
    assert np.bincount(source.batch(np.arange(5200))["labels"].numpy()).tolist() == [200] * 26
