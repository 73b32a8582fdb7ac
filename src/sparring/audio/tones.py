"""Sounds that Sparring synthesises itself: plucked strings and bells of known pitch, one note of a scale each.

What the right answer is, is known: the note of a generated sound can be measured and compared with the one asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sparring.audio.form import FULL, AudioForm
from sparring.audio.options import read_rate, read_seconds
from sparring.audio.pitch import pitch_of
from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.media.sounds.loudness import faded, levelled

if TYPE_CHECKING:
    from sparring.audio.recipes import AudioRecipe

RATE, SECONDS, COUNT, SEED = 8000, 0.512, 2000, 0
NOTES = {"C4": 261.63, "D4": 293.66, "E4": 329.63, "F4": 349.23, "G4": 392.0, "A4": 440.0, "B4": 493.88, "C5": 523.25}
"""The pitch of each label in hertz (equal temperament, A4 at 440)."""
MISTUNED = 0.005  # of its pitch, that a sound is out of tune by, at most
BESIDE = 0.03  # of its pitch, from which on a sound is no longer the note: half a semitone
BELL = 0.5  # share of the sounds that are bells
LENGTHS = (64, 1 << 15)  # samples of a sound, the fewest and the most: all are made at once, in memory


def plucks(pitches: np.ndarray, rate: int, length: int, random: np.random.Generator) -> np.ndarray:
    """Plucked strings of ``pitches`` ``(n,)``, ``(n, length)``: noise in a loop as long as a period, which a mean of
    neighbours darkens on each turn (Karplus & Strong 1983), and an all-pass tunes between whole numbers of samples
    (Jaffe & Smith 1983, section 2). A sine in the noise sees to it that no first partial is absent."""
    damping = random.uniform(0.985, 0.999, len(pitches))  # what a turn keeps
    periods = rate / pitches - 0.5  # the mean of neighbours delays by half a sample
    whole = (periods - 0.2).astype(int)
    part = periods - whole
    allpass = (1 - part) / (1 + part)
    place = np.arange(whole.max())
    noise = random.uniform(-1, 1, (len(pitches), len(place)))
    delay = noise + 0.7 * np.sin(2 * np.pi * place / whole[:, None])
    delay -= (delay * (place < whole[:, None])).sum(1, keepdims=True) / whole[:, None]
    sounds, rows = np.empty((length, len(pitches))), np.arange(len(pitches))
    before, meant, turned = np.zeros((3, len(pitches)))
    for index in range(length):
        at = index % whole
        value = delay[rows, at]
        mean, before = damping * 0.5 * (value + before), value
        turned = allpass * (mean - turned) + meant
        meant = mean
        delay[rows, at] = turned
        sounds[index] = value
    return sounds.T


def bells(pitches: np.ndarray, rate: int, length: int, random: np.random.Generator) -> np.ndarray:
    """Bells of ``pitches`` ``(n,)``, ``(n, length)``, by frequency modulation (Chowning 1973): a carrier at the pitch
    modulated at twice it, so that all partials are whole multiples; the modulation fades with the sound."""
    index, decay = random.uniform(0.3, 2.5, (len(pitches), 1)), random.uniform(0.08, 0.5, (len(pitches), 1))
    time = np.arange(length) / rate
    envelope = np.exp(-time / decay)
    phase = 2 * np.pi * pitches[:, None] * time
    made: np.ndarray = envelope * np.sin(phase + index * envelope * np.sin(2 * phase))
    return made


def tones(
    count: int = COUNT, rate: int = RATE, samples: int = round(SECONDS * RATE), seed: int = SEED
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``count`` sounds, int16 ``(count, 1, samples)``; the note of each, an index into ``NOTES``, int64 ``(count,)``;
    and its pitch in hertz, ``(count,)``."""
    random = np.random.default_rng(seed)
    notes = np.arange(count) % len(NOTES)
    pitches = np.array(list(NOTES.values()))[notes] * (1 + MISTUNED * random.uniform(-1, 1, count))
    is_bell = random.random(count) < BELL
    sounds = np.empty((count, samples), np.float32)
    for kind, chosen in ((bells, is_bell), (plucks, ~is_bell)):
        if chosen.any():
            sounds[chosen] = kind(pitches[chosen], rate, samples, random)
    level = np.stack([faded(levelled(sound[None], rate), rate) for sound in sounds])
    return (level * FULL).round().astype(np.int16), notes, pitches


def note_of(sounds: np.ndarray, rate: int) -> np.ndarray:
    """The note that each of sounds ``(n, samples)`` is nearest to, an index into ``NOTES``, int64 ``(n,)``; -1 where it
    has no pitch, or one that is ``BESIDE`` or more of it away from the note's."""
    notes = np.array(list(NOTES.values()))
    away = np.abs(pitch_of(sounds, rate)[:, None] / notes - 1)  # (n, notes)
    away[np.isnan(away)] = np.inf
    return np.where(away.min(1) < BESIDE, away.argmin(1), -1)


class ToneSource:
    """The bundled set: 2,000 notes. Raises :class:`UserError` for settings that ask for other sounds."""

    in_memory = True

    def __init__(self, recipe: AudioRecipe) -> None:
        rate, seconds = read_rate(recipe.rate) or RATE, read_seconds(recipe.seconds) or SECONDS
        if recipe.channels != "1" or recipe.loudness != "level" or recipe.label_pattern:
            raise UserError("tones: are mono, levelled and labelled; leave channels, loudness and label_pattern out")
        self.name = recipe.data
        self.bad_files: list[BadFile] = []
        samples = round(seconds * rate)
        if not LENGTHS[0] <= samples <= LENGTHS[1]:
            raise UserError(
                f"tones: {samples:,} samples are not {LENGTHS[0]} to {LENGTHS[1]:,}; give other --seconds or --rate"
            )
        sounds, notes, self.pitches = tones(rate=rate, samples=samples)
        self.sounds = torch.from_numpy(sounds)
        self.labels: Tensor | None = None if recipe.labelled == "no" else torch.from_numpy(notes)
        labels = () if self.labels is None else tuple(NOTES)
        self.form = AudioForm(rate=rate, samples=samples, channels=1, labels=labels)

    def __len__(self) -> int:
        return len(self.sounds)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``sounds`` int16 ``(n, 1, samples)``; ``labels`` int64 ``(n,)`` if they are read."""
        chosen = torch.from_numpy(indices)
        sounds = {"sounds": self.sounds.index_select(0, chosen)}
        return sounds if self.labels is None else {**sounds, "labels": self.labels[chosen]}
