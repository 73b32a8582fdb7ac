"""P-values, limits and discoveries against closed forms, SciPy, and what they promise over many calibrations."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta, binom, false_discovery_control, kstest

from sparring.probability.decisions import check_rate, discoveries, limit_of, needed, p_values

ALPHA, CONFIDENCE = 0.05, 0.9
RANKS = {100: 2, 200: 6, 500: 19, 1000: 41, 5000: 230}


def test_a_p_value_counts_what_is_as_odd_and_the_example_itself() -> None:
    usual = np.array([3.0, 1.0, 2.0, 2.0])
    scores = np.array([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, np.nan, np.inf, -np.inf])
    expected = [(1 + sum(other >= score for other in usual)) / 5 for score in scores[:6]]
    assert p_values(scores, usual).tolist() == [*expected, 1 / 5, 1 / 5, 1.0]


@pytest.mark.parametrize("values", [1_000_000, 5])  # of so few values most are ties
def test_p_values_of_real_examples_are_no_smaller_than_uniform(values: int) -> None:
    random = np.random.default_rng(0)
    drawn = random.integers(values, size=(20_000, 20))
    found = np.array([p_values(row[:1], row[1:])[0] for row in drawn])
    for alpha in (0.05, 0.1, 0.25, 0.5):
        assert (found <= alpha).mean() <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / len(found))
    if values > 5:  # without ties each of 1/20, 2/20, ... 1 is as frequent
        counts = np.bincount(np.rint(found * 20).astype(int), minlength=21)[1:]
        assert np.abs(counts - 1000).max() < 5 * math.sqrt(1000)


@pytest.mark.parametrize(("count", "rank"), RANKS.items())
def test_the_rank_of_a_limit_with_confidence(count: int, rank: int) -> None:
    """The largest whose false-alarm rate, Beta(rank, count + 1 - rank), is below alpha with the confidence."""
    assert limit_of(count, ALPHA, CONFIDENCE) == rank / (count + 1)
    assert beta.ppf(CONFIDENCE, rank, count + 1 - rank) <= ALPHA < beta.ppf(CONFIDENCE, rank + 1, count - rank)


@pytest.mark.parametrize("count", [19, 99, 100, 500, 999])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.29])
def test_the_rank_of_a_limit_on_average(count: int, alpha: float) -> None:
    """The largest p-value of the grid 1/(n + 1), 2/(n + 1), ... that is no more than alpha, without rounding."""
    hundredths = round(100 * alpha)
    assert limit_of(count, alpha) == hundredths * (count + 1) // 100 / (count + 1)


@pytest.mark.parametrize("count", [100, 500])
def test_false_alarms_over_many_calibrations(count: int) -> None:
    """Scores are uniform, so a calibration's own rate is known exactly: what lies above its threshold."""
    random = np.random.default_rng(count)
    calibrations = np.sort(random.random((4000, count)), 1)[:, ::-1]
    for confidence in (0.0, CONFIDENCE):
        limit = limit_of(count, ALPHA, confidence)
        rank = round(limit * (count + 1))
        rates = 1 - calibrations[:, rank - 1]  # of scores above the rank-th highest
        edge = calibrations[0, rank - 1]
        assert (p_values(np.array([edge + 1e-9, edge]), calibrations[0]) <= limit).tolist() == [True, False]
        assert kstest(rates, beta(rank, count + 1 - rank).cdf).pvalue > 0.001
        if confidence:
            assert (rates > ALPHA).mean() <= 0.1 + 3 * math.sqrt(0.09 / len(rates))
        else:
            assert rates.mean() == pytest.approx(rank / (count + 1), abs=4 * rates.std() / math.sqrt(len(rates)))
            assert (rates > ALPHA).mean() > 0.3  # which is why there is a confidence


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.9, 0.99])
def test_how_many_are_needed(alpha: float, confidence: float) -> None:
    least = needed(alpha, confidence)
    assert limit_of(least, alpha, confidence) > 0
    assert limit_of(least - 1, alpha, confidence) == 0
    if confidence:  # the oddest of so many is among the alpha oddest of all unless all of them miss those
        assert binom.sf(0, least, alpha) >= confidence > binom.sf(0, least - 1, alpha)


def test_discoveries_are_those_of_scipy() -> None:
    random = np.random.default_rng(0)
    for number in range(200):
        values = random.random(random.integers(1, 60)) ** random.choice([1.0, 3.0])
        values = np.round(values, 2 if number % 2 else 12)  # with ties and without
        for rate in (0.05, 0.3):
            expected = false_discovery_control(values) <= rate * (1 + 1e-9)
            np.testing.assert_array_equal(discoveries(values, rate), expected)
    assert discoveries(np.array([]), 0.1).tolist() == []
    assert discoveries(np.array([0.9, 0.8]), 0.1).tolist() == [False, False]


def test_the_share_of_false_discoveries() -> None:
    """180 usual and 20 odd examples, which lie 3.5 deviations away, share 500 calibration examples in each repeat."""
    random = np.random.default_rng(0)
    false, found = [], []
    for _ in range(400):
        usual = random.standard_normal(500)
        scores = random.standard_normal(200) + np.repeat([0.0, 3.5], [180, 20])
        chosen = discoveries(p_values(scores, usual), 0.1)
        false.append(chosen[:180].sum() / max(1, chosen.sum()))
        found.append(chosen[180:].mean())
    assert np.mean(false) <= 0.09 + 3 * np.std(false) / math.sqrt(len(false))  # 0.1 times the share of usual ones
    assert np.mean(false) > 0.05
    assert np.mean(found) > 0.7


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.5, math.nan, math.inf, sys.float_info.min])
def test_what_is_no_rate(value: float, mistake: Callable[..., str]) -> None:
    assert mistake(check_rate, "alpha", value).startswith(f"alpha: {value:g} is no rate; ")


@pytest.mark.parametrize("value", [1e-9, 0.05, 1 - 1e-9])
def test_every_rate_has_a_number_of_examples(value: float) -> None:
    check_rate("alpha", value)
    for confidence in (0.0, 1e-9, 0.9, 1 - 1e-9):
        assert needed(value, confidence) >= 1
