"""Sounds of one rate at another."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

FINEST = 1000  # the largest number that a ratio of rates is written with: 44,100 to 16,000 hertz is 160 to 441
CROSSINGS = 48  # zeros of the filter's sinc to either side
STEEPNESS = 8.0  # of its Kaiser window: 81 dB down, over a band of 5.1 / 48 of the lower rate's half


def resampled(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Samples ``(channels, n)`` at ``rate`` hertz as ``(channels, ceil(n * to / rate))`` at ``to`` hertz, by a
    polyphase filter: what lies above half of the lower rate is gone by 80 dB, what lies below 0.88 of that half is
    kept. Two rates without a simple ratio, 44,101 and 8,000 hertz, change the pitch by less than a hundredth of a per
    cent."""
    if rate == to or not samples.shape[1]:
        return samples
    from scipy.signal import resample_poly

    up, down = ratio_of(rate, to)
    made: np.ndarray = resample_poly(samples, up, down, axis=1, window=low_pass(max(up, down)))
    length = -(-samples.shape[1] * to // rate)
    lacking = max(0, length - made.shape[1])
    return np.pad(made, ((0, 0), (0, lacking)))[:, :length].astype(np.float32)


def ratio_of(rate: int, to: int) -> tuple[int, int]:
    """``to`` over ``rate`` as two whole numbers of which neither is larger than ``FINEST``."""
    if to > rate:
        down, up = ratio_of(to, rate)
        return up, down
    ratio = Fraction(to, rate).limit_denominator(FINEST)
    return max(1, ratio.numerator), ratio.denominator


@lru_cache(maxsize=16)
def low_pass(factor: int) -> np.ndarray:
    """The filter ``(taps,)`` at ``factor`` times a rate that ends at half of that rate."""
    from scipy.signal import firwin

    band = 5.1 / CROSSINGS  # Kaiser's formula: (81 - 7.95) / (2.285 * 2 * 48 * pi), both sides of its middle
    taps: np.ndarray = firwin(2 * CROSSINGS * factor + 1, (1 - band / 2) / factor, window=("kaiser", STEEPNESS))
    return taps.astype(np.float32)
