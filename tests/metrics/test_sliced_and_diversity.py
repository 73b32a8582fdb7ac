"""Sliced Wasserstein against closed forms and an optimal assignment, the Vendi score against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sparring.metrics.diversity import vendi
from sparring.metrics.score import NotComputable, blocks, error_without_each
from sparring.metrics.sliced import sliced_wasserstein


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(count: int, dimensions: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=random(seed), dtype=torch.float64)


def sliced(reference: Tensor, samples: Tensor, seed: int = 0) -> float:
    return sliced_wasserstein(reference, samples, seed)["sliced"].value


# The jackknife


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    """Of equal blocks: the standard error of the mean of the blocks' means."""
    numbers = normal(200, 1)
    means = [block.mean().item() for block in blocks(numbers)]
    found = error_without_each(blocks(numbers), lambda rest: torch.cat(rest).mean().item())
    assert len(means) == 10
    assert found == pytest.approx(np.std(means, ddof=1) / math.sqrt(10))


def test_blocks_are_all_samples_in_their_order() -> None:
    numbers = torch.arange(47)
    assert torch.equal(torch.cat(blocks(numbers)), numbers)
    assert sorted(len(block) for block in blocks(numbers)) == [4] * 3 + [5] * 7


# Sliced Wasserstein


@pytest.mark.parametrize("dimensions", [2, 6])
def test_a_shift_has_its_squared_length_over_the_dimensions(dimensions: int) -> None:
    shift = 3 * torch.nn.functional.normalize(normal(1, dimensions, seed=99))[0]
    squares = []
    for seed in range(16):  # directions are random, 128 of them leave an error of a tenth
        reference, samples = (normal(200, dimensions, 2 * seed + index) for index in range(2))
        squares.append(sliced(reference, samples + shift, seed) ** 2)
    assert np.mean(squares) == pytest.approx(9 / dimensions, rel=0.1)


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_rescaling_a_unit_gaussian_moves_every_shadow_as_far(scale: float) -> None:
    found = [sliced(normal(500, 4, 2 * seed), scale * normal(500, 4, 2 * seed + 1), seed) for seed in range(3)]
    assert np.mean(found) == pytest.approx(abs(1 - scale), rel=0.05)


@pytest.mark.parametrize("count", [20, 57])
def test_in_one_dimension_it_is_the_best_assignment(count: int) -> None:
    reference, samples = normal(count, 1), normal(count, 1, seed=1) ** 3 + 0.5
    costs = (reference - samples.T).square().numpy()
    expected = math.sqrt(costs[linear_sum_assignment(costs)].mean())
    assert sliced(reference, samples) == pytest.approx(expected)


def test_identical_sets_need_no_transport_in_whatever_order() -> None:
    points = normal(300, 5) + 100
    found = sliced_wasserstein(points, points.clone())["sliced"]
    assert (found.value, found.error) == (0, 0)
    assert sliced(points, points[torch.randperm(300, generator=random(1))]) == pytest.approx(0, abs=1e-12)


def test_it_sees_more_than_two_moments() -> None:
    angles = 2 * math.pi * torch.rand(1000, generator=random(0), dtype=torch.float64)
    ring = math.sqrt(2) * torch.stack([angles.cos(), angles.sin()], 1)  # mean 0, covariance 1
    assert sliced(ring, normal(1000, 2, seed=1)) > 2 * sliced(normal(1000, 2), normal(1000, 2, seed=1))


def test_the_units_are_those_of_the_features_and_the_seed_decides() -> None:
    reference, samples = normal(100, 3), normal(100, 3, seed=1) + 1
    assert sliced(7 * reference, 7 * samples) == pytest.approx(7 * sliced(reference, samples))
    assert sliced(reference, samples) == sliced(reference, samples)
    assert sliced(reference, samples) != sliced(reference, samples, seed=1)
    assert sliced(torch.cat([reference, 9 + reference]), samples) == sliced(reference, samples)


@pytest.mark.parametrize(
    ("reference", "samples", "what"), [(100, 19, "20 samples, not 19"), (49, 50, "50 real examples, not 49")]
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        sliced(normal(reference, 3), normal(samples, 3))


# Vendi


def around_zero(dimensions: int) -> Tensor:
    """Real examples whose mean is 0 to the last bit."""
    return torch.cat([torch.eye(dimensions), -torch.eye(dimensions)]).double()


@pytest.mark.parametrize("kinds", [1, 2, 7, 10])
def test_equally_frequent_orthogonal_kinds_are_counted(kinds: int) -> None:
    lengths = 0.1 + torch.rand(30 * kinds, 1, generator=random(0), dtype=torch.float64)
    samples = lengths * torch.eye(10).double()[:kinds].repeat(30, 1)
    assert vendi(around_zero(10), samples)["vendi"].value == pytest.approx(kinds, rel=1e-9)


def test_kinds_of_unequal_shares_give_the_exponential_of_their_entropy() -> None:
    samples = torch.eye(5).double()[[0] * 40 + [1] * 20 + [2] * 20]
    assert vendi(around_zero(5), samples)["vendi"].value == pytest.approx(2 * math.sqrt(2), rel=1e-9)


def test_samples_that_are_all_the_same_count_as_one() -> None:
    found = vendi(normal(100, 6), normal(1, 6, seed=1).expand(50, -1))["vendi"]
    assert found.value == pytest.approx(1, abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("count", "dimensions"), [(60, 4), (40, 100)])
def test_it_is_the_entropy_of_the_matrix_of_similarities(count: int, dimensions: int) -> None:
    reference = normal(150, dimensions) + 10
    samples = normal(count, dimensions, seed=1) * torch.linspace(0.1, 2, dimensions) + 10.2
    seen = (samples - reference.mean(0)).numpy()
    unit = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / count)
    shares = shares[shares > 1e-12]
    expected = math.exp(-(shares * np.log(shares)).sum())
    assert vendi(reference, samples)["vendi"].value == pytest.approx(expected, rel=1e-6)
    assert 1 < expected < min(count, dimensions)


def test_the_error_of_vendi_is_the_spread_over_repeated_draws() -> None:
    reference = normal(500, 6, seed=99)
    found = [vendi(reference, normal(400, 6, seed=seed) + 0.8)["vendi"] for seed in range(40)]
    error = math.sqrt(np.mean([each.error**2 for each in found]))
    assert 1 / 1.5 < error / np.std([each.value for each in found], ddof=1) < 1.5


def test_vendi_needs_samples_and_a_direction() -> None:
    with pytest.raises(NotComputable, match="20 samples, not 19"):
        vendi(normal(100, 3), normal(19, 3))
    with pytest.raises(NotComputable, match="all features are the same"):
        vendi(around_zero(3), torch.zeros(30, 3))
