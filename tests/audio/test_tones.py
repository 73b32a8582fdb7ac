"""The bundled tones have the pitch that they say, and the measure of pitch finds it: in these and in known sounds."""

from __future__ import annotations

import numpy as np
import pytest

from sparring.audio.pitch import pitch_of
from sparring.audio.recipes import RECIPES
from sparring.audio.tones import MISTUNED, NOTES, ToneSource, bells, plucks, tones
from sparring.core.errors import UserError

RATE = 8000
TIME = np.arange(4096) / RATE


def complex_tone(pitch: float, partials: list[float]) -> np.ndarray:
    wave: np.ndarray = sum(
        (size * np.sin(2 * np.pi * pitch * number * TIME) for number, size in enumerate(partials, 1)), np.zeros(4096)
    )
    return wave


@pytest.mark.parametrize("pitch", [90.0, 261.63, 440.0, 523.25, 1100.0])
@pytest.mark.parametrize("partials", [[1.0], [1, 0.5, 0.3], [0.3, 1.0, 0.5], [1, 0, 0.8]])
def test_the_pitch_of_known_waves_is_found(pitch: float, partials: list[float]) -> None:
    """Also where the first partial is not the loudest."""
    assert pitch_of(complex_tone(pitch, partials)[None], RATE)[0] == pytest.approx(pitch, rel=0.01)


def test_level_and_phase_and_decay_do_not_matter() -> None:
    wave = complex_tone(330.0, [1, 0.4])
    sounds = np.stack([wave, 0.01 * wave, -wave, wave * np.exp(-TIME / 0.1), np.roll(wave, 1000)])
    np.testing.assert_allclose(pitch_of(sounds, RATE), 330.0, rtol=0.005)


def test_silence_and_noise_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal((20, 4096))
    assert np.isnan(pitch_of(noise, RATE)).all()
    assert np.isnan(pitch_of(np.zeros((2, 4096)), RATE)).all()
    assert np.isnan(pitch_of(np.ones((2, 100)), RATE)).all(), "too short"


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_every_tone_has_the_pitch_that_it_says(rate: int) -> None:
    sounds, notes, pitches = tones(400, rate, rate // 2)
    assert (sounds.dtype, sounds.shape) == (np.int16, (400, 1, rate // 2))
    measured = pitch_of(sounds[:, 0] / np.float32(32767), rate)
    np.testing.assert_allclose(measured, pitches, rtol=0.01)
    of_notes = np.array(list(NOTES.values()))[notes]
    assert np.abs(pitches / of_notes - 1).max() <= MISTUNED
    nearest = np.abs(np.log(measured[:, None] / np.array(list(NOTES.values())))).argmin(1)
    np.testing.assert_array_equal(nearest, notes)


def test_notes_are_those_of_the_equal_temperament() -> None:
    steps = [-9, -7, -5, -4, -2, 0, 2, 3]  # semitones from A4
    np.testing.assert_allclose(list(NOTES.values()), [440 * 2 ** (step / 12) for step in steps], rtol=1e-4)


def test_tones_are_the_same_every_time_and_no_two_are_alike() -> None:
    sounds, notes, _ = tones(64, seed=1)
    np.testing.assert_array_equal(sounds, tones(64, seed=1)[0])
    assert not np.array_equal(sounds, tones(64, seed=2)[0])
    assert np.bincount(notes).tolist() == [8] * 8
    unit = sounds[:, 0] / np.linalg.norm(sounds[:, 0].astype(np.float64), axis=1, keepdims=True)
    assert (unit @ unit.T - np.eye(64)).max() < 0.9999


def test_strings_and_bells_differ_in_their_partials() -> None:
    """Bells have odd partials only, strings even ones too: the second over the first tells them apart."""

    def second(sounds: np.ndarray) -> np.ndarray:
        spectra = np.abs(np.fft.rfft(sounds[:, :800] * np.hanning(800)))  # bins of 10 hertz: 440 Hz is bin 44
        ratio: np.ndarray = spectra[:, 87:90].max(1) / spectra[:, 43:46].max(1)
        return ratio

    pitches, random = np.full(40, 440.0), np.random.default_rng(0)
    assert second(bells(pitches, RATE, 4000, random)).max() < 0.02
    assert np.median(second(plucks(pitches, RATE, 4000, random))) > 0.05


def test_strings_darken_as_they_fade() -> None:
    strings = plucks(np.full(40, 300.0), RATE, 4096, np.random.default_rng(0))

    def centroid(part: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(part)) ** 2
        mean: np.ndarray = (power * np.arange(power.shape[1])).sum(1) / power.sum(1)
        return mean

    assert (centroid(strings[:, -1024:]) < centroid(strings[:, :1024])).all()
    assert (np.abs(strings[:, -1024:]).mean(1) < np.abs(strings[:, :1024]).mean(1)).all()


@pytest.mark.parametrize("asked", [{"rate": "1000", "seconds": "0.05"}, {"rate": "16000", "seconds": "60"}])
def test_lengths_that_cannot_be_made_are_refused(asked: dict[str, str]) -> None:
    with pytest.raises(UserError, match="give other --seconds or --rate"):
        ToneSource(RECIPES["tones"].changed(asked))
