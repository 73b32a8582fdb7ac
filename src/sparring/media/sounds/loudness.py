"""How loud sounds are, and how they are brought to one loudness.

Recordings of one set differ by 30 dB; a peak says little of how loud a sound is heard. The measure here is the power of
the louder half of its frames of 20 ms: silence before, after and within a sound does not count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FRAME = 0.02  # seconds
LEVEL = 0.1  # root of the mean square that the louder half of the frames is brought to: -20 dB below full scale
PEAK = 0.99  # that no sample goes beyond
SILENT = 1e-3  # peak below which a sound is silent: -60 dB
FULL_SCALE = 0.999  # that a sample is at full scale from
CLIPPED = 0.001  # share of samples at full scale, above which a sound is clipped
QUIETEST = -120.0  # decibels, of what is quieter still
RISE, FALL = 0.002, 0.01  # seconds that a sound is faded in and out over


class Levels(NamedTuple):
    """What can be said of a recording's loudness before any of it is changed."""

    loudness: float
    """See :func:`loudness`, in dB below full scale, so negative."""
    peak: float
    """The furthest sample from 0, in [0, 1] for most files."""
    clipped: float
    """The share of samples at full scale."""
    offset: float
    """The mean that is furthest from 0 of any channel: nothing that is heard, but a click at both ends."""


def levels_of(samples: np.ndarray, rate: int) -> Levels:
    """The levels of samples ``(channels, n)``, as they are in a file."""
    if not samples.size:
        return Levels(QUIETEST, 0.0, 0.0, 0.0)
    sizes, means = np.abs(samples), samples.mean(1, dtype=np.float64)
    heard = max(loudness(samples - means[:, None], rate), 10 ** (QUIETEST / 20))
    furthest = means[np.abs(means).argmax()]
    return Levels(20 * float(np.log10(heard)), float(sizes.max()), float((sizes >= FULL_SCALE).mean()), float(furthest))


def loudness(samples: np.ndarray, rate: int) -> float:
    """The root of the mean square over the louder half of the frames of samples ``(channels, n)``; what does not fill
    the last frame counts as one that is silent otherwise."""
    length = max(1, min(round(FRAME * rate), samples.shape[1]))
    count = -(-samples.shape[1] // length)
    filled = np.pad(samples.astype(np.float64), ((0, 0), (0, count * length - samples.shape[1])))
    power = np.sort((filled.reshape(len(samples), count, length) ** 2).mean((0, 2)))
    return float(power[count // 2 :].mean() ** 0.5) if count else 0.0


def is_silent(samples: np.ndarray) -> bool:
    """Whether no sample ``(channels, n)`` is further from the mean than silence is."""
    return not samples.size or float(np.abs(samples - samples.mean(1, keepdims=True)).max()) < SILENT


def levelled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples ``(channels, n)`` without their mean, as loud as all others, no peak beyond ``PEAK``. Silence stays what
    it is."""
    if is_silent(samples):
        return np.zeros_like(samples)
    centred = samples - samples.mean(1, keepdims=True)
    made = centred * min(LEVEL / loudness(centred, rate), PEAK / float(np.abs(centred).max()))
    return np.asarray(made, np.float32)


def faded(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples ``(channels, n)`` that begin and end softly: a cut in the middle of a wave is a click."""
    made, length = samples.copy(), samples.shape[1]
    rise, fall = (min(max(1, round(seconds * rate)), length) for seconds in (RISE, FALL))
    made[:, :rise] *= np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)
    made[:, length - fall :] *= np.linspace(1, 0, fall, endpoint=False, dtype=np.float32)
    return made
