"""All sounds come to one loudness, which is heard and not peaked; silence stays silence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sparring.media.sounds.loudness import (
    FALL,
    LEVEL,
    PEAK,
    QUIETEST,
    RISE,
    faded,
    is_silent,
    levelled,
    levels_of,
    loudness,
)

RATE = 8000


def sine(amplitude: float = 1.0, count: int = RATE) -> np.ndarray:
    wave: np.ndarray = amplitude * np.sin(2 * np.pi * 440 * np.arange(count) / RATE)[None]
    return wave.astype(np.float32)


def test_the_loudness_of_a_sine_is_known() -> None:
    """Its root mean square is its amplitude over the root of 2 (440 Hz: 8.8 periods a frame)."""
    assert loudness(sine(0.5), RATE) == pytest.approx(0.5 / math.sqrt(2), rel=0.01)
    levels = levels_of(sine(0.5) + np.float32(0.02), RATE)
    assert levels.loudness == pytest.approx(-9.03, abs=0.1)  # 20 log10(0.5 / sqrt(2))
    assert levels.peak == pytest.approx(0.52, abs=1e-3)
    assert levels.offset == pytest.approx(0.02, abs=1e-4)
    assert levels.clipped == 0


def test_silence_around_a_sound_does_not_count() -> None:
    alone = loudness(sine(0.3), RATE)
    around = np.concatenate([np.zeros((1, RATE // 2)), sine(0.3), np.zeros((1, RATE // 4))], 1)
    assert loudness(around, RATE) == pytest.approx(alone, rel=0.01)


@pytest.mark.parametrize("gain", [0.003, 0.1, 1.0, 30.0])
def test_every_sound_comes_to_one_level(gain: float) -> None:
    made = levelled(gain * (sine(0.4) + np.float32(0.05)), RATE)
    assert made.dtype == np.float32
    assert loudness(made, RATE) == pytest.approx(LEVEL, rel=1e-3)
    assert abs(made.mean()) < 1e-6
    np.testing.assert_allclose(made, levelled(sine(0.4), RATE), atol=1e-4)


def test_a_peak_is_never_cut_but_all_made_quieter() -> None:
    clicks = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32) * 0.01
    clicks[0, ::1000] = 1.0
    made = levelled(clicks, RATE)
    assert np.abs(made).max() == pytest.approx(PEAK, abs=1e-5)
    assert loudness(made, RATE) < LEVEL
    assert np.corrcoef(made[0], clicks[0])[0, 1] == pytest.approx(1)


@pytest.mark.parametrize("count", [0, 1, 3, 161, RATE])
@pytest.mark.parametrize("value", [0.0, 0.7, 1e-4])
def test_silence_stays_silence(count: int, value: float) -> None:
    """Nothing, a constant, and what is quieter than -60 dB; of any length."""
    samples = np.full((2, count), value, np.float32)
    assert is_silent(samples)
    np.testing.assert_array_equal(levelled(samples, RATE), np.zeros((2, count)))
    assert levels_of(samples, RATE).loudness == QUIETEST


def test_a_sound_in_the_last_moment_is_levelled_too() -> None:
    """Behind the last whole frame, so that no other holds anything."""
    samples = np.zeros((1, 170), np.float32)
    samples[0, 162:166] = [0.5, -0.5, 0.5, -0.5]
    made = levelled(samples, RATE)
    assert np.isfinite(made).all()
    assert 0.1 < np.abs(made).max() <= PEAK


def test_both_channels_are_made_louder_alike() -> None:
    sound = np.concatenate([sine(0.2), 0.5 * sine(0.2)])
    made = levelled(sound, RATE)
    assert np.abs(made[1]).max() / np.abs(made[0]).max() == pytest.approx(0.5, abs=1e-3)


def test_sounds_begin_and_end_softly() -> None:
    sound = np.ones((2, RATE), np.float32)
    made = faded(sound, RATE)
    rise, fall = round(RISE * RATE), round(FALL * RATE)
    assert made[0, 0] == 0
    assert made[0, -1] <= 1 / fall + 1e-6
    assert (np.diff(made[0, :rise]) > 0).all()
    assert (np.diff(made[0, -fall:]) < 0).all()
    np.testing.assert_array_equal(made[:, rise:-fall], 1)
    np.testing.assert_array_equal(sound, 1)  # what was given stays as it was
    for count in (0, 1, 5):
        assert faded(sound[:, :count], RATE).shape == (2, count)


def test_samples_at_full_scale_are_counted() -> None:
    sound = sine(2.0).clip(-1, 1)
    share = 2 / math.pi * math.acos(0.5)  # of a period in which a sine is beyond a half
    assert levels_of(sound, RATE).clipped == pytest.approx(share, abs=0.01)
