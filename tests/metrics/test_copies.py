"""Copies of each other and of the training set: generators whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.copies import CLOSE, closeness, duplicates, memorisation, pairs_within
from sparring.metrics.neighbours import nearest
from sparring.metrics.score import NotComputable


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(count: int, dimensions: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=random(seed))


def picked(points: Tensor, count: int, seed: int = 0) -> Tensor:
    """That many of the points, with repetition, each as often as another."""
    return points[torch.randint(len(points), (count,), generator=random(seed))]


# The training set


@pytest.mark.parametrize("noise", [0.0, 1e-4, 1e-2])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_generator_that_returns_training_examples_memorises(noise: float, offset: float) -> None:
    training, held_out = normal(1000) + offset, normal(400, seed=1) + offset
    found = memorisation(training, held_out, picked(training, 400) + noise * normal(400, seed=2))
    assert found.value > 0.99


def test_half_a_memorising_generator_memorises_half() -> None:
    training, held_out = normal(2000), normal(1000, seed=1)
    found = memorisation(training, held_out, torch.cat([picked(training, 500), normal(500, seed=2)]))
    expected = 0.5 + 0.5 * CLOSE
    assert found.value == pytest.approx(expected, abs=0.03)
    assert found.error == pytest.approx(math.sqrt(expected * (1 - expected) / 1000), rel=0.05)


@pytest.mark.parametrize("dimensions", [2, 6, 30])
def test_independent_draws_are_at_the_floor(dimensions: int) -> None:
    found = []
    for seed in range(0, 90, 3):
        sets = (normal(count, dimensions, seed + index) for index, count in enumerate((600, 400, 300)))
        found.append(memorisation(*sets).value)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - 0.05) < 4 * error + 0.005
    assert error < 0.01


def scores_of_dull_samples(dimensions: int) -> list[float]:
    """The score of each of 12 repeated draws of everything."""
    found = []
    for seed in range(0, 36, 3):
        training, held_out = normal(1000, dimensions, seed), normal(400, dimensions, seed + 1)
        found.append(memorisation(training, held_out, 0.3 * normal(400, dimensions, seed + 2)).value)
    return found


@pytest.mark.parametrize("dimensions", [2, 6, 16, 64])
def test_dull_samples_lie_close_to_everything_and_memorise_nothing(dimensions: int) -> None:
    training, held_out = normal(1000, dimensions), normal(400, dimensions, seed=1)
    limit = nearest(held_out, training, 1)[0].median()
    close = nearest(0.3 * normal(400, dimensions, seed=2), training, 1)[0] < limit
    assert close.double().mean() > 0.7  # by distance alone they would be taken for copies
    assert np.mean(scores_of_dull_samples(dimensions)) <= 0.2


@pytest.mark.parametrize(
    "dimensions",
    [
        2,
        pytest.param(
            16, marks=pytest.mark.xfail(strict=True, reason="dull samples share a few neighbours, whose luck decides")
        ),
    ],
)
def test_dull_samples_memorise_nothing_in_any_draw(dimensions: int) -> None:
    assert max(scores_of_dull_samples(dimensions)) <= 0.2


def test_a_generator_of_held_out_examples_memorises_nothing() -> None:
    training, held_out = normal(1000), normal(400, seed=1)
    assert memorisation(training, held_out, held_out).value == 0


def test_closeness_is_a_ratio_and_1_for_an_example_in_both_sets() -> None:
    to_training, to_held_out = torch.tensor([[1.0], [0.0], [0.0], [3.0]]), torch.tensor([[2.0], [5.0], [0.0], [0.0]])
    found = closeness(to_training, to_held_out).tolist()
    assert found[:3] == [0.5, 0, 1]
    assert found[3] >= 1


def test_memorisation_survives_real_examples_that_are_there_twice() -> None:
    training, held_out = normal(1000), normal(400, seed=1)
    training[:20] = training[20:40]  # within a set, and across the two, but fewer than count as close
    held_out[:20] = held_out[20:40]
    held_out[40:48] = training[40:48]
    assert memorisation(training, held_out, picked(training, 400)).value > 0.95
    assert memorisation(training, held_out, normal(400, seed=2)).value < 0.12


@pytest.mark.xfail(strict=True, reason="with ties, far more than 5 % are at or below the 5 % quantile")
def test_independent_draws_of_few_discrete_values_memorise_nothing() -> None:
    training, held_out, samples = (
        torch.randint(4, (count, 5), generator=random(seed)).float() for seed, count in enumerate((1000, 500, 500))
    )
    assert memorisation(training, held_out, samples).value < 0.12


@pytest.mark.xfail(strict=True, reason="the limit is 0 where 5 % of the held-out examples are training examples")
def test_near_copies_are_seen_though_some_held_out_examples_are_training_examples() -> None:
    training, held_out = normal(1000), normal(500, seed=1)
    held_out[:30] = training[:30]
    assert memorisation(training, held_out, picked(training, 500) + 1e-3 * normal(500, seed=2)).value > 0.9


def test_too_few_held_out_examples_are_refused() -> None:
    with pytest.raises(NotComputable, match="40 held-out examples, not 39"):
        memorisation(normal(100), normal(39, seed=1), normal(10, seed=2))
    assert memorisation(normal(100), normal(40, seed=1), normal(10, seed=2)).error is not None


# Each other


def test_pairs_by_hand() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0], [3.5], [10.0]])
    assert [pairs_within(points, limit) for limit in (0.4, 0.6, 1.1, 2.2, 3.2, 100.0)] == [0, 1, 2, 3, 5, 10]


@pytest.mark.parametrize("distinct", [20, 50, 200])
def test_a_generator_with_few_things_to_say(distinct: int) -> None:
    samples = picked(normal(distinct, seed=1), 1000, seed=2)
    counts = samples.unique(dim=0, return_counts=True)[1]
    found = duplicates(normal(1500), samples)
    assert found["duplicates"].value == pytest.approx(1 - (counts == 1).sum().item() / 1000, abs=0.002)
    expected = 1000 * 999 / (counts * (counts - 1)).sum().item()  # all pairs over those of the same point
    assert found["support"].value == pytest.approx(expected, rel=0.02)
    assert found["support"].value == pytest.approx(distinct, rel=0.1)
    assert found["support"].error < 0.1 * distinct


def test_near_copies_count_as_copies() -> None:
    samples = picked(normal(50, seed=1), 1000, seed=2) + 1e-3 * normal(1000, seed=3)
    found = duplicates(normal(1000), samples)
    assert found["duplicates"].value == 1
    assert found["support"].value == pytest.approx(50, rel=0.1)


def test_fresh_draws_are_alike_as_often_as_real_examples() -> None:
    found = [duplicates(normal(1000, seed=2 * seed), normal(1000, seed=2 * seed + 1)) for seed in range(12)]
    shares = [each["duplicates"].value for each in found]
    error = np.std(shares, ddof=1) / math.sqrt(len(shares))
    assert abs(np.mean(shares) - 0.01) < 4 * error
    assert error < 0.003
    assert min(each["support"].value for each in found) > 20_000


def test_no_two_alike_give_the_support_that_one_pair_would() -> None:
    samples = torch.arange(200.0)[:, None] * torch.ones(6)
    found = duplicates(normal(200), samples)
    assert (found["duplicates"].value, found["duplicates"].error) == (0, 0)
    assert (found["support"].value, found["support"].error) == (200 * 199 / 2, None)


def test_one_sample_over_and_over_has_a_support_of_1() -> None:
    found = duplicates(normal(200), normal(1, seed=1).expand(200, -1))
    assert (found["duplicates"].value, found["support"].value) == (1, 1)


@pytest.mark.parametrize("twice", [5, 40])
def test_duplicates_survives_real_examples_that_are_there_twice(twice: int) -> None:
    reference = normal(1000)
    reference[-twice:] = reference[:twice]
    found = duplicates(reference, picked(normal(50, seed=1), 1000, seed=2))
    assert found["duplicates"].value == 1
    assert 25 <= found["support"].value <= 100
    assert duplicates(reference, normal(1000, seed=3))["duplicates"].value < 0.03


@pytest.mark.xfail(strict=True, reason="pairs of copies are missed where only distance 0 counts as alike")
@pytest.mark.parametrize("dimensions", [64, 512])
def test_support_among_copies_where_real_examples_are_there_twice(dimensions: int) -> None:
    reference = normal(1000, dimensions)
    reference[-40:] = reference[:40]
    found = duplicates(reference, picked(normal(50, dimensions, seed=1), 1000, seed=2))
    assert found["support"].value == pytest.approx(50, rel=0.1)


def test_alike_is_decided_by_as_many_real_examples_as_there_are_samples() -> None:
    reference, samples = normal(2000), normal(500, seed=1)
    assert duplicates(reference, samples) == duplicates(reference[:500], samples)


@pytest.mark.parametrize(
    ("reference", "samples", "what"), [(500, 99, "100 samples, not 99"), (199, 200, "200 real examples, not 199")]
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        duplicates(normal(reference), normal(samples, seed=1))
