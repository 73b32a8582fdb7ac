"""What an evaluation shows of sounds: some to be heard, each with its picture."""

from __future__ import annotations

import torch

from sparring.audio.form import AudioForm
from sparring.audio.samples import as_artifact
from sparring.metrics.comparison import Comparison
from sparring.metrics.neighbours import nearest
from sparring.modality import Artifact

BESIDE, NEIGHBOURS = 6, 3  # samples that are shown beside real ones, and so many of these
SHOWN = 8  # sounds of each other figure
LABELS = 20  # that have a figure each


def figures(comparison: Comparison) -> list[Artifact]:
    """Sounds of each label, or else some; those that the discriminator takes for real most and least; and some beside
    the real ones that are nearest to them in the features."""
    assert isinstance(comparison.form, AudioForm)
    samples, rate = comparison.samples, comparison.form.rate
    shown = by_label(comparison, rate) or [as_artifact(samples[:SHOWN], rate, "samples", "samples")]
    if comparison.logits is not None:
        order = comparison.logits.argsort(descending=True)
        best, worst = "the samples that the discriminator takes for real most", "those that it believes least"
        shown.append(as_artifact(samples[order[:SHOWN]], rate, best, "best"))
        shown.append(as_artifact(samples[order[-SHOWN:]], rate, worst, "worst"))
    return [*shown, *neighbours(comparison, rate)]


def by_label(comparison: Comparison, rate: int) -> list[Artifact]:
    """A figure for each label that has samples."""
    if comparison.labels is None:
        return []
    chosen = [(name, comparison.samples[(comparison.labels == index).nonzero()[:SHOWN, 0]])
              for index, name in enumerate(comparison.names[:LABELS])]  # fmt: skip
    return [
        as_artifact(sounds, rate, f"samples of {name}", f"label-{index}")
        for index, (name, sounds) in enumerate(chosen)
        if len(sounds)
    ]


def neighbours(comparison: Comparison, rate: int) -> list[Artifact]:
    """Figures of one sample each, followed by the real sounds that are nearest to it."""
    count = min(NEIGHBOURS, len(comparison.reference))
    near = nearest(comparison.sample_features[:BESIDE], comparison.reference_features, count)[1]
    about = "a sample, and after it the real sounds that are nearest to it in the features"
    return [
        as_artifact(torch.cat([sample[None], comparison.reference[indices]]), rate, about, f"neighbours-{number}")
        for number, (sample, indices) in enumerate(zip(comparison.samples, near, strict=False), 1)
    ]
