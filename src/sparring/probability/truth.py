"""How true probabilities are, beside what became of the examples that they were given to. Arrays are float64 ``(n,)``;
log odds are of being real, outcomes are 1 for real and 0 for generated examples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sparring.probability.calibration import sigmoid

BINS = 15  # of equal numbers of examples


@dataclass(frozen=True)
class Bin:
    """Some examples of about one probability: their number, the mean probability, the share that is real, and the
    interval that this share lies in with 95 % (Clopper & Pearson 1934)."""

    count: int
    probability: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Truth:
    """How true ``count`` probabilities are.

    ``brier`` is the mean squared difference of probability and outcome, ``nats`` the mean negative log-likelihood:
    both lower for better. ``error`` is the squared difference of probability and share over bins, without what chance
    alone makes of it, and so at times below 0 (Kumar et al. 2019, section 5). ``z`` is Spiegelhalter's (1986): standard
    normal where probabilities are true.
    """

    count: int
    brier: float
    nats: float
    error: float
    z: float
    bins: tuple[Bin, ...]


def truth_of(log_odds: np.ndarray, outcomes: np.ndarray, bins: int = BINS) -> Truth:
    """How true probabilities with these log odds ``(n,)`` are of these outcomes ``(n,)``."""
    probabilities, real = sigmoid(log_odds), np.asarray(outcomes, dtype=np.float64)
    leans = 1 - 2 * probabilities
    expected = float((leans**2 * probabilities * (1 - probabilities)).sum())
    mixed = np.random.default_rng(0).permutation(len(real))  # equal ones come in no order of their outcomes
    order = mixed[np.argsort(probabilities[mixed], kind="stable")]
    parts = np.array_split(order, max(1, min(bins, len(real) // 2)))
    found = tuple(bin_of(probabilities[part], real[part]) for part in parts)
    return Truth(
        count=len(real),
        brier=float(((real - probabilities) ** 2).mean()),
        nats=float(np.logaddexp(0, np.where(real > 0, -log_odds, log_odds)).mean()),
        error=sum(each.count * squared_error(each) for each in found) / len(real),
        z=float(((real - probabilities) * leans).sum()) / math.sqrt(max(expected, 1e-300)),
        bins=found,
    )


def bin_of(probabilities: np.ndarray, outcomes: np.ndarray) -> Bin:
    """The bin of examples with these probabilities ``(n,)`` and outcomes ``(n,)``."""
    from scipy.stats import beta  # takes a while to import

    count, real = len(outcomes), int(outcomes.sum())
    low = beta.ppf(0.025, real, count - real + 1) if real else 0.0
    high = beta.ppf(0.975, real + 1, count - real) if real < count else 1.0
    return Bin(count, float(probabilities.mean()), real / count, float(low), float(high))


def squared_error(one: Bin) -> float:
    """The squared difference of a bin's probability and share, without bias."""
    chance = one.share * (1 - one.share) / (one.count - 1) if one.count > 1 else 0.0
    return (one.probability - one.share) ** 2 - chance
