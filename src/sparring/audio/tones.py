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
from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.media.sounds.loudness import faded, levelled

if TYPE_CHECKING:
    from sparring.audio.recipes import AudioRecipe

RATE, SECONDS, COUNT, SEED = 8000, 0.512, 2000, 0
NOTES = {"C4": 261.63, "D4": 293.66, "E4": 329.63, "F4": 349.23, "G4": 392.0, "A4": 440.0, "B4": 493.88, "C5": 523.25}
"""The pitch of each label in hertz (equal temperament, A4 at 440)."""
MISTUNED = 0.005  # of its pitch, that a sound is out of tune by, at most
BELL = 0.5  # share of the sounds that are bells


def pluck(pitch: float, rate: int, length: int, damping: float, random: np.random.Generator) -> np.ndarray:
    """A plucked string of ``length`` samples: noise in a loop as long as a period, which a mean of neighbours darkens
    on each turn (Karplus & Strong 1983); ``damping`` is what a turn keeps. An all-pass in the loop tunes it between
    whole numbers of samples (Jaffe & Smith 1983, section 2)."""
    period = rate / pitch - 0.5  # the mean of neighbours delays by half a sample
    whole = int(period - 0.2)
    part = period - whole
    allpass = (1 - part) / (1 + part)
    delay = random.uniform(-1, 1, whole)
    delay -= delay.mean()
    sound = np.empty(length)
    before = meant = turned = 0.0
    for index in range(length):
        value = delay[index % whole]
        mean, before = damping * 0.5 * (value + before), value
        turned = allpass * mean + meant - allpass * turned
        meant = mean
        delay[index % whole] = turned
        sound[index] = value
    return sound


def bell(pitch: float, rate: int, length: int, index: float, decay: float) -> np.ndarray:
    """A bell of ``length`` samples by frequency modulation (Chowning 1973): a carrier at ``pitch`` modulated at twice
    it, so that all partials are whole multiples; the modulation, ``index`` at first, fades with the sound."""
    time = np.arange(length) / rate
    envelope = np.exp(-time / decay)
    phase = 2 * np.pi * pitch * time
    sound: np.ndarray = envelope * np.sin(phase + index * envelope * np.sin(2 * phase))
    return sound


def tones(
    count: int = COUNT, rate: int = RATE, samples: int = round(SECONDS * RATE), seed: int = SEED
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``count`` sounds, int16 ``(count, 1, samples)``; the note of each, an index into ``NOTES``, int64 ``(count,)``;
    and its pitch in hertz, ``(count,)``."""
    random = np.random.default_rng(seed)
    notes = np.arange(count) % len(NOTES)
    pitches = np.array(list(NOTES.values()))[notes] * (1 + MISTUNED * random.uniform(-1, 1, count))
    made = np.empty((count, 1, samples), np.int16)
    for index, pitch in enumerate(pitches):
        if random.random() < BELL:
            sound = bell(pitch, rate, samples, random.uniform(0.3, 2.5), random.uniform(0.08, 0.5))
        else:
            sound = pluck(pitch, rate, samples, random.uniform(0.985, 0.999), random)
        level = faded(levelled(sound[None].astype(np.float32), rate), rate)
        made[index] = (level * FULL).round()
    return made, notes, pitches


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
