"""The pitch of sounds that hold one note: whether the note that was asked for is the one that is heard."""

from __future__ import annotations

import numpy as np

THRESHOLD = 0.15  # of the normalised difference: the first period below it is taken
UNVOICED = 0.4  # above it there is no pitch
QUIET = 1e-4  # root of the mean square below which nothing is heard


def pitch_of(sounds: np.ndarray, rate: int, low: float = 80.0, high: float = 1200.0) -> np.ndarray:
    """The pitch of sounds ``(n, samples)`` at ``rate`` hertz, ``(n,)`` hertz from ``low`` to ``high``; NaN where there
    is none: in silence, in noise, and in sounds that are shorter than two of the longest periods.

    The lag at which a sound differs least from itself (de Cheveigné & Kawahara 2002: the difference function of
    equation 6, normalised by equation 8, its first minimum below a threshold, refined by a parabola).
    """
    shortest, longest = int(rate / high), int(np.ceil(rate / low)) + 1
    pitches = np.full(len(sounds), np.nan)
    if sounds.shape[1] < 2 * longest + 4:
        return pitches
    heard = np.sqrt((sounds.astype(np.float64) ** 2).mean(1)) > QUIET
    difference = differences(darkened(sounds.astype(np.float64)), longest)
    lags = np.arange(1, longest + 1)
    mean = np.cumsum(difference[:, 1:], 1) / lags
    normalised = difference[:, 1:] / np.maximum(mean, 1e-12)  # the first of them is that of lag 1
    for index in np.flatnonzero(heard):
        lag = first_period(normalised[index], max(2, shortest))
        if lag is not None:
            pitches[index] = rate / refined(difference[index], lag)
    pitches[(pitches < low) | (pitches > high)] = np.nan
    return pitches


def darkened(sounds: np.ndarray) -> np.ndarray:
    """Sounds ``(n, samples)`` without their highest partials, which differ after a period that is no whole number of
    samples: two means of neighbours."""
    for _ in range(2):
        sounds = (sounds[:, 2:] + 2 * sounds[:, 1:-1] + sounds[:, :-2]) / 4
    return sounds


def differences(sounds: np.ndarray, longest: int) -> np.ndarray:
    """Sums of squared differences between sounds ``(n, samples)`` and the sounds later by each lag from 0 to
    ``longest``, over equally many samples each, ``(n, longest + 1)``."""
    window = sounds.shape[1] - longest
    size = 1 << (sounds.shape[1] + window).bit_length()
    spectrum = np.fft.rfft(sounds, size) * np.fft.rfft(sounds[:, :window], size).conj()
    products = np.fft.irfft(spectrum, size)[:, : longest + 1]
    powers = np.cumsum(np.pad(sounds**2, ((0, 0), (1, 0))), 1)
    power = powers[:, window:] - powers[:, : longest + 1]
    found: np.ndarray = np.maximum(power[:, :1] + power - 2 * products, 0)
    return found


def first_period(normalised: np.ndarray, shortest: int) -> int | None:
    """The first lag, of at least ``shortest``, that is a minimum of ``normalised`` ``(longest,)`` below the threshold,
    or the least of all where none is; None where that is no period either. Entry 0 is lag 1."""
    inner = normalised[1:-1]
    minima = np.flatnonzero((inner <= normalised[:-2]) & (inner < normalised[2:])) + 2
    minima = minima[minima >= shortest]
    if not len(minima):
        return None
    values = normalised[minima - 1]
    below = minima[values < THRESHOLD]
    least = int(values.argmin())
    return int(below[0]) if len(below) else int(minima[least]) if values[least] < UNVOICED else None


def refined(difference: np.ndarray, lag: int) -> float:
    """The lowest point, in samples, of a parabola through ``difference`` ``(lags,)`` at ``lag`` and beside it."""
    before, here, after = difference[lag - 1 : lag + 2]
    bend = before - 2 * here + after
    return lag + 0.5 * (before - after) / bend if bend > 0 else float(lag)
