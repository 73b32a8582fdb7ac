"""How points are measured: as they are, and where the truth is a mixture of Gaussians, by the modes found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.score import Estimate, Family, Meaning
from sparring.points.data import SIGMA, PointSource
from sparring.points.samples import scatter

MEANINGS = {
    "modes": Meaning("high", "modes found"),
    "high_quality": Meaning("high", "share within 3 sigma of a mode"),
    "reverse_kl": Meaning("low", "reverse KL of the modes' shares, in nats"),
}


def quick_features(points: Tensor, device: torch.device) -> Features:
    """The points' own coordinates."""
    return Features("coordinates", "none", lambda points: points.float())


def find_features(source: PointSource, asked: str, device: torch.device, say: Callable[[str], None]) -> Features:
    """The points' own coordinates; nothing else can be asked for."""
    if asked != "auto":
        raise UserError("features: points are compared by their coordinates; leave it at auto")
    return quick_features(torch.empty(0), device)


def examples_of(batch: Mapping[str, Tensor]) -> Tensor:
    """A source's batch as it is measured."""
    return batch["examples"]


def as_measured(samples: Tensor) -> Tensor:
    """Points are measured as they are."""
    return samples.cpu()


def families(source: PointSource) -> tuple[Family, ...]:
    """Metrics of the points themselves: modes, where the truth is known."""
    if source.centres is None:
        return ()
    centres = source.centres

    def measure(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
        found = modes(samples.numpy(), centres)
        share = found["high_quality"]
        errors = {"high_quality": math.sqrt(share * (1 - share) / len(samples))}
        return {name: Estimate(value, errors.get(name)) for name, value in found.items()}

    return (Family(tuple(MEANINGS), measure),)


def modes(points: np.ndarray, centres: np.ndarray) -> dict[str, float]:
    """PacGAN's protocol (Lin et al. 2018): a point is of high quality within 3 sigma of its nearest centre, a mode is
    found when it has one such point; ``reverse_kl`` is that of the modes' shares against equal ones, in nats."""
    distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
    good = distances.min(1) < 3 * SIGMA
    counts = np.bincount(distances.argmin(1)[good], minlength=len(centres))
    shares = counts[counts > 0] / max(counts.sum(), 1)
    divergence = float((shares * np.log(shares * len(centres))).sum()) if counts.any() else math.inf
    return {"modes": int((counts > 0).sum()), "high_quality": float(good.mean()), "reverse_kl": divergence}


def pictures(shown: Comparison) -> dict[str, tuple[str, Image.Image]]:
    """Both clouds."""
    return {
        "samples": ("the samples", scatter(shown.samples.numpy())),
        "real": ("as many real points", scatter(shown.reference[: len(shown.samples)].numpy())),
    }
