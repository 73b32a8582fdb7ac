"""Whether two sets of examples come from one distribution, told by a network that learned to tell them apart, on
examples that it did not learn from. Arrays are float64 ``(n,)``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Separation:
    """How well logits tell real examples from generated ones.

    ``auc`` is the probability that a real example has the higher logit of a pair, 0.5 where nothing is told apart;
    ``p_value`` that of a value so far above 0.5 if both came from one distribution (Mann & Whitney 1947; as a test of
    two samples by a classifier: Lopez-Paz & Oquab 2017).
    """

    auc: float
    p_value: float


def separation(real: np.ndarray, made: np.ndarray) -> Separation:
    """How well these logits of real ``(n,)`` and of generated examples ``(m,)`` tell them apart."""
    from scipy.stats import norm, rankdata  # take a while to import

    n, m = len(real), len(made)
    pairs = rankdata(np.concatenate([real, made]))[:n].sum() - n * (n + 1) / 2
    auc = float(pairs / (n * m))
    return Separation(auc, float(norm.sf((auc - 0.5) / error_of_pairs(n, m))))


def error_of_pairs(real: int, made: int) -> float:
    """The standard error of the area under the curve of so many examples of each kind, where both come from one
    distribution (Mann & Whitney 1947)."""
    return math.sqrt((real + made + 1) / (12 * real * made))


def accuracy(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """The mean of the shares of real ``(n,)`` and of generated examples ``(m,)`` whose log odds are on their side of 0,
    and its standard error."""
    shares = (float((real > 0).mean()), float((made <= 0).mean()))
    error = math.sqrt(
        sum(share * (1 - share) / count for share, count in zip(shares, (len(real), len(made)), strict=True))
    )
    return sum(shares) / 2, error / 2


def divergence_bound(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """A lower bound of the Jensen-Shannon divergence between real and generated examples in nats, from 0 to ln 2, and
    its standard error: ln 2 less the negative log-likelihood of log odds of examples of both kinds, ``(n,)`` and
    ``(m,)``, at equal odds (Goodfellow et al. 2014, theorem 1, where the discriminator is the best there is)."""
    losses = (np.logaddexp(0, -real), np.logaddexp(0, made))
    value = math.log(2) - sum(each.mean() for each in losses) / 2
    error = math.sqrt(sum(each.var(ddof=1) / len(each) for each in losses)) / 2
    return float(value), error
