"""What an evaluation shows of clips: some that play, side by side."""

from __future__ import annotations

import torch

from sparring.metrics.comparison import Comparison
from sparring.metrics.neighbours import nearest
from sparring.modality import Artifact
from sparring.video.form import VideoForm
from sparring.video.samples import as_artifact

BESIDE, NEIGHBOURS = 4, 3  # samples that are shown beside real clips, and so many of these
SHOWN = 8  # clips of each other figure
LABELS = 20  # that have a figure each


def figures(comparison: Comparison) -> list[Artifact]:
    """Clips of each label, or else some; those that the discriminator takes for real most and least; and some beside
    the real ones that are nearest to them in the features."""
    assert isinstance(comparison.form, VideoForm)
    samples, rate = comparison.samples, comparison.form.rate
    shown = by_label(comparison, rate) or [as_artifact(samples[:SHOWN], rate, "samples", "samples", SHOWN // 2)]
    if comparison.logits is not None:
        order = comparison.logits.argsort(descending=True)
        best, worst = "the samples that the discriminator takes for real most", "those that it believes least"
        shown.append(as_artifact(samples[order[:SHOWN]], rate, best, "best", SHOWN // 2))
        shown.append(as_artifact(samples[order[-SHOWN:]], rate, worst, "worst", SHOWN // 2))
    return [*shown, neighbours(comparison, rate)]


def by_label(comparison: Comparison, rate: float) -> list[Artifact]:
    """A figure for each label that has samples."""
    if comparison.labels is None:
        return []
    chosen = [(comparison.labels == index).nonzero()[:SHOWN, 0] for index in range(len(comparison.names[:LABELS]))]
    return [
        as_artifact(comparison.samples[some], rate, f"samples of {name}", f"label-{index}", SHOWN // 2)
        for index, (name, some) in enumerate(zip(comparison.names, chosen, strict=False))
        if len(some)
    ]


def neighbours(comparison: Comparison, rate: float) -> Artifact:
    """A figure of some samples, a row each, and after it the real clips that are nearest to it."""
    count = min(NEIGHBOURS, len(comparison.reference))
    near = nearest(comparison.sample_features[:BESIDE], comparison.reference_features, count)[1]
    rows = [
        torch.cat([sample[None], comparison.reference[indices]])
        for sample, indices in zip(comparison.samples, near, strict=False)
    ]
    about = "the first of each row is a sample, the others are the real clips nearest to it in the features"
    return as_artifact(torch.cat(rows), rate, about, "neighbours", 1 + count)
