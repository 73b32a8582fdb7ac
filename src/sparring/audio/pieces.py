"""Which parts of sound files are learned from, and what each is brought to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from sparring.audio.form import FULL, AudioForm
from sparring.audio.options import SAMPLES, Hearing, read_rate, read_seconds
from sparring.core.errors import UserError
from sparring.media.sounds.decode import read_sound
from sparring.media.sounds.header import BadSound, Header
from sparring.media.sounds.loudness import faded, is_silent, levelled
from sparring.media.sounds.resample import resampled

FASTEST = 16_000  # hertz that "auto" goes up to
LONGEST = 2.0  # seconds that "auto" goes up to
STEP = 0.064  # seconds that "auto" rounds up to: whole numbers of frames for layers that halve
COVERED = 95  # per cent of the files that fit into a sound of "auto" length
TWICE = 2.0  # times the length of a sound that half of the files have where "auto" takes them in pieces
KEPT = 0.5  # of a piece's length that the last piece of a file needs to have


class Silent(BadSound):
    """A part of a file in which nothing sounds."""


class Piece(NamedTuple):
    """A part of a file: from sample ``start`` on, ``frames`` of them, at the file's own rate."""

    name: str
    start: int
    frames: int


def choose_form(settings: Hearing, headers: Mapping[str, Header]) -> AudioForm:
    """The rate, the length and the channels of all sounds, without labels. Raises :class:`UserError` for sounds of too
    many samples."""
    rate = read_rate(settings.rate) or min(FASTEST, most_frequent([header.rate for header in headers.values()]))
    seconds = read_seconds(settings.seconds)
    if seconds is None:
        lengths = [header.seconds for header in headers.values()]
        covered = float(np.percentile(lengths, COVERED, method="inverted_cdf"))
        seconds = min(LONGEST, math.ceil(covered / STEP - 1e-6) * STEP)
    samples = max(SAMPLES[0], round(seconds * rate))
    if samples > SAMPLES[1]:
        raise UserError(
            f"seconds: {seconds:.4g} at {rate:,} Hz are {samples:,} samples, the most is {SAMPLES[1]:,}; give fewer "
            "--seconds or a lower --rate"
        )
    return AudioForm(rate=rate, samples=samples, channels=int(settings.channels), loudness=settings.loudness)


def most_frequent(rates: list[int]) -> int:
    """The most frequent of some rates, the higher of two."""
    counts = Counter(rates)
    return max(counts, key=lambda rate: (counts[rate], rate))


def in_pieces(settings: Hearing, headers: Mapping[str, Header], form: AudioForm) -> bool:
    """Whether longer files are taken in pieces."""
    if settings.longer != "auto":
        return settings.longer == "pieces"
    return median(header.seconds for header in headers.values()) >= TWICE * form.seconds


def pieces_of(headers: Mapping[str, Header], form: AudioForm, *, all_of_it: bool) -> list[Piece]:
    """The parts of files that are learned from: the start of each, or all of it."""
    pieces = []
    for name, header in headers.items():
        length = max(1, math.ceil(form.seconds * header.rate))
        last = max(1, math.floor(header.frames - KEPT * length)) if all_of_it else 1
        starts = range(0, last, length)
        pieces += [Piece(name, start, min(length, header.frames - start)) for start in starts]
    return pieces


def read_piece(file: Path | bytes, piece: Piece, form: AudioForm, shorter: str) -> np.ndarray:
    """A part of a file in this form, int16 ``(channels, samples)``; a shorter one is filled up as ``shorter`` says.
    Raises :class:`BadSound` where it gives none, :class:`Silent` where nothing sounds."""
    samples, rate = read_sound(file, piece.start, piece.frames)
    samples = in_channels(samples, form.channels)
    if is_silent(samples):
        raise Silent("is silent")
    samples = resampled(samples, rate, form.rate)[:, : form.samples]
    if is_silent(samples):
        raise Silent(f"is silent at {form.rate:,} Hz")
    samples = faded(levelled(samples, form.rate) if form.loudness == "level" else samples, form.rate)
    lacking = form.samples - samples.shape[1]
    if lacking:
        samples = np.pad(samples, ((0, 0), (0, lacking)), mode="wrap" if shorter == "repeat" else "constant")
    return (samples.clip(-1, 1) * FULL).round().astype(np.int16)


def in_channels(samples: np.ndarray, channels: int) -> np.ndarray:
    """Samples ``(any, n)`` as ``(channels, n)``: the mean of all for one, the first two, or the only one twice, for
    two."""
    if channels == 1:
        mean: np.ndarray = samples.mean(0, keepdims=True)
        return mean
    return samples[:2] if len(samples) > 1 else samples.repeat(2, 0)
