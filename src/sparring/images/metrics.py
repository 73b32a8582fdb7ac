"""How pictures are measured: as bytes, in features learned from the data, with their spectrum and what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.images.data import ImageSource
from sparring.images.features.files import features_from
from sparring.images.features.learned import learned_features, random_features
from sparring.media.pictures.sheets import sheet, to_bytes
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.jackknife import blocks, error_without_each
from sparring.metrics.neighbours import nearest
from sparring.metrics.score import Estimate, Family, Meaning, NotComputable

SHOWN = 10  # pictures of a row
PIXELS = 1 << 22  # transformed at a time
NEIGHBOURS = 4  # real pictures beside each sample

MEANINGS = {"spectrum": Meaning("low", "gap between the two power spectra, in decibels")}

quick_features = random_features


def find_features(source: ImageSource, asked: str, device: torch.device, say: Callable[[str], None]) -> Features:
    """``auto``: those learned from the source. Else what the user names; see ``features/files.py``."""
    return learned_features(source, device, say) if asked == "auto" else features_from(asked, device)


def examples_of(batch: Mapping[str, Tensor]) -> Tensor:
    """A source's batch as it is measured: bytes ``(n, channels, height, width)``."""
    return batch["images"]


def as_measured(samples: Tensor) -> Tensor:
    """Samples in [-1, 1] as bytes: what a picture file of them would hold."""
    return to_bytes(samples)


# The spectrum


def radial_power(images: Tensor) -> Tensor:
    """Power at each whole frequency, ``(n, max(height, width) // 2)``, in float64 (Durall et al. 2020, section 3).

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
    """The sum of :func:`radial_power` over all pictures, some at a time."""
    chunks = torch.split(images, max(1, PIXELS // images[0, 0].numel()))
    return torch.stack([radial_power(some).sum(0) for some in chunks]).sum(0)


def spectrum(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``spectrum``: the mean absolute difference of the two mean spectra over all frequencies, in decibels.

    Upsampling leaves traces at high frequencies that no distance in features sees. Raises :class:`NotComputable` for
    pictures without any structure.
    """
    real = total_power(reference) / len(reference)
    parts = [(total_power(part), len(part)) for part in blocks(samples)]
    if not (real > 0).all():
        raise NotComputable("the real pictures have no power at some frequencies")

    def gap(some: list[tuple[Tensor, int]]) -> float:
        made = torch.stack([power for power, _ in some]).sum(0) / sum(count for _, count in some)
        return (10 * (made.clamp(min=1e-12).log10() - real.log10())).abs().mean().item()

    return {"spectrum": Estimate(gap(parts), error_without_each(parts, gap))}


def families(source: ImageSource) -> tuple[Family, ...]:
    """Metrics of the pictures themselves."""
    return (Family(("spectrum",), spectrum),)


# What a person looks at


def pictures(shown: Comparison) -> dict[str, tuple[str, Image.Image]]:
    """Sheets by name, each with a line on what it shows."""
    sheets = {"neighbours": neighbour_sheet(shown)}
    if shown.logits is not None:
        order = shown.logits.argsort(descending=True)
        count = min(4 * SHOWN, len(order) // 2)
        best, worst = shown.samples[order[:count]], shown.samples[order[-count:]]
        sheets["best"] = "the samples that the judge takes for real most", drawn(best, SHOWN)
        sheets["worst"] = "the samples that the judge believes least", drawn(worst, SHOWN)
    if shown.labels is not None:
        sheets["labels"] = label_sheet(shown.samples, shown.labels, shown.names)
    return sheets


def neighbour_sheet(shown: Comparison) -> tuple[str, Image.Image]:
    """Some samples, each with the real pictures that are nearest to it."""
    few, count = shown.sample_features[:SHOWN], min(NEIGHBOURS, len(shown.reference))
    near = nearest(few, shown.reference_features, count)[1]
    rows = [
        torch.cat([sample[None], shown.reference[found]]) for sample, found in zip(shown.samples, near, strict=False)
    ]
    about = "the first of each row is a sample, the others are the real pictures nearest to it in the features"
    return about, drawn(torch.cat(rows), 1 + count)


def label_sheet(samples: Tensor, labels: Tensor, names: Sequence[str]) -> tuple[str, Image.Image]:
    """A row of samples for each label (the first 20)."""
    rows, told = [], []
    for index, name in enumerate(names[:20]):
        some = samples[labels == index][:SHOWN]
        if len(some) == SHOWN:
            rows.append(some)
            told.append(name)
    if not rows:
        return "too few samples of each label", drawn(samples[:SHOWN], SHOWN)
    return f"a row for each label: {', '.join(told)}", drawn(torch.cat(rows), SHOWN)


def drawn(images: Tensor, columns: int) -> Image.Image:
    """A sheet of bytes ``(n, channels, height, width)``."""
    pixels: np.ndarray = images.permute(0, 2, 3, 1).contiguous().numpy()
    return sheet(pixels, columns)
