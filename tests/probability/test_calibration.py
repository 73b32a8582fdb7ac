"""Calibrators against scikit-learn, against known Gaussians, and against their own maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from sparring.probability.calibration import METHODS, Calibrator, cross_fitted, fit, logistic, sigmoid

MEAN = 1.5  # of generated numbers; real ones are standard normal


def drawn(real: int, made: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Real and generated numbers."""
    random = np.random.default_rng(seed)
    return random.standard_normal(real), MEAN + random.standard_normal(made)


def true_log_odds(numbers: np.ndarray) -> np.ndarray:
    """log p - log q."""
    return np.asarray(norm.logpdf(numbers) - norm.logpdf(numbers, MEAN))


@pytest.mark.parametrize("counts", [(400, 700), (30, 2000)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_platt_is_logistic_regression_on_platts_targets(counts: tuple[int, int], scale: float) -> None:
    """A target of t is an example with weight t that is real, and one with 1 - t that is not."""
    real, made = (scale * true_log_odds(each) for each in drawn(*counts))
    logits = np.concatenate([real, made])
    targets = np.repeat([(counts[0] + 1) / (counts[0] + 2), 1 / (counts[1] + 2)], counts)
    weights = np.repeat([0.5 / counts[0], 0.5 / counts[1]], counts)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, solver="newton-cholesky")
    twice = np.concatenate([logits, logits])[:, None] / scale
    oracle.fit(
        twice, np.repeat([1, 0], len(logits)), np.concatenate([weights * targets, weights * (1 - targets)]) * 1e3
    )
    slope, offset = fit("platt", real, made).numbers
    assert slope * scale == pytest.approx(oracle.coef_[0, 0], rel=1e-4)
    assert offset == pytest.approx(oracle.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 7.0, -1000.0])
def test_log_odds_of_two_gaussians(shift: float) -> None:
    """Whatever straight line the logits went through, the fitted log odds are those of the densities."""
    real, made = drawn(20_000, 20_000)
    calibrator = fit("platt", *(3 * true_log_odds(each) + shift for each in (real, made)))
    numbers = np.linspace(-2, 3.5, 50)
    found = calibrator.log_odds(3 * true_log_odds(numbers) + shift)
    np.testing.assert_allclose(found, true_log_odds(numbers), atol=0.15)


PLACES = np.linspace(-30, 30, 6001)
BEFORE = {
    "platt": lambda log_odds: 3 * log_odds - 2,
    "beta": lambda log_odds: np.interp(log_odds, 2 * np.log(sigmoid(PLACES)) - 0.5 * np.log(sigmoid(-PLACES)), PLACES),
    "isotonic": lambda log_odds: log_odds**3,
}
"""Logits whose map to the true log odds each method has."""


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_the_shares_that_come_true(method: str) -> None:
    calibrator = fit(method, *(BEFORE[method](true_log_odds(each)) for each in drawn(20_000, 20_000)))
    logits = np.concatenate([BEFORE[method](true_log_odds(each)) for each in drawn(20_000, 20_000, seed=1)])
    outcomes = np.repeat([1.0, 0.0], 20_000)
    apart = [
        calibrator.probabilities(logits[part]).mean() - outcomes[part].mean()
        for part in np.array_split(np.argsort(logits), 20)
    ]
    assert np.abs(apart).max() < 0.035  # 3 standard errors of 2,000 even outcomes
    assert np.abs(sigmoid(logits) - calibrator.probabilities(logits)).max() > 0.1  # which they were not before


def test_beta_finds_its_own_map() -> None:
    """Outcomes drawn by ``a ln p - b ln(1 - p) + c`` of uniform p, with as many real as generated ones in the end."""
    random = np.random.default_rng(0)
    logits = random.logistic(size=400_000)
    p = sigmoid(logits)
    is_real = random.random(len(p)) < sigmoid(2.0 * np.log(p) - 0.5 * np.log(1 - p) + 0.3)
    real, made = logits[is_real], logits[~is_real]
    a, b, c = fit("beta", real, made).numbers
    even = math.log(len(made) / len(real))  # what equal weights add to the log odds
    assert (a, b, c) == pytest.approx((2.0, 0.5, 0.3 + even), abs=0.05)


def test_beta_never_falls() -> None:
    """Where the best coefficients are of both signs, one of them is left out."""
    random = np.random.default_rng(0)
    real, made = random.normal(0.5, 0.3, 500), np.concatenate([random.normal(-0.5, 0.3, 400), random.normal(4, 1, 100)])
    a, b, _ = fit("beta", real, made).numbers
    assert min(a, b) >= 0


