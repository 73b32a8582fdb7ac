"""The kernel distance: by hand, against torchmetrics, against a closed form, and without bias."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics.image.kid import poly_mmd

from sparring.metrics import kernel as module
from sparring.metrics.kernel import kernel_distance, mmd
from sparring.metrics.score import NotComputable


def normal(count: int, dimensions: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cubic(one: list[float], other: list[float]) -> float:
    return (sum(a * b for a, b in zip(one, other, strict=True)) / len(one) + 1) ** 3


@pytest.mark.parametrize(("count", "other_count"), [(6, 6), (6, 4), (2, 3)])
def test_six_points_by_hand(count: int, other_count: int) -> None:
    x, y = normal(count, 3).tolist(), (normal(other_count, 3, seed=1) + 1).tolist()
    within = [np.mean([cubic(*pair) for pair in permutations(points, 2)]) for points in (x, y)]
    between = np.mean([cubic(*pair) for pair in product(x, y)])
    expected = within[0] + within[1] - 2 * between
    assert mmd(torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)) == pytest.approx(expected)


@pytest.mark.parametrize(("count", "dimensions", "shift"), [(50, 4, 0.0), (100, 64, 0.3), (30, 1, 2.0)])
def test_torchmetrics_finds_the_same(count: int, dimensions: int, shift: float) -> None:
    x, y = normal(count, dimensions), normal(count, dimensions, seed=1) + shift
    assert mmd(x, y) == pytest.approx(poly_mmd(x, y).item(), rel=1e-8, abs=1e-11)


def test_the_sum_is_in_double_precision() -> None:
    x, y = normal(200, 16).float(), normal(200, 16, seed=1).float()
    assert mmd(x, y) == mmd(x.double(), y.double())


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_in_one_dimension_it_is_the_difference_of_three_moments(shift: float) -> None:
    """(x y + 1)^3 = sum of C(3, j) x^j y^j, so the squared MMD is sum of C(3, j) (E x^j - E y^j)^2."""
    expected = 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2
    found = [mmd(normal(40, 1, seed=2 * seed), normal(40, 1, seed=2 * seed + 1) + shift) for seed in range(300)]
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 3 * error
    assert error < 0.1 + 0.1 * expected


def test_it_has_no_bias_where_the_plain_mean_has_one() -> None:
    unbiased, biased = [], []
    for seed in range(300):
        x, y = normal(20, 4, seed=2 * seed), normal(20, 4, seed=2 * seed + 1)
        unbiased.append(mmd(x, y))
        grams = [(a @ b.T / 4 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
        biased.append((grams[0].mean() + grams[1].mean() - 2 * grams[2].mean()).item())
    errors = [np.std(values, ddof=1) / math.sqrt(len(values)) for values in (unbiased, biased)]
    assert abs(np.mean(unbiased)) < 3 * errors[0]
    assert np.mean(biased) > 3 * errors[1]
    assert min(unbiased) < 0


@pytest.mark.parametrize(("count", "other_count", "limit", "subset"), [(200, 140, 30, 30), (45, 90, 30, 11)])
def test_the_distance_is_the_mean_over_disjoint_subsets(
    count: int, other_count: int, limit: int, subset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SUBSET", limit)
    reference, samples = normal(count, 3), normal(other_count, 3, seed=1) + 0.5
    number = min(count, other_count) // subset
    pieces = [slice(index * subset, (index + 1) * subset) for index in range(number)]
    values = [mmd(reference[piece], samples[piece]) for piece in pieces]
    found = kernel_distance(reference, samples)["kernel"]
    assert found.value == pytest.approx(np.mean(values))
    assert found.error == pytest.approx(np.std(values, ddof=1) / math.sqrt(number))


def test_the_error_is_the_spread_over_repeated_draws() -> None:
    pairs = [(normal(400, 6, seed=2 * seed), normal(400, 6, seed=2 * seed + 1) + 0.5) for seed in range(40)]
    found = [kernel_distance(*pair)["kernel"] for pair in pairs]
    error = math.sqrt(np.mean([each.error**2 for each in found]))
    assert 1 / 1.5 < error / np.std([each.value for each in found], ddof=1) < 1.5


@pytest.mark.parametrize(
    ("reference", "samples", "what"), [(100, 39, "40 samples, not 39"), (39, 100, "40 real examples, not 39")]
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        kernel_distance(normal(reference, 3), normal(samples, 3))
    assert kernel_distance(normal(40, 3), normal(40, 3, seed=1))["kernel"].error > 0
