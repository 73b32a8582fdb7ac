"""Another rate changes nothing of what both rates can hold, and nothing else comes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sparring.media.sounds.resample import FINEST, low_pass, ratio_of, resampled

RATES = [(44_100, 8000), (48_000, 44_100), (44_100, 16_000), (16_000, 8000), (8000, 16_000), (8000, 44_100)]


def sine(pitch: float, rate: int, count: int) -> np.ndarray:
    wave: np.ndarray = np.sin(2 * np.pi * pitch * np.arange(count) / rate)[None].astype(np.float32)
    return wave


def inner(samples: np.ndarray) -> np.ndarray:
    """Without the quarters at the ends, where silence beyond is mixed in."""
    quarter = samples.shape[1] // 4
    return samples[:, quarter:-quarter]


def decibels(samples: np.ndarray) -> float:
    """The level against that of a full sine."""
    return 10 * math.log10(2 * float((samples.astype(np.float64) ** 2).mean()) + 1e-30)


@pytest.mark.parametrize(("rate", "to"), RATES)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.88])
def test_what_both_rates_hold_is_kept(rate: int, to: int, share: float) -> None:
    """In pitch, level and time: against a sine computed at the other rate."""
    pitch = share * min(rate, to) / 2
    made = resampled(sine(pitch, rate, rate), rate, to)
    assert made.dtype == np.float32
    assert decibels(inner(made - sine(pitch, to, made.shape[1]))) < -78


@pytest.mark.parametrize(("rate", "to"), [pair for pair in RATES if pair[0] > pair[1]])
@pytest.mark.parametrize("share", [1.005, 1.05, 1.5])
def test_what_the_lower_rate_cannot_hold_is_gone(rate: int, to: int, share: float) -> None:
    pitch = share * to / 2
    if pitch < rate / 2:
        assert decibels(inner(resampled(sine(pitch, rate, rate), rate, to))) < -80


@pytest.mark.parametrize(("rate", "to"), [*RATES, (44_101, 8000), (8000, 44_101), (768_000, 1000), (1000, 767_999)])
@pytest.mark.parametrize("count", [1, 7, 1001])
def test_the_length_is_exact(rate: int, to: int, count: int) -> None:
    assert resampled(np.ones((2, count), np.float32), rate, to).shape == (2, math.ceil(count * to / rate))


def test_there_and_back_a_sound_is_the_same() -> None:
    sound = sine(440, 16_000, 16_000) + sine(1333, 16_000, 16_000)
    back = resampled(resampled(sound, 16_000, 44_100), 44_100, 16_000)
    assert decibels(inner(back - sound)) < -75


def test_rates_without_a_simple_ratio_are_bounded() -> None:
    for rate, to in ((44_101, 8000), (8000, 44_101), (767_999, 1000), (999_983, 1000)):
        up, down = ratio_of(rate, to)
        assert max(up, down) <= FINEST
        if max(rate, to) < 100_000:
            assert abs(up / down / (to / rate) - 1) < 1e-4
    assert ratio_of(44_100, 16_000) == (160, 441)


def test_channels_stay_apart_and_silence_stays() -> None:
    sound = np.concatenate([sine(500, 16_000, 4000), np.zeros((1, 4000), np.float32)])
    made = resampled(sound, 16_000, 8000)
    np.testing.assert_array_equal(made[1], 0)
    np.testing.assert_array_equal(made[:1], resampled(sound[:1], 16_000, 8000))
    assert resampled(sound, 16_000, 16_000) is sound
    assert resampled(sound[:, :0], 16_000, 8000).shape == (2, 0)


def test_the_filter_is_symmetric_and_of_gain_one() -> None:
    taps = low_pass(3)
    np.testing.assert_array_equal(taps, taps[::-1])
    assert taps.sum() == pytest.approx(1, abs=1e-5)
