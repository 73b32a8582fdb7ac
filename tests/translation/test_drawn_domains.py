"""Ink and neon: the truth is a truth, domains share no digit, and both look as they are described."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sparring.images.reading.shape import ImageForm
from sparring.modalities import RECIPES
from sparring.translation.drawn import FIRST, INK, KEPT, PAPER, SECOND, SIZE, WALL, draw, ink, labels, neon, truth

ALL = slice(0, 1797)


def hue(colours: np.ndarray) -> np.ndarray:
    """The angle of each colour ``(..., 3)`` around grey, in radians."""
    first, second = (np.array(axis) for axis in ((1, -0.5, -0.5), (0, 3**0.5 / 2, -(3**0.5) / 2)))
    return np.arctan2(colours @ second, colours @ first)


def test_pictures_of_both_domains_and_the_truth() -> None:
    one, other, digits = truth()
    assert one.shape == other.shape == (297, SIZE, SIZE, 3)
    assert (one.dtype, other.dtype) == (np.uint8, np.uint8)
    assert digits == [str(digit) for digit in load_digits().target[1500:]]
    a, b = draw(RECIPES["ink-neon"])
    assert (len(a), len(b)) == (750, 750)
    assert a.labels is None
    assert b.labels is None
    expected = ImageForm(height=SIZE, width=SIZE, channels=3)
    assert a.form == b.form == expected
    np.testing.assert_array_equal(a.batch(np.arange(750))["images"].numpy(), ink(FIRST).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(b.batch(np.arange(750))["images"].numpy(), neon(SECOND).transpose(0, 3, 1, 2))


def test_no_digit_is_in_two_domains() -> None:
    members = [set(range(1797)[part]) for part in (FIRST, SECOND, KEPT)]
    assert sum(map(len, members)) == len(set.union(*members)) == 1797
    drawn = ink(ALL)
    seen = [{picture.tobytes() for picture in drawn[part]} for part in (FIRST, SECOND, KEPT)]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 1797  # and no picture equals another one


def test_strokes_agree_with_the_digits_and_between_domains() -> None:
    """Ink is where paper is not seen, a tube where light is; both where scikit-learn's pixels are."""
    one, other, _ = truth()
    stroke = np.abs(one / 255 - PAPER).max(3)
    tube = (other / 255 - WALL).clip(0).max(3)
    drawn, lit = stroke > 0.5 * stroke.max((1, 2), keepdims=True), tube > 0.75 * tube.max((1, 2), keepdims=True)
    union, both = (drawn | lit).sum((1, 2)), (drawn & lit).sum((1, 2))
    assert np.median(both / union) > 0.85
    assert (both / union).min() > 0.6
    wrong = np.roll(lit, 1, axis=0)
    assert np.median((drawn & wrong).sum((1, 2)) / (drawn | wrong).sum((1, 2))) < 0.6
    digits = load_digits().images[KEPT] / 16
    small = stroke.reshape(-1, 8, 4, 8, 4).mean((2, 4))
    correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, digits, strict=True)]
    assert min(correlations) > 0.85


def test_the_truth_has_one_hue_in_both_domains() -> None:
    """That of ink in the middle of a stroke, and of the light on the wall beside it."""
    one, other, _ = truth()
    beside = np.abs(one / 255 - PAPER).max(3) < 0.03
    light = hue((beside[..., None] * (other / 255 - WALL)).sum((1, 2)))
    inked = hue(boldest(one))
    apart = np.abs(np.angle(np.exp(1j * (inked - light))))
    assert apart.max() < 0.2
    wrong = np.abs(np.angle(np.exp(1j * (np.roll(inked, 1) - light))))
    assert np.median(wrong) > 1


def boldest(pictures: np.ndarray) -> np.ndarray:
    """The colour where most is drawn, ``(n, 3)``."""
    flat = pictures.reshape(len(pictures), -1, 3) / 255
    rank = np.abs(flat - PAPER).sum(2).argsort(1)[:, -12:]
    return np.take_along_axis(flat, rank[..., None], 1).mean(1)


def test_paper_and_wall_have_their_colours() -> None:
    one, other = ink(slice(0, 50)), neon(slice(0, 50))
    np.testing.assert_allclose(np.median(one.reshape(-1, 3), 0) / 255, PAPER, atol=0.02)
    corners = other[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3) / 255
    np.testing.assert_allclose(np.median(corners, 0), WALL, atol=0.1)
    assert boldest(one).max() < INK + 0.12


def test_hues_are_all_around_and_their_own() -> None:
    angles = hue(boldest(ink(FIRST)))
    counts = np.histogram(angles, 6, (-np.pi, np.pi))[0]
    assert counts.min() > 60


def test_drawing_is_the_same_every_time_and_part_by_part() -> None:
    one, other = ink(ALL), neon(ALL)
    for part in (FIRST, SECOND, KEPT, slice(3, 8)):
        np.testing.assert_array_equal(ink(part), one[part])
        np.testing.assert_array_equal(neon(part), other[part])
        assert labels(part) == labels(ALL)[part]


@pytest.mark.parametrize(("size", "channels"), [("16", 1), ("32x48", 3)])
def test_domains_are_read_as_the_recipe_says(size: str, channels: int) -> None:
    for source in draw(RECIPES["ink-neon"].changed({"size": size, "channels": str(channels)})):
        height, _, width = size.partition("x")
        images = source.batch(np.arange(3))["images"]
        assert images.shape == (3, channels, int(height), int(width or height))
