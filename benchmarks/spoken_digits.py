"""The Free Spoken Digit Dataset by its official split, and how samples are measured against it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from sound_classifiers import SoundNetwork, SupportVectors
from torch import Tensor

from sparring.audio.data import AudioSource, open_in_form, open_source
from sparring.audio.files import AudioFiles
from sparring.audio.form import FULL
from sparring.audio.metrics import faults
from sparring.audio.recipes import audio
from sparring.core.errors import UserError
from sparring.metrics.class_score import class_score
from sparring.metrics.frechet import frechet

NAME = re.compile(r"(\d)_(\w+)_(\d+)\.wav")
PATTERN = "{label}_{speaker}_{take}"
TESTED = 5  # takes of each digit by each speaker, the first, that are the test split
DIGITS = 10
LEAST = 130  # sounds that a Fréchet distance in 64 features can be taken of


def link_splits(recordings: Path, folder: Path, quick: bool) -> dict[str, Path]:
    """Folders ``train`` and ``test`` of links to the recordings, by the official split; every fifth take of the
    training ones alone where it is ``quick``. Raises :class:`UserError` where there are no such recordings."""
    folders = {name: folder / name for name in ("train", "test")}
    for each in folders.values():
        each.mkdir()
    found = 0
    for path in sorted(recordings.rglob("*.wav")):
        if (matched := NAME.fullmatch(path.name)) is None:
            continue
        take = int(matched[3])
        if take < TESTED or not quick or take % 5 == 0:
            (folders["test" if take < TESTED else "train"] / path.name).symlink_to(path.resolve())
            found += 1
    if not found:
        raise UserError(f"{recordings}: holds no recordings such as 7_jackson_32.wav; give FSDD's folder")
    return folders


@dataclass(frozen=True)
class Spoken:
    """``sounds`` ``(n, samples)`` in [-1, 1], with the digit and the speaker ``(n,)`` of each."""

    sounds: Tensor
    digits: Tensor
    speakers: Tensor


def read(source: AudioSource) -> Spoken:
    """All sounds of a source, brought to its form."""
    assert isinstance(source, AudioFiles)
    assert source.sounds is not None
    parts = [piece.name.split("_") for piece in source.pieces]
    names = sorted({speaker for _, speaker, _ in parts})
    return Spoken(
        source.sounds[:, 0].float() / FULL,
        torch.tensor([int(digit) for digit, *_ in parts]),
        torch.tensor([names.index(speaker) for _, speaker, _ in parts]),
    )


class Yardstick:
    """Classifiers of digits and of speakers that learned from the training split, and what real sounds score."""

    def __init__(self, folders: dict[str, Path], epochs: int) -> None:
        recipe = audio.changed({"data": str(folders["train"]), "label_pattern": PATTERN, "conditional": "yes"})
        source = open_source(recipe)
        rate = source.form.rate
        self.train = read(source)
        self.test = read(open_in_form(recipe.changed({"data": str(folders["test"])}), source.form))
        self.network = SoundNetwork(self.train.sounds, self.train.digits, rate, epochs)
        self.vectors = SupportVectors(self.train.sounds, self.train.digits, rate)
        self.speakers = SoundNetwork(self.train.sounds, self.train.speakers, rate, epochs)
        self.reference = self.train.sounds[:, None]
        self.real_features = self.network.features(self.train.sounds)
        self.speaker_accuracy = right(self.speakers.classify(self.test.sounds), self.test.speakers)
        self.real = self.measured(self.test.sounds, self.test.digits)

    def measured(self, sounds: Tensor, digits: Tensor) -> dict[str, float]:
        """Scores of sounds ``(n, samples)`` that should be these digits ``(n,)``: the share that each classifier reads
        so, of which the lower counts; Inception score and Fréchet distance to the training split in the network's
        features, the latter of parts as large as the test split; shares of silent, clicking and clipped sounds; and
        pairs of a digit and a speaker that are there, with the count of the rarest."""
        network, vectors = (right(each.classify(sounds), digits) for each in (self.network, self.vectors))
        said = zip(digits.tolist(), self.speakers.classify(sounds).tolist(), strict=True)
        pairs = Counter(said)
        every = [
            pairs[digit, speaker] for digit in range(DIGITS) for speaker in range(int(self.train.speakers.max()) + 1)
        ]
        wrong = faults(self.reference, sounds[:, None])
        return {
            "network": network,
            "vectors": vectors,
            "claimed": min(network, vectors),
            "inception": class_score([self.network.probabilities(sounds)]),
            "frechet": self.distance(sounds),
            **{name: wrong[name].value for name in ("silent", "clicking", "clipped", "level")},
            "pairs": sum(count > 0 for count in every),
            "rarest_pair": min(every),
        }

    def distance(self, sounds: Tensor) -> float:
        """The mean Fréchet distance, over disjoint parts as large as the test split, to the training split."""
        size = min(len(self.test.sounds), len(sounds))
        parts = [part for part in torch.split(self.network.features(sounds), size) if len(part) >= max(size, LEAST)]
        values = [frechet(self.real_features, part)["frechet"].value for part in parts]
        return sum(values) / len(values)


def right(found: Tensor, wanted: Tensor) -> float:
    """The share of labels ``(n,)`` that are those wanted ``(n,)``."""
    return float((found == wanted).float().mean())
