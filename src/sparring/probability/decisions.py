"""Decisions with a stated false-alarm rate: conformal p-values, their limits, and false discoveries.

A score says how odd an example is, higher for odder. What is usual is told by the scores of real examples that nothing
was learned from. Nothing is assumed of a score, so what is promised here holds for any model and any number of
examples, as long as new real examples come from where those came from. Arrays are float64.
"""

from __future__ import annotations

import math

import numpy as np

from sparring.core.errors import UserError

LEAST_RATE = 1e-9  # below which no number of examples is enough
ROUNDING = 1 + 1e-12  # of the products that p-values, which are fractions, are compared with


def p_values(scores: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The p-value of each of ``scores`` ``(n,)`` among the scores of real examples, ``usual`` ``(m,)``: the share of
    these, the new example counted in, that are as odd or odder, ``(n,)`` from 1 / (m + 1) to 1.

    Of a new real example it is at most ``alpha`` with a probability of at most ``alpha``, over the draw of all of them
    (split conformal prediction: Vovk et al. 2005; Bates et al. 2023, eq. 2). A score that is not a number is the
    oddest.
    """
    ordered = np.sort(usual)
    less_odd = np.searchsorted(ordered, np.where(np.isnan(scores), np.inf, scores), side="left")
    return np.asarray((1 + len(ordered) - less_odd) / (len(ordered) + 1), dtype=np.float64)


def limit_of(count: int, alpha: float, confidence: float = 0.0) -> float:
    """The largest p-value at which an example is called odd, of p-values among ``count`` real examples; 0 where these
    are too few for anything to be called so.

    Without ``confidence`` the false-alarm rate is at most ``alpha`` on average over calibrations. With it, the rate of
    this one calibration is, with at least that probability over the draw of its examples: called odd is what is odder
    than all but ``rank - 1`` of them, and the rate of that follows Beta(rank, count + 1 - rank) or is less (Vovk 2012,
    proposition 2a).
    """
    from scipy.special import betainc  # takes a while to import

    if confidence:
        ranks = np.arange(1, count + 1)
        rank = int((betainc(ranks, count + 1 - ranks, alpha) >= confidence).sum())  # the rate grows with the rank
    else:
        rank = math.floor(alpha * (count + 1) * ROUNDING)
    return rank / (count + 1)


def needed(alpha: float, confidence: float = 0.0) -> int:
    """How many real examples :func:`limit_of` needs before anything is called odd: with ``confidence``, so many that
    the oddest of them is among the ``alpha`` oddest of all with that probability."""
    if not confidence:
        return math.ceil(1 / (alpha * ROUNDING)) - 1
    return math.ceil(math.log1p(-confidence) / math.log1p(-alpha))


def check_rate(name: str, value: float) -> None:
    """Raise :class:`UserError` for a rate that is not between 0 and 1, or too near to 0."""
    if not LEAST_RATE <= value < 1:
        raise UserError(f"{name}: {value:g} is no rate; choose one between {LEAST_RATE:g} and 1, such as 0.05")


def discoveries(values: np.ndarray, rate: float) -> np.ndarray:
    """Which of many p-values ``(n,)`` are called odd, bool ``(n,)``, so that on average at most a share ``rate`` of
    what is called so is a false discovery (Benjamini & Hochberg 1995).

    P-values that share their real examples depend on each other, in a way that the promise survives (Bates et al. 2023,
    theorem 2).
    """
    order = np.argsort(values, kind="stable")
    small = values[order] <= rate * np.arange(1, len(values) + 1) / max(len(values), 1) * ROUNDING
    most = np.flatnonzero(small).max(initial=-1)
    chosen = np.zeros(len(values), dtype=bool)
    chosen[order[: most + 1]] = True
    return chosen
