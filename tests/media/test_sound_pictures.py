"""Pictures of sounds show where and how high a sound is, in few bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sparring.media.sounds.pictures import GAP, LEVELS, MOST, SPECTRUM, WAVE, WIDTH, sheet, spectrogram, waveform

RATE = 8000


def sine(pitch: float, count: int = 4096) -> np.ndarray:
    wave: np.ndarray = (0.3 * np.sin(2 * np.pi * pitch * np.arange(count) / RATE)).astype(np.float32)
    return wave


@pytest.mark.parametrize("pitch", [300, 1000, 2500, 3700])
def test_a_sine_is_a_line_at_its_height(pitch: float) -> None:
    """Half of the rate is at the top, nothing at the bottom."""
    shades = spectrogram(sine(pitch), RATE)
    brightest = shades[:, WIDTH // 2].argmax()
    assert brightest == pytest.approx((1 - pitch / (RATE / 2)) * SPECTRUM, abs=1.5)
    assert shades[:, 10:-10].max(1).argmax() == brightest


def test_a_sound_is_where_it_is_in_time() -> None:
    sound = np.concatenate([np.zeros(4096, np.float32), sine(1000)])
    shades, wave = spectrogram(sound, RATE), waveform(sound)
    assert not shades[:, : WIDTH // 2 - 4].any()
    assert shades[:, WIDTH // 2 + 4 :].max(0).min() > LEVELS // 2
    tall = (wave > 0).sum(0)
    assert (tall[: WIDTH // 2 - 1] <= 2).all()
    assert (tall[WIDTH // 2 + 1 :] >= WAVE // 5).all()


@pytest.mark.parametrize("count", [1, 5, 64, 4096, 100_000])
def test_any_length_and_silence_have_a_picture(count: int) -> None:
    for sound in (np.zeros(count, np.float32), sine(440, count)):
        assert spectrogram(sound, RATE).shape == (SPECTRUM, WIDTH)
        assert waveform(sound).shape == (WAVE, WIDTH)


def test_a_sheet_is_small_and_in_order() -> None:
    random = np.random.default_rng(0)
    noise = (0.1 * random.standard_normal((64, 1, 4096)) * np.linspace(1, 0, 4096)).astype(np.float32)
    content = sheet(noise, RATE)
    assert len(content) < 400_000, "noise is what packs worst"
    content = sheet(np.stack([sine(300 + 40 * index)[None] for index in range(64)]), RATE)
    assert len(content) < 150_000
    picture = Image.open(io.BytesIO(content))
    assert picture.size == (MOST * (WIDTH + GAP) - GAP, 8 * (WAVE + SPECTRUM + GAP) - GAP)
    one = Image.open(io.BytesIO(sheet(sine(300)[None, None], RATE)))
    assert np.array_equal(np.asarray(one), np.asarray(picture)[: WAVE + SPECTRUM, :WIDTH])
