"""Sounds of one rate at another."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

FINEST = 1000  # the largest number that a ratio of rates is written with: 44,100 to 16,000 hertz is 160 to 441


def resampled(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Samples ``(channels, n)`` at ``rate`` hertz as ``(channels, ceil(n * to / rate))`` at ``to`` hertz, by a
    polyphase filter: what is above half of the lower rate is gone by 80 dB or more."""
    ratio = Fraction(to, rate).limit_denominator(FINEST)
    if ratio == 1 or not samples.shape[1]:
        return samples
    from scipy.signal import resample_poly

    made: np.ndarray = resample_poly(samples, ratio.numerator, ratio.denominator, axis=1, window=("kaiser", 8.0))
    return made.astype(np.float32)
