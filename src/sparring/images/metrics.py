"""How pictures are measured: in which features, by their spectrum, and what an evaluation shows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sparring.core.install import PRETRAINED
from sparring.images.data import ImageSource
from sparring.images.features.files import features_from
from sparring.images.features.learned import learned_features
from sparring.images.features.lite0 import installed, lite0
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
Sums = tuple[int, Tensor]


def find_features(source: ImageSource, asked: str, device: torch.device, say: Say, trust: bool = False) -> Features:
    """``learned`` from the source, ``lite0``, or a file or a model of timm's (``features/files.py``); a program is run
    only with ``trust``. ``auto`` is ``lite0`` for colour pictures without labels where its weights are installed, else
    ``learned``. Raises :class:`UserError` for what is none of these, or cannot be read."""
    if asked == "auto":
        photographs = source.form.channels >= 3 and len(source.form.labels) < 2
        asked = "lite0" if photographs and installed() else "learned"
        if photographs and asked == "learned":
            say(f"colour pictures can be compared in better features, which need no learning: {PRETRAINED}")
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


def chunks(images: Tensor) -> Sequence[Tensor]:
    """``(n, channels, height, width)`` in parts that take some ten megabytes as numbers."""
    return torch.split(images, max(1, PIXELS // images[0, 0].numel()))


def total_power(images: Tensor) -> Tensor:
    """The sum of :func:`radial_power` over all of ``(n, channels, height, width)``, shape ``(frequencies,)``."""
    return torch.stack([radial_power(chunk).sum(0) for chunk in chunks(images)]).sum(0)


def spectrum(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``spectrum``: the mean absolute difference of the two mean spectra over all frequencies, in decibels, of bytes
    ``(m, channels, height, width)`` and ``(n, channels, height, width)``; and ``sharpness``: the mean difference over
    the upper half of the frequencies, below 0 where samples lack them.

    Upsampling leaves traces at high frequencies that no distance in features sees. Raises :class:`NotComputable` for
    pictures without any structure.
    """
    real = total_power(reference) / len(reference)
    parts = [(total_power(part), len(part)) for part in blocks(samples)]
    if not (real > 0).all():
        raise NotComputable("the real pictures have no power at some frequencies")

    def gaps(kept: list[tuple[Tensor, int]]) -> Tensor:
        made = torch.stack([power for power, _ in kept]).sum(0) / sum(count for _, count in kept)
        return 10 * (made.clamp(min=1e-12).log10() - real.log10())

    statistics: dict[str, Callable[[list[tuple[Tensor, int]]], float]] = {
        "spectrum": lambda kept: gaps(kept).abs().mean().item(),
        "sharpness": lambda kept: gaps(kept)[len(real) // 2 :].mean().item(),
    }
    return {name: Estimate(of(parts), error_without_each(parts, of)) for name, of in statistics.items()}


SPECTRUM = Family(
    (
        Metric("spectrum", "low", "gap between the two power spectra, in decibels"),
        Metric("sharpness", "floor", "power at high frequencies over that of real ones, in decibels"),
    ),
    spectrum,
)


# Colours


def shades(images: Tensor) -> Tensor:
    """How often each value occurs in bytes ``(n, channels, height, width)``: of grey pictures their shades, ``(1,
    256)``; of others red, green, blue and how far the strongest of these is above the weakest, ``(4, 256)``."""
    counts = []
    for chunk in chunks(images[:, :3]):
        values = [*chunk.unbind(1), *([chunk.amax(1) - chunk.amin(1)] if chunk.shape[1] == 3 else [])]
        counts.append(torch.stack([torch.bincount(each.flatten(), minlength=256) for each in values]))
    return torch.stack(counts).sum(0).double()


def colours(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``colours``: how far the values of the pixels are apart, as a transport between the two distributions, of a range
    of 1; the largest over red, green, blue and saturation. ``variation``: the variance of pixels from sample to sample,
    over that of real ones. Of bytes ``(m, channels, height, width)`` and ``(n, channels, height, width)``.

    Raises :class:`NotComputable` where all real pictures are the same.
    """
    real, spread = shades(reference), variance([sums(reference)])
    if not spread > 0:
        raise NotComputable("all real pictures are the same")
    counts, moved = [shades(part) for part in blocks(samples)], [sums(part) for part in blocks(samples)]

    def apart(kept: list[Tensor]) -> float:
        made = torch.stack(kept).sum(0)
        gap = real.cumsum(1) / real.sum(1, keepdim=True) - made.cumsum(1) / made.sum(1, keepdim=True)
        return (gap.abs().sum(1) / 255).max().item()

    def varied(kept: list[Sums]) -> float:
        return variance(kept) / spread

    return {
        "colours": Estimate(apart(counts), error_without_each(counts, apart)),
        "variation": Estimate(varied(moved), error_without_each(moved, varied)),
    }


def sums(images: Tensor) -> Sums:
    """How many bytes ``(n, channels, height, width)`` these are; their sum and that of their squares, ``(2, channels,
    height, width)``."""
    parts = (chunk.double() for chunk in chunks(images))
    return len(images), torch.stack([torch.stack([part.sum(0), part.square().sum(0)]) for part in parts]).sum(0)


def variance(parts: Sequence[Sums]) -> float:
    """The variance of a pixel from picture to picture, the mean over all pixels."""
    counts, totals = zip(*parts, strict=True)
    first, second = torch.stack(totals).sum(0) / sum(counts)
    return float((second - first.square()).mean())


COLOURS = Family(
    (
        Metric("colours", "low", "gap between the distributions of the pixels' colours, of a range of 1"),
        Metric("variation", "floor", "how much pixels vary from sample to sample, over how much real ones do"),
    ),
    colours,
)


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
        row = samples[(labels == index).nonzero()[:SHOWN, 0]]
        if len(row) == SHOWN:
            rows.append(row)
            shown.append(name)
    if not rows:
        return as_artifact(samples[:SHOWN], "too few samples of each label", "labels", SHOWN)
    return as_artifact(torch.cat(rows), f"a row for each label: {', '.join(shown)}", "labels", SHOWN)
