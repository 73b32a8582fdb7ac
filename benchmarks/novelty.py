"""Digits of one class among those of ten: how odd the others are, and what the promises of decisions come to."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from sparring.core.errors import UserError
from sparring.images.features.pixels import blurred_pixels
from sparring.metrics.features import Features
from sparring.probability.decisions import discoveries, limit_of, p_values
from sparring.probability.neighbours import Neighbours
from sparring.probability.two_samples import separation

CLASSES = 10
RATES = (0.01, 0.05)  # of false alarms
COMPONENTS = 20  # of the baseline by principal components
REFERENCE, CALIBRATION = 1000, 1000  # digits of one class in each resplit; the rest of them are tested
ALPHA, CONFIDENCE, DISCOVERY_RATE = 0.05, 0.9, 0.1
ODD = 0.1  # digits of other classes beside those tested, as a share of these


@dataclass(frozen=True)
class Digits:
    """Digits, bytes ``(n, 1, height, width)``, and their classes ``(n,)``."""

    images: Tensor
    labels: Tensor

    def of(self, label: int) -> Tensor:
        """Those of one class."""
        return self.images[self.labels == label]

    def but(self, label: int) -> Tensor:
        """Those of all other classes."""
        return self.images[self.labels != label]


Split = tuple[Digits, Digits]
"""The official training and test digits."""


def mnist(folder: Path) -> Split:
    """MNIST's 60,000 and 10,000 digits, from its four official files."""
    return digits_in(folder, "train"), digits_in(folder, "t10k")


def digits_in(folder: Path, name: str) -> Digits:
    """The digits of one pair of MNIST's official files. Raises OSError where it is not there."""
    with gzip.open(folder / f"{name}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return Digits(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)))


def usps(path: Path) -> Split:
    """USPS's 7,291 and 2,007 digits. Raises :class:`UserError` for a file that does not hold them."""
    arrays = np.load(path)
    if "x_train" not in arrays:
        raise UserError(f"{path}: holds no x_train, y_train, x_test and y_test; give USPS's digits")
    return (
        Digits(torch.from_numpy(arrays["x_train"][:, None]), torch.from_numpy(arrays["y_train"].astype(np.int64))),
        Digits(torch.from_numpy(arrays["x_test"][:, None]), torch.from_numpy(arrays["y_test"].astype(np.int64))),
    )


# Scores of oddness: fitted to training digits, then taken of any

Score = Callable[[Tensor], np.ndarray]


def blurred_neighbours(training: Tensor) -> Score:
    """The score that ``sparring score`` takes of pictures."""
    neighbours = Neighbours(blurred_pixels(training), training)
    return lambda images: neighbours.oddness(images)[0]


def nearest_pixels(training: Tensor) -> Score:
    """The Euclidean distance to the nearest training digit, in pixels as they are."""
    flat = training.flatten(1).float()
    norms = flat.square().sum(1)

    def score(images: Tensor) -> np.ndarray:
        queries = images.flatten(1).float()
        return np.concatenate([
            (part.square().sum(1) + (norms - 2 * part @ flat.T).amin(1)).clamp(min=0).sqrt().numpy()
            for part in torch.split(queries, 512)
        ])  # fmt: skip

    return score


def principal_residual(training: Tensor) -> Score:
    """What 20 principal components of the training digits leave over, as a distance in pixels."""
    model = PCA(COMPONENTS, random_state=0).fit(training.flatten(1).numpy())

    def score(images: Tensor) -> np.ndarray:
        flat = images.flatten(1).numpy().astype(np.float64)
        residual: np.ndarray = np.linalg.norm(flat - model.inverse_transform(model.transform(flat)), axis=1)
        return residual

    return score


SCORES: Mapping[str, Callable[[Tensor], Score]] = {
    "blurred pixels, 5 nearest": blurred_neighbours,
    "pixels, nearest": nearest_pixels,
    "PCA-20 residual": principal_residual,
}


# One class of the official split against the nine others


def one_class(split: Split, held_out: int, quick: bool) -> dict[str, Any]:
    """Every score on every class: the area under the curve with all training digits of the class as the reference; and
    with ``held_out`` of them kept apart to tell what is usual, the share of odd and of usual test digits that is called
    odd at each of the rates, on average over calibrations."""
    classes = range(2 if quick else CLASSES)
    result = {}
    for name, fit in SCORES.items():
        rows = [class_row(split, label, fit, held_out) for label in classes]
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "class"}
        result[name] = {"mean": means, "classes": rows}
        print(name, {key: round(value, 4) for key, value in means.items()}, flush=True)
    return result


