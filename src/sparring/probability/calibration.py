"""From a discriminator's logits to probabilities: maps that are fitted on examples it did not learn from.

Logits are of a network that learned to tell real examples from generated ones, higher for real. Every map gives log
odds at equal odds, as if there were as many real examples as generated ones; another share of real ones, the prior,
adds to them. Arrays are float64 ``(n,)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

METHODS = ("platt", "beta", "isotonic")
STEPS = 100  # of Newton's method, at most
CLOSE = 1e-10  # a change that is none


@dataclass(frozen=True)
class Calibrator:
    """Logits to log odds by one of the ``METHODS``, with its ``numbers``.

    ``platt``: ``a * logit + b`` (Platt 1999). ``beta``: ``a * ln(p) - b * ln(1 - p) + c`` of ``p``, the sigmoid of the
    logit (Kull et al. 2017, eq. 6). ``isotonic``: as many logits, ascending, as log odds after them, with lines in
    between (Zadrozny & Elkan 2002). ``certain`` is the largest size of log odds: more certainty than so many examples
    give is never claimed.
    """

    method: str
    numbers: tuple[float, ...]
    certain: float

    def log_odds(self, logits: np.ndarray, prior: float = 0.5) -> np.ndarray:
        """The log odds ``(n,)`` of being real, where a share ``prior`` of all examples is."""
        numbers = np.array(self.numbers)
        if self.method == "isotonic":
            places, values = np.split(numbers, 2)
            even = np.interp(logits, places, values)
        else:
            even = inputs_of(self.method, logits) @ numbers
        return np.asarray(np.clip(even, -self.certain, self.certain) + math.log(prior / (1 - prior)))

    def probabilities(self, logits: np.ndarray, prior: float = 0.5) -> np.ndarray:
        """The probabilities ``(n,)`` of being real, where a share ``prior`` of all examples is."""
        return sigmoid(self.log_odds(logits, prior))


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probabilities ``(n,)`` of log odds of any size."""
    return np.asarray(np.exp(-np.logaddexp(0, -np.asarray(log_odds, dtype=np.float64))))


def inputs_of(method: str, logits: np.ndarray) -> np.ndarray:
    """What a method's numbers weigh, ``(n, numbers)``."""
    ones = np.ones(len(logits))
    if method == "platt":
        return np.stack([logits, ones], 1)
    return np.stack([-np.logaddexp(0, -logits), np.logaddexp(0, logits), ones], 1)


def fit(method: str, real: np.ndarray, made: np.ndarray) -> Calibrator:
    """The map by that method that suits logits of real ``(n,)`` and generated examples ``(m,)`` best, by maximum
    likelihood; both kinds have the same weight, however many there are of each."""
    certain = math.log(min(len(real), len(made)) + 1)
    logits = np.concatenate([real, made]).astype(np.float64)
    weights = np.repeat([0.5 / len(real), 0.5 / len(made)], [len(real), len(made)])
    if method == "isotonic":
        outcomes = np.repeat([1.0, 0.0], [len(real), len(made)])
        return Calibrator(method, steps_of(logits, outcomes, weights, certain), certain)
    targets = np.repeat([(len(real) + 1) / (len(real) + 2), 1 / (len(made) + 2)], [len(real), len(made)])
    inputs = inputs_of(method, logits)
    numbers = logistic(inputs, targets, weights)
    if numbers[:-1].min() < 0:  # higher logits would mean less real: without what turned round
        kept = [*np.flatnonzero(numbers[:-1] > 0).tolist(), len(numbers) - 1]
        numbers = np.zeros(len(numbers))
        numbers[kept] = logistic(inputs[:, kept], targets, weights)
    return Calibrator(method, tuple(numbers.tolist()), certain)


def logistic(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The coefficients ``(d,)`` of logistic regression on inputs ``(n, d)``, the last of them 1, by Newton's method.

    Targets of 1 and 0 that are moved a little towards each other, as Platt's (1999, section 2.2) are, keep the
    coefficients finite where the two kinds do not overlap.
    """
    scale = np.maximum(np.abs(inputs).max(0), 1e-12)
    inputs = inputs / scale
    found = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        probabilities = sigmoid(inputs @ found)
        curvature = (inputs * (weights * probabilities * (1 - probabilities))[:, None]).T @ inputs
        ahead = np.linalg.solve(
            curvature + 1e-12 * np.eye(len(found)), inputs.T @ (weights * (targets - probabilities))
        )
        found = found + ahead * min(1.0, 10 / np.abs(ahead).max(initial=1e-300))  # no leaps where all is flat
        if np.abs(ahead).max() < CLOSE:
            break
    return np.asarray(found / scale)


def steps_of(logits: np.ndarray, outcomes: np.ndarray, weights: np.ndarray, certain: float) -> tuple[float, ...]:
    """The numbers of the isotonic method: where the pooled shares change, and their log odds."""
    from sklearn.isotonic import IsotonicRegression

    found = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(logits, outcomes, sample_weight=weights)
    least = 1 / (1 + math.exp(certain))
    shares = np.clip(found.y_thresholds_, least, 1 - least)
    return (*found.X_thresholds_.tolist(), *np.log(shares / (1 - shares)).tolist())


def cross_fitted(
    method: str, real: np.ndarray, made: np.ndarray, folds: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of real ``(n,)`` and generated examples ``(m,)``, each by a map that was fitted on other folds: how true
    they are tells how true the map is that is fitted on all."""
    random = np.random.default_rng(seed)
    parts = [random.permutation(len(each)) % folds for each in (real, made)]
    result = [np.zeros(len(each)) for each in (real, made)]
    for fold in range(folds):
        known: Sequence[np.ndarray] = [each[part != fold] for each, part in zip((real, made), parts, strict=True)]
        calibrator = fit(method, *known)
        for values, each, part in zip(result, (real, made), parts, strict=True):
            values[part == fold] = calibrator.log_odds(each[part == fold])
    return result[0], result[1]
