"""How pictures are measured: in which features, by their spectrum, and what an evaluation shows of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.images.data import ImageSource
from sparring.images.features.files import features_from
from sparring.images.features.learned import learned_features
from sparring.images.features.lite0 import INSTALL, installed, lite0
from sparring.images.samples import as_artifact
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.neighbours import nearest
from sparring.metrics.score import Estimate, Family, Metric, NotComputable, blocks, error_without_each
from sparring.modality import Artifact, Say

SHOWN = 10  # pictures of a row
PIXELS = 1 << 22  # transformed at a time
NEIGHBOURS = 4  # real pictures beside each sample
NOISE = 1.5  # times what a narrow blur took away, in pictures without a shape


def find_features(source: ImageSource, asked: str, device: torch.device, say: Say, trust: bool = False) -> Features:
    """``learned`` from the source, ``lite0``, or a file or a model of timm's (``features/files.py``); a program is run
    only with ``trust``. ``auto`` is ``lite0`` for colour pictures without labels where its weights are installed, else
    ``learned``. Raises :class:`UserError` for what is none of these, or cannot be read."""
    if asked == "auto":
        photographs = source.form.channels >= 3 and len(source.form.labels) < 2
        asked = "lite0" if photographs and installed() else "learned"
        if photographs and asked == "learned":
            say(f"colour pictures can be compared in better features, which need no learning: {INSTALL}")
    if asked == "lite0":
        return lite0(device)
    return learned_features(source, device, say) if asked == "learned" else features_from(asked, device, trust)


# The spectrum


def radial_power(images: Tensor) -> Tensor:
    """Power of bytes ``(n, channels, height, width)`` at each whole frequency, ``(n, max(height, width) // 2)``, in
    float64 (Durall et al. 2020, section 3).

    The azimuthal mean of the squared Fourier transform of the picture in grey; frequency 0 is left out.
    """
    grey = images[:, :3].double().mean(1) / 255
    height, width = grey.shape[1:]
    power = torch.fft.fft2(grey).abs().square()
    rows, columns = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    radius = (rows[:, None].square() + columns[None].square()).sqrt() * max(height, width)
    ring = radius.round().long().clamp(max=max(height, width) // 2).flatten()
    total = torch.zeros(len(grey), int(ring.max()) + 1, dtype=torch.float64).index_add_(1, ring, power.flatten(1))
    return (total / torch.bincount(ring))[:, 1:]


def total_power(images: Tensor) -> Tensor:
    """The sum of :func:`radial_power` over all of ``(n, channels, height, width)``, shape ``(frequencies,)``."""
    chunks = torch.split(images, max(1, PIXELS // images[0, 0].numel()))
    return torch.stack([radial_power(chunk).sum(0) for chunk in chunks]).sum(0)


def spectrum(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``spectrum``: the mean absolute difference of the two mean spectra over all frequencies, in decibels, of bytes
    ``(m, channels, height, width)`` and ``(n, channels, height, width)``.

    Upsampling leaves traces at high frequencies that no distance in features sees. Raises :class:`NotComputable` for
    pictures without any structure.
    """
    real = total_power(reference) / len(reference)
    parts = [(total_power(part), len(part)) for part in blocks(samples)]
    if not (real > 0).all():
        raise NotComputable("the real pictures have no power at some frequencies")

    def gap(kept: list[tuple[Tensor, int]]) -> float:
        made = torch.stack([power for power, _ in kept]).sum(0) / sum(count for _, count in kept)
        return (10 * (made.clamp(min=1e-12).log10() - real.log10())).abs().mean().item()

    return {"spectrum": Estimate(gap(parts), error_without_each(parts, gap))}


SPECTRUM = Family((Metric("spectrum", "low", "gap between the two power spectra, in decibels"),), spectrum)


# What cannot be recognised


def shapeless(images: Tensor, seed: int) -> Tensor:
    """Bytes ``(n, channels, height, width)`` in which nothing can be recognised, of this shape: of five pictures two
    are blurred over an eighth of their sides, two over a sixteenth, one of both with noise as strong as what that took
    away, as it is made of pictures early in training; and one keeps its spectrum, in random phases."""
    height, width = images.shape[2:]
    squared = torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width).square()
    wide, narrow = ((-2 * (torch.pi * max(height, width) / part) ** 2 * squared).exp() for part in (8, 16))
    random, changed = torch.Generator().manual_seed(seed), []
    for chunk in torch.split(images, max(5, PIXELS // images[0].numel())):
        noise = torch.fft.rfft2(torch.randn((len(chunk), 1, height, width), generator=random))
        factors = noise / noise.abs().clamp(min=1e-9)
        factors[..., 0, 0] = 1  # the mean stays
        for first, blur in enumerate((wide, narrow, wide, narrow)):
            factors[first::5] = blur.to(factors)
        blurred = torch.fft.irfft2(torch.fft.rfft2(chunk.float()) * factors, s=(height, width))
        lost = (chunk - blurred).std((2, 3), correction=0, keepdim=True)
        grain = torch.randn(blurred.shape, generator=random)
        grain = lost * (grain - grain.mean((2, 3), keepdim=True))  # the mean stays
        for first, strength in ((2, 1.0), (3, NOISE)):
            blurred[first::5] += strength * grain[first::5]
        changed.append(blurred.clamp(0, 255).round().byte())
    return torch.cat(changed)


# What a person looks at


def figures(comparison: Comparison) -> list[Artifact]:
    """Sheets of samples beside the nearest real pictures, of those that the discriminator takes for real most and
    least, and of each label, as far as they are known."""
    sheets = [neighbours(comparison)]
    if comparison.logits is not None:
        order = comparison.logits.argsort(descending=True)
        count = min(4 * SHOWN, len(order) // 2)
        best, worst = comparison.samples[order[:count]], comparison.samples[order[-count:]]
        sheets += [
            as_artifact(best, "the samples that the discriminator takes for real most", "best", SHOWN),
            as_artifact(worst, "the samples that the discriminator believes least", "worst", SHOWN),
        ]
    if comparison.labels is not None:
        sheets.append(each_label(comparison.samples, comparison.labels, comparison.names))
    return sheets


def neighbours(comparison: Comparison) -> Artifact:
    """A sheet of some samples, each with the real pictures that are nearest to it."""
    features, count = comparison.sample_features[:SHOWN], min(NEIGHBOURS, len(comparison.reference))
    near = nearest(features, comparison.reference_features, count)[1]
    rows = [
        torch.cat([sample[None], comparison.reference[indices]])
        for sample, indices in zip(comparison.samples, near, strict=False)
    ]
    about = "the first of each row is a sample, the others are the real pictures nearest to it in the features"
    return as_artifact(torch.cat(rows), about, "neighbours", 1 + count)


def each_label(samples: Tensor, labels: Tensor, names: Sequence[str]) -> Artifact:
    """A sheet with a row for each label (the first 20) that has enough samples; ``samples`` are bytes ``(n, channels,
    height, width)`` made under ``labels`` ``(n,)``."""
    rows, shown = [], []
    for index, name in enumerate(names[:20]):
        row = samples[labels == index][:SHOWN]
        if len(row) == SHOWN:
            rows.append(row)
            shown.append(name)
    if not rows:
        return as_artifact(samples[:SHOWN], "too few samples of each label", "labels", SHOWN)
    return as_artifact(torch.cat(rows), f"a row for each label: {', '.join(shown)}", "labels", SHOWN)