def test_isotonic_is_that_of_sklearn() -> None:
    real, made = (true_log_odds(each) for each in drawn(500, 300))
    oracle = IsotonicRegression(out_of_bounds="clip")
    logits, outcomes = np.concatenate([real, made]), np.repeat([1.0, 0.0], [500, 300])
    oracle.fit(logits, outcomes, sample_weight=np.repeat([1 / 500, 1 / 300], [500, 300]))
    places = oracle.X_thresholds_
    expected = np.clip(oracle.predict(places), 1 / 302, 301 / 302)
    np.testing.assert_allclose(fit("isotonic", real, made).probabilities(places), expected, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("counts", [(20, 20), (300, 5000)])
def test_log_odds_never_fall_and_claim_no_more_than_the_examples_give(method: str, counts: tuple[int, int]) -> None:
    real, made = (true_log_odds(each) for each in drawn(*counts))
    calibrator = fit(method, real, made)
    found = calibrator.log_odds(np.linspace(-1e4, 1e4, 4001))
    assert np.diff(found).min() >= 0
    assert calibrator.certain == math.log(min(counts) + 1)
    assert found[[0, -1]] == pytest.approx([-calibrator.certain, calibrator.certain])
    assert calibrator.probabilities(np.array([1e9]))[0] == pytest.approx((min(counts) + 1) / (min(counts) + 2))


@pytest.mark.parametrize("method", METHODS)
def test_higher_logits_never_mean_less_real(method: str) -> None:
    """Not even where generated examples have the higher ones: then logits tell nothing."""
    made, real = (true_log_odds(each) for each in drawn(300, 400))
    found = fit(method, real, made).probabilities(np.linspace(-20, 20, 100))
    assert np.diff(found).min() >= 0
    assert np.abs(found[20:80] - 0.5).max() < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_logits_that_do_not_overlap_or_do_not_differ(method: str) -> None:
    calibrator = fit(method, np.linspace(1, 2, 50), np.linspace(-2, -1, 50))
    assert calibrator.log_odds(np.array([-2.0, 2.0])) == pytest.approx([-math.log(51), math.log(51)], rel=0.35)
    same = fit(method, np.full(50, 3.0), np.full(70, 3.0))
    assert same.probabilities(np.array([3.0]))[0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("prior", [0.001, 0.3, 0.5, 0.9])
def test_prior_odds_are_multiplied_in(prior: float) -> None:
    calibrator = Calibrator("platt", (1.0, 0.0), 9.0)
    even = np.array([0.1, 0.5, 0.8])
    by_bayes = even * prior / (even * prior + (1 - even) * (1 - prior))
    np.testing.assert_allclose(calibrator.probabilities(np.log(even / (1 - even)), prior), by_bayes)


def test_logistic_of_any_odds() -> None:
    """Newton's steps reach the maximum, where the gradient is 0, from everywhere that logits can lie."""
    random = np.random.default_rng(0)
    for place in (-1e3, -5.0, 0.0, 50.0):
        for spread in (1e-3, 1.0, 1e3):
            logits = place + spread * random.standard_normal(400)
            inputs = np.stack([logits, np.ones(400)], 1)
            targets = np.where(random.random(400) < sigmoid(random.normal(0, 3) + logits / spread), 0.99, 0.01)
            weights = random.random(400) / 400
            gradient = inputs.T @ (weights * (targets - sigmoid(inputs @ logistic(inputs, targets, weights))))
            assert np.abs(gradient / np.abs(inputs).max(0)).max() < 1e-8


def test_sigmoid_of_any_size() -> None:
    np.testing.assert_allclose(
        sigmoid(np.array([-800.0, -1.0, 0.0, 800.0])), [0, 1 / (1 + math.e), 0.5, 1], atol=1e-300
    )


@pytest.mark.parametrize("method", METHODS)
def test_cross_fitting_does_not_see_its_own_fold(method: str) -> None:
    """Each example's log odds stay what they are whatever it is itself; those of other folds change."""
    real, made = (true_log_odds(each) for each in drawn(60, 60))
    before = cross_fitted(method, real, made, folds=5, seed=3)
    changed = real.copy()
    changed[7] = -50.0
    after = cross_fitted(method, changed, made, folds=5, seed=3)
    random = np.random.default_rng(3)
    fold, fold_of_made = random.permutation(60) % 5, random.permutation(60) % 5
    own, others = fold == fold[7], fold != fold[7]
    own[7] = False
    np.testing.assert_array_equal(before[0][own], after[0][own])
    assert (before[0][others] != after[0][others]).any()
    by_hand = fit(method, real[others], made[fold_of_made != fold[7]]).log_odds(real[own])
    np.testing.assert_allclose(before[0][own], by_hand)
