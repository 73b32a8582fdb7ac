"""The features that sounds are compared in: learned from the user's own, or bands of the spectrum that need no
learning."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import torch
from torch import Tensor

from sparring.audio.data import AudioSource
from sparring.audio.features.classical import support_vectors
from sparring.audio.features.learning import classifier, contrast, seen_at
from sparring.audio.features.log_mel import LogMel, pooled
from sparring.audio.form import FULL
from sparring.audio.tones import ToneSource, note_of
from sparring.core.errors import UserError
from sparring.features.keeping import device_for_pooling, kept_or_learned, looked_at
from sparring.features.learning import Learned, tested_part
from sparring.kind import Say
from sparring.metrics.features import Classifier, Features, in_chunks

VERSION = 1  # raise it when what is learned changes
BANDS, SLOTS = 12, 3  # of the features that need no learning
RATE = 16_000  # hertz that these are taken at, whatever the sounds have: bands then are shares of the spectrum


def find_features(source: AudioSource, asked: str, device: torch.device, say: Say) -> Features:
    """``learned`` from the source, which is ``auto``: a classifier of its labels with a second one of another kind, or
    what contrast teaches. Raises :class:`UserError` for what is none of these, and when all sounds are the same."""
    if asked not in ("auto", "learned"):
        raise UserError("features: sounds are compared in features learned from your own; leave it at auto")
    device = device_for_pooling(device)
    labelled, tested = len(source.form.labels) > 1, tested_part(len(source))

    def learn() -> Learned:
        return classifier(source, tested, device, say) if labelled else contrast(source, device, say)

    key, seen = fingerprint(source), seen_at(source.form.rate)
    features = kept_or_learned(source, key, "sounds", learn, seen, device, say)
    if not labelled:
        return features
    if isinstance(source, ToneSource):
        return replace(features, second=by_pitch(source))
    return replace(features, second=support_vectors(source, tested))


def by_pitch(source: ToneSource) -> Classifier:
    """What tells the notes of the bundled set by their pitch, with nothing learned."""

    def classify(sounds: Tensor) -> Tensor:
        return torch.from_numpy(note_of(sounds[:, 0].numpy(), source.form.rate))

    batch = source.batch(looked_at(len(source)))
    right = classify(batch["sounds"].float() / FULL) == batch["labels"]
    return Classifier("pitch", classify, right.float().mean().item())


def quick_features(real: Tensor) -> Features:
    """Means of bands of the spectrum over slots of time, with their deviations, scaled to those of some real sounds
    ``(n, channels, samples)``: nothing to learn, good enough to watch a run by."""
    log_mel = LogMel(RATE, BANDS)
    numbers = in_chunks(lambda part: pooled(log_mel(part), SLOTS), real)
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0).clamp(min=1e-3)

    def of(sounds: Tensor) -> Tensor:
        return (pooled(log_mel(sounds), SLOTS) - mean) / deviation

    digest = hashlib.sha256(mean.numpy().tobytes() + deviation.numpy().tobytes()).hexdigest()[:16]
    return Features("bands of the spectrum", digest, of)


def fingerprint(source: AudioSource) -> str:
    """16 hexadecimal digits of what the source holds: its form, its length, some of its sounds and labels.

    Raises :class:`UserError` when these sounds are all the same.
    """
    batch = source.batch(looked_at(len(source)))
    if (batch["sounds"] == batch["sounds"][:1]).all():
        raise UserError(f"{source.name}: all its sounds are the same; there is nothing to measure by")
    digest = hashlib.sha256(json.dumps(["sounds", VERSION, len(source), source.form.to_dict()]).encode())
    for name in sorted(batch):
        digest.update(batch[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
