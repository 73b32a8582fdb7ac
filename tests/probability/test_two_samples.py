"""Whether two samples come from one distribution: against scikit-learn, null p-values, and known Gaussians."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from sparring.probability.two_samples import accuracy, divergence_bound, separation

MEAN = 1.5  # of generated numbers; real ones are standard normal


@pytest.mark.parametrize("values", [4, 10**6])  # of which the few are ties
def test_the_area_is_that_of_sklearn_and_the_test_that_of_scipy(values: int) -> None:
    random = np.random.default_rng(0)
    real, made = random.integers(values, size=70) + values // 8, random.integers(values, size=110)
    found = separation(real, made)
    outcomes = np.repeat([1, 0], [70, 110])
    assert found.auc == pytest.approx(roc_auc_score(outcomes, np.concatenate([real, made])))
    if values > 4:
        expected = mannwhitneyu(real, made, alternative="greater", method="asymptotic", use_continuity=False).pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-6)


def test_p_values_of_one_distribution_are_uniform() -> None:
    random = np.random.default_rng(0)
    found = [separation(random.standard_normal(80), random.standard_normal(120)).p_value for _ in range(2000)]
    assert kstest(found, "uniform").pvalue > 0.01


def test_two_distributions_are_told_apart() -> None:
    random = np.random.default_rng(0)
    found = separation(random.normal(1, 1, 500), random.normal(0, 1, 500))
    assert found.auc == pytest.approx(norm.cdf(1 / math.sqrt(2)), abs=0.03)
    assert found.p_value < 1e-20
    assert separation(np.zeros(9), np.ones(9)).auc == 0
    assert separation(np.zeros(9), np.zeros(9)).auc == 0.5


def test_the_divergence_of_two_gaussians() -> None:
    """With the true log odds the bound is the divergence itself, here by an integral; with others it is lower."""

    def log_odds(x: np.ndarray) -> np.ndarray:
        return np.asarray(norm.logpdf(x) - norm.logpdf(x, MEAN))

    def density(x: float) -> float:
        p, q = norm.pdf(x), norm.pdf(x, MEAN)
        return float((p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q))) / 2)

    expected = quad(density, -10, 12)[0]
    random = np.random.default_rng(0)
    bounds = []
    for _ in range(200):
        real, made = log_odds(random.standard_normal(400)), log_odds(MEAN + random.standard_normal(300))
        bounds.append(divergence_bound(real, made))
    values, errors = np.array(bounds).T
    assert values.mean() == pytest.approx(expected, abs=3 * values.std() / math.sqrt(len(values)))
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)
    worse = divergence_bound(2 * real, 2 * made)[0], divergence_bound(real + 1, made + 1)[0]
    assert max(worse) < divergence_bound(real, made)[0]
    assert divergence_bound(np.zeros(5), np.zeros(5)) == (0.0, 0.0)


def test_accuracy_gives_both_kinds_the_same_weight() -> None:
    real, made = np.array([1.0, 2.0, -1.0, 0.5]), np.array([-1.0] * 6 + [0.0] * 2 + [3.0] * 2)
    value, error = accuracy(real, made)
    assert value == (0.75 + 0.8) / 2
    assert error == pytest.approx(math.sqrt(0.75 * 0.25 / 4 + 0.8 * 0.2 / 10) / 2)
    random = np.random.default_rng(0)
    drawn = [accuracy(random.normal(1, 1, 200), random.normal(-1, 1, 300)) for _ in range(500)]
    assert np.mean([value for value, _ in drawn]) == pytest.approx(norm.cdf(1), abs=0.005)
    assert np.mean([error for _, error in drawn]) == pytest.approx(np.std([value for value, _ in drawn]), rel=0.15)
