"""How true probabilities are: of those that are true by construction, of others, and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, kstest
from sklearn.metrics import brier_score_loss, log_loss

from sparring.probability.calibration import sigmoid
from sparring.probability.truth import bin_of, squared_error, truth_of


def outcomes_of(log_odds: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Outcomes drawn by true probabilities."""
    return np.asarray(random.random(len(log_odds)) < sigmoid(log_odds), dtype=np.float64)


def test_true_probabilities_have_no_error_and_a_normal_z() -> None:
    """Over 600 repeats of 300 examples: without the correction, chance would show an error of about 0.01."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(600):
        log_odds = random.normal(0, 1.5, 300)
        found.append(truth_of(log_odds, outcomes_of(log_odds, random)))
    errors = np.array([each.error for each in found])
    assert abs(errors.mean()) < 3 * errors.std() / math.sqrt(len(errors))
    assert errors.min() < 0  # no bias is hidden by cutting off at 0
    assert kstest([each.z for each in found], "norm").pvalue > 0.01


@pytest.mark.parametrize(("slope", "shift"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.7)])
def test_what_is_not_true_is_found(slope: float, shift: float) -> None:
    """Too sure, not sure enough, and too high: the error is the mean squared difference of probabilities."""
    random = np.random.default_rng(1)
    log_odds = random.normal(0, 1.5, 200_000)
    truth = truth_of(slope * log_odds + shift, outcomes_of(log_odds, random), bins=100)
    expected = np.square(sigmoid(slope * log_odds + shift) - sigmoid(log_odds)).mean()
    assert truth.error == pytest.approx(expected, rel=0.1)
    if slope != 1.0:
        assert abs(truth.z) > 20
        assert (truth.z > 0) == (slope > 1)


def test_equal_probabilities_in_any_order_of_outcomes() -> None:
    """Half of all is real, as it is said of each; that the real ones come first means nothing."""
    truth = truth_of(np.zeros(3000), np.repeat([1.0, 0.0], 1500))
    assert abs(truth.error) < 0.002
    assert all(abs(each.share - 0.5) < 0.15 for each in truth.bins)  # 4 standard errors of 200


def test_scores_are_those_of_sklearn() -> None:
    random = np.random.default_rng(2)
    log_odds = random.normal(0, 3, 500)
    outcomes = outcomes_of(log_odds, random)
    truth = truth_of(log_odds, outcomes)
    assert truth.count == 500
    assert truth.brier == pytest.approx(brier_score_loss(outcomes, sigmoid(log_odds)))
    assert truth.nats == pytest.approx(log_loss(outcomes, sigmoid(log_odds)))
    assert truth_of(np.array([900.0, -900.0]), np.array([0.0, 0.0])).nats == 450


def test_z_is_spiegelhalters() -> None:
    random = np.random.default_rng(3)
    log_odds = random.normal(0, 1, 50)
    outcomes = outcomes_of(log_odds, random)
    p = sigmoid(log_odds)
    expected = ((outcomes - p) * (1 - 2 * p)).sum() / math.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    assert truth_of(log_odds, outcomes).z == pytest.approx(expected)
    assert truth_of(np.zeros(50), outcomes).z == 0  # at even odds nothing can be said of it


@pytest.mark.parametrize(("real", "count"), [(0, 12), (12, 12), (3, 40), (200, 401)])
def test_intervals_are_those_of_clopper_and_pearson(real: int, count: int) -> None:
    found = bin_of(np.full(count, 0.25), np.repeat([1.0, 0.0], [real, count - real]))
    interval = binomtest(real, count).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert (found.count, found.probability, found.share) == (count, 0.25, real / count)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_a_bins_squared_error_is_without_bias(probability: float) -> None:
    """The sum over all outcomes of six examples, weighted by how probable they are, is the squared difference."""
    share, count = 0.3, 6
    expected = sum(
        math.comb(count, real) * share**real * (1 - share) ** (count - real)
        * squared_error(bin_of(np.full(count, probability), np.repeat([1.0, 0.0], [real, count - real])))
        for real in range(count + 1)
    )  # fmt: skip
    assert expected == pytest.approx((probability - share) ** 2)


def test_bins_are_of_equal_numbers_and_ascending() -> None:
    random = np.random.default_rng(4)
    log_odds = random.normal(0, 1, 157)
    bins = truth_of(log_odds, outcomes_of(log_odds, random)).bins
    assert len(bins) == 15
    assert {each.count for each in bins} == {10, 11}
    assert sorted(each.probability for each in bins) == [each.probability for each in bins]
    assert len(truth_of(log_odds[:7], np.ones(7)).bins) == 3  # two examples each, at least
