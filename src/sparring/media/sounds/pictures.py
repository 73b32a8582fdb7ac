"""Pictures of sounds: of each its waveform, and below it the spectrogram."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sparring.media.pictures.notes import as_png

WIDTH, WAVE, SPECTRUM, GAP = 96, 24, 64, 4  # pixels: of a sound, its waveform, its spectrogram, between sounds
WINDOW = 0.032  # seconds of a spectrum
QUIETEST, LOUDEST = -75.0, -12.0  # decibels, of a sine of amplitude 1, that are black and white
LEVELS = 32  # shades: a picture of more is twice as large, and shows no more
SHADES = ((10, 10, 24), (70, 20, 100), (170, 50, 90), (240, 130, 50), (252, 245, 190))
INK = 3 * LEVELS // 4  # the shade of waveforms
MOST = 8  # sounds in a row


def spectrogram(sound: np.ndarray, rate: int) -> np.ndarray:
    """A sound ``(samples,)`` as shades of 0 to ``LEVELS - 1``, uint8 ``(SPECTRUM, WIDTH)``; low frequencies are at the
    bottom, half of the rate at the top."""
    window = max(2 * SPECTRUM, 2 ** round(math.log2(rate * WINDOW)))
    padded = np.pad(sound.astype(np.float64), window // 2)
    starts = np.linspace(0, len(sound) - 1, WIDTH).astype(int)
    frames = np.stack([padded[start : start + window] for start in starts]) * np.hanning(window)
    power = (np.abs(np.fft.rfft(frames)[:, 1:]) * 2 / np.hanning(window).sum()) ** 2
    rows = np.linspace(0, power.shape[1], SPECTRUM, endpoint=False).astype(int)
    strongest = np.maximum.reduceat(power, rows, axis=1).T[::-1]
    decibels = 10 * np.log10(strongest + 1e-12)
    return as_shades((decibels - QUIETEST) / (LOUDEST - QUIETEST))


def waveform(sound: np.ndarray) -> np.ndarray:
    """The extent of a sound ``(samples,)`` in [-1, 1] over time, uint8 ``(WAVE, WIDTH)``."""
    parts = np.array_split(sound, WIDTH) if len(sound) >= WIDTH else [sound] * WIDTH
    low, high = (np.array([find(part) for part in parts]) for find in (np.min, np.max))
    height = np.linspace(1, -1, WAVE)[:, None]
    step = 1 / WAVE
    return np.where((height <= high + step) & (height >= low - step), INK, 0).astype(np.uint8)


def sheet(sounds: np.ndarray, rate: int, columns: int | None = None) -> bytes:
    """A PNG of sounds ``(n, channels, samples)`` in [-1, 1], the mean of their channels, so many in a row, or eight."""
    tiles = [np.concatenate([waveform(sound), spectrogram(sound, rate)]) for sound in sounds.mean(1)]
    columns = min(columns or MOST, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    height = WAVE + SPECTRUM
    canvas = np.zeros((rows * (height + GAP) - GAP, columns * (WIDTH + GAP) - GAP), np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + GAP), index % columns * (WIDTH + GAP)
        canvas[top : top + height, left : left + WIDTH] = tile
    picture = Image.fromarray(canvas, "P")
    picture.putpalette(palette())
    return as_png(picture)


def as_shades(shares: np.ndarray) -> np.ndarray:
    """Shares ``(...)``, from 0 to 1, of the range as shades, uint8 ``(...)``."""
    return (shares.clip(0, 1) * (LEVELS - 1)).round().astype(np.uint8)


def palette() -> list[int]:
    """Red, green and blue of each shade, from dark to bright, one after the other."""
    at = np.linspace(0, len(SHADES) - 1, LEVELS)
    colours = [np.interp(at, range(len(SHADES)), band) for band in zip(*SHADES, strict=True)]
    return [int(value) for value in np.stack(colours, 1).round().flatten()]
