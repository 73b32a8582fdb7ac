"""The features that clips are compared in: learned from the user's own, or coarse ones that need no learning."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.features.keeping import device_for_pooling, kept_or_learned, looked_at
from sparring.features.learning import Learned, tested_part
from sparring.kind import Say
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.features import Classifier, Features, in_chunks
from sparring.video.data import VideoSource
from sparring.video.features.classical import numbers, support_vectors
from sparring.video.features.i3d import i3d_features
from sparring.video.features.learning import classifier, contrast, seen
from sparring.video.shapes import ShapeSource, motion_of

VERSION = 1  # raise it when what is learned changes
FOR_PLAYERS = ("timed", "hard_edges", "layered")  # of a form, what players are told and no clip depends on
CELLS, TIMES = 3, 2  # of a side and of time, of the features that need no learning


def find_features(source: VideoSource, asked: str, device: torch.device, say: Say) -> Features:
    """``learned`` from the source, which is ``auto``: a classifier of its labels with a second one of another kind, or
    what contrast teaches; else those of the file of I3D. Raises :class:`UserError` for what is none of these, and when
    all clips are the same."""
    if asked not in ("auto", "learned"):
        return i3d_features(asked, device)
    device = device_for_pooling(device)
    labelled, tested = len(source.form.labels) > 1, tested_part(len(source))

    def learn() -> Learned:
        return classifier(source, tested, device, say) if labelled else contrast(source, device, say)

    features = kept_or_learned(source, fingerprint(source), "clips", learn, seen, device, say)
    if not labelled:
        return features
    if isinstance(source, ShapeSource):
        return replace(features, second=by_path(source))
    return replace(features, second=support_vectors(source, tested))


def by_path(source: ShapeSource) -> Classifier:
    """What tells the motions of the bundled set by the path of the shape, with nothing learned."""

    def classify(clips: Tensor) -> Tensor:
        return torch.from_numpy(motion_of(to_bytes(clips).numpy()))

    batch = source.batch(looked_at(len(source)))
    right = torch.from_numpy(motion_of(batch["frames"].numpy())) == batch["labels"]
    return Classifier("the path of the shape", classify, right.float().mean().item())


def quick_features(real: Tensor) -> Features:
    """How much changes where and when, and the mean frame, coarsely, scaled to those of some real clips ``(n, frames,
    channels, height, width)``: nothing to learn, good enough to watch a run by."""
    found = in_chunks(coarse, real)
    mean, deviation = found.mean(0), found.std(0, correction=0).clamp(min=1e-3)

    def of(clips: Tensor) -> Tensor:
        return (coarse(clips) - mean) / deviation

    digest = hashlib.sha256(mean.numpy().tobytes() + deviation.numpy().tobytes()).hexdigest()[:16]
    return Features("change in space and time", digest, of)


def coarse(clips: Tensor) -> Tensor:
    """Clips ``(n, frames, channels, height, width)`` in few numbers, ``(n, dimensions)``."""
    return numbers(clips, CELLS, TIMES)


def fingerprint(source: VideoSource) -> str:
    """16 hexadecimal digits of what the source holds: its length, some of its clips and labels, and of its form what
    clips depend on.

    Raises :class:`UserError` when these clips are all the same.
    """
    form = {name: value for name, value in source.form.to_dict().items() if name not in FOR_PLAYERS}
    digest = hashlib.sha256(json.dumps(["clips", VERSION, len(source), form]).encode())
    first, differs = None, False
    for part in np.array_split(looked_at(len(source)), 8):
        batch = source.batch(part)
        for name in sorted(batch):
            digest.update(batch[name].contiguous().numpy().tobytes())
        first = batch["frames"][:1] if first is None and len(part) else first
        differs |= first is not None and bool((batch["frames"] != first).any())
    if not differs:
        raise UserError(f"{source.name}: all its clips are the same; there is nothing to measure by")
    return digest.hexdigest()[:16]