def class_row(split: Split, label: int, fit: Callable[[Tensor], Score], held_out: int) -> dict[str, Any]:
    """A score on one class."""
    training, test = split[0].of(label), (split[1].of(label), split[1].but(label))
    score = fit(training)
    usual, odd = (score(images) for images in test)
    row: dict[str, Any] = {"class": label, "auroc": separation(odd, usual).auc}
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(label))
    score = fit(training[order[held_out:]])
    known, usual, odd = (score(images) for images in (training[order[:held_out]], *test))
    for rate in RATES:
        limit = limit_of(held_out, rate)
        row[f"detected at {rate}"] = float((p_values(odd, known) <= limit).mean())
        row[f"false alarms at {rate}"] = float((p_values(usual, known) <= limit).mean())
    return row


# Promises, on random splits


def resplits(pool: Digits, count: int) -> dict[str, Any]:
    """What is promised of decisions beside what they come to over ``count`` random splits of ``pool``, of one class
    each, in turn."""
    features = blurred_pixels(pool.images[:: len(pool.images) // 2000])
    vectors = Digits(features(pool.images), pool.labels)
    same = Features(features.name, features.hash, lambda taken: taken)
    rows = [resplit(vectors, same, number) for number in range(count)]
    rates, error = {}, {}
    for key in rows[0]:
        values = np.array([row[key] for row in rows], dtype=np.float64)
        rates[key], error[key] = float(values.mean()), float(values.std(ddof=1) / math.sqrt(count))
    broken = np.array([row["with confidence"] > ALPHA for row in rows])
    return {
        "resplits": count, "reference": REFERENCE, "calibration": CALIBRATION, "alpha": ALPHA, "confidence": CONFIDENCE,
        "discovery_rate": DISCOVERY_RATE, "odd_share": ODD, "means": rates, "errors": error,
        "share_above_alpha": float(broken.mean()),
        "share_above_alpha_expected": float(np.mean([expected_above(int(row["tested"])) for row in rows])),
        "rows": rows,
    }  # fmt: skip


def resplit(vectors: Digits, features: Features, number: int) -> dict[str, float]:
    """One random split of one class: the rates of false alarms among the digits that are left over, on average and with
    confidence, and the share of false discoveries when other classes' digits lie among them."""
    label = number % CLASSES
    random = torch.Generator().manual_seed(number)
    own, others = vectors.of(label), vectors.but(label)
    own = own[torch.randperm(len(own), generator=random)]
    reference, calibration, tested = torch.split(own, [REFERENCE, CALIBRATION, len(own) - REFERENCE - CALIBRATION])
    odd = others[torch.randperm(len(others), generator=random)[: round(ODD * len(tested))]]
    neighbours = Neighbours(features, reference)
    known, usual, other = (neighbours.oddness(each)[0] for each in (calibration, tested, odd))
    values = p_values(np.concatenate([usual, other]), known)
    found = discoveries(values, DISCOVERY_RATE)
    false = int(found[: len(usual)].sum())
    return {
        "tested": len(usual),
        "on average": float((values[: len(usual)] <= limit_of(CALIBRATION, ALPHA)).mean()),
        "with confidence": float((values[: len(usual)] <= limit_of(CALIBRATION, ALPHA, CONFIDENCE)).mean()),
        "false discoveries": false / max(1, int(found.sum())),
        "power": float(found[len(usual) :].mean()),
    }


def expected_above(tested: int) -> float:
    """How often more than ``alpha`` of so many tested digits are called odd with confidence, by the theory: their
    number follows a beta-binomial distribution, which is wider than that of the rate itself."""
    from scipy.stats import betabinom

    rank = round(limit_of(CALIBRATION, ALPHA, CONFIDENCE) * (CALIBRATION + 1))
    return float(betabinom.sf(math.floor(ALPHA * tested), tested, rank, CALIBRATION + 1 - rank))
