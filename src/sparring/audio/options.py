"""How sounds are read: settings of every recipe that reads sounds, and of verbs. No torch in here."""

from __future__ import annotations

import math

from sparring.core.errors import UserError
from sparring.core.settings import setting, settings
from sparring.core.terminal import quoted
from sparring.data.files.options import FileReading
from sparring.options import LikelihoodOptions

RATES = (1000, 192_000)  # hertz, the least and the most
ANY_RATE = 65_535  # hertz, up to which FLAC holds every rate, beyond only multiples of 10
SAMPLES = (64, 1 << 21)  # of a sound that is learned
CHANNELS = (1, 2)


@settings
class Hearing(FileReading):
    """How sounds are read: a part of every recipe, and of the options of every verb, that reads sounds."""

    rate: str = setting(
        "auto", "hertz that every sound is brought to; auto: the most frequent, at most 16,000", "data", common=True
    )
    seconds: str = setting(
        "auto", "length of every sound; auto: what 95 % of the files fit into, at most 2", "data", common=True
    )
    channels: str = setting("1", "1 mono, the mean of all channels; 2 stereo", "data", choices=("1", "2"))
    longer: str = setting(
        "auto", "of a longer file, learn from its start, or from all of it in pieces; auto: pieces where half of the "
        "files are twice as long", "data", choices=("auto", "start", "pieces"),
    )  # fmt: skip
    shorter: str = setting(
        "pad", "fill a shorter sound up with silence, or with itself", "data", choices=("pad", "repeat")
    )
    loudness: str = setting(
        "level", "bring the louder half of every sound to -20 dB below full scale, or keep loudness as it is", "data",
        choices=("level", "keep"),
    )  # fmt: skip
    cache_mb: int = setting(
        2048, "keep decoded sounds in memory up to this many MiB, else stream", "data", low=0, high=1 << 24
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        read_rate(self.rate)
        read_seconds(self.seconds)


@settings
class AudioEvaluateOptions(Hearing, LikelihoodOptions):
    """What ``sparring evaluate`` is asked for; how sounds are read is asked for a folder of samples alone."""


def read_rate(text: str) -> int | None:
    """Hertz; None for ``auto``. Raises :class:`UserError` for what is no rate."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 8 and RATES[0] <= int(text) <= RATES[1]):
        raise UserError(
            f"rate: {quoted(text)} is no rate; write 16000, or another from {RATES[0]:,} to {RATES[1]:,} Hz"
        )
    if int(text) > ANY_RATE and int(text) % 10:
        raise UserError(f"rate: FLAC holds no sounds at {int(text):,} Hz; write a multiple of 10, such as {text[:-1]}0")
    return int(text)


def read_seconds(text: str) -> float | None:
    """Seconds; None for ``auto``. Raises :class:`UserError` for what is no length."""
    if text == "auto":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.05 <= seconds <= 60:
        raise UserError(f"seconds: {quoted(text)} is no length; write 1.5, or another from 0.05 to 60")
    return seconds
