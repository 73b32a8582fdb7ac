"""Copies of each other and of the training set: generators whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.copies import CLOSE, closeness, duplicates, memorisation, pairs_within
from sparring.metrics.neighbours import nearest
from sparring.metrics.score import Estimate, NotComputable


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(count: int, dimensions: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=random(seed))


def picked(points: Tensor, count: int, seed: int = 0) -> Tensor:
    """That many of the points, with repetition, each as often as another."""
    return points[torch.randint(len(points), (count,), generator=random(seed))]


def error_over_spread(found: list[Estimate]) -> float:
    """Of the same thing in repeated draws: the stated error over the real one."""
    return math.sqrt(np.mean([each.error**2 for each in found])) / np.std([each.value for each in found], ddof=1)


# The training set


@pytest.mark.parametrize("noise", [0.0, 1e-4, 1e-2])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_generator_that_returns_training_examples_memorises(noise: float, offset: float) -> None:
    training, held_out = normal(1000) + offset, normal(400, seed=1) + offset
    found, floor = memorisation(training, held_out, picked(training, 400) + noise * normal(400, seed=2))
    assert found.value > 0.99
    assert floor == CLOSE


def test_half_a_memorising_generator_memorises_half() -> None:
    training, held_out = normal(2000), normal(1000, seed=1)
    found, _ = memorisation(training, held_out, torch.cat([picked(training, 500), normal(500, seed=2)]))
    expected = 0.5 + 0.5 * CLOSE
    assert found.value == pytest.approx(expected, abs=0.03)
    assert 1 <= found.error / math.sqrt(expected * (1 - expected) / 1000) < 2


@pytest.mark.parametrize("dimensions", [2, 6, 30])
def test_independent_draws_are_at_the_floor(dimensions: int) -> None:
    found = []
    for seed in range(0, 90, 3):
        sets = (normal(count, dimensions, seed + index) for index, count in enumerate((600, 400, 300)))
        found.append(memorisation(*sets)[0].value)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - 0.05) < 4 * error + 0.005
    assert error < 0.01


def test_independent_draws_are_at_the_floor_however_few_held_out_examples() -> None:
    found = []
    for seed in range(0, 600, 3):
        sets = (normal(count, 6, seed + index) for index, count in enumerate((200, 40, 400)))
        found.append(memorisation(*sets)[0].value)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - 0.05) < 4 * error + 0.005
    assert error < 0.004


def with_dull_samples(dimensions: int, seed: int, held_out: int = 400) -> tuple[Tensor, Tensor, Tensor]:
    """A training set, a held-out one and samples of too little variety."""
    made = 0.3 * normal(400, dimensions, seed + 2)
    return normal(1000, dimensions, seed), normal(held_out, dimensions, seed + 1), made


def with_collapsed_samples(dimensions: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Half of the samples are one and the same but for noise."""
    training, held_out, samples = (
        normal(count, dimensions, seed + index) for index, count in enumerate((1000, 400, 400))
    )
    samples[:200] = samples[0] + 1e-2 * normal(200, dimensions, seed + 10_000)
    return training, held_out, samples


def with_fresh_samples(dimensions: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    training, held_out, samples = (
        normal(count, dimensions, seed + index) for index, count in enumerate((600, 400, 300))
    )
    return training, held_out, samples


def with_half_copied_samples(dimensions: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    training, held_out, samples = with_fresh_samples(dimensions, seed)
    samples[:150] = picked(training, 150, seed)
    return training, held_out, samples


def of_few_values(dimensions: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers from 0 to 3: most of the held-out examples and the samples are in the training set as well."""
    training, held_out, samples = (
        torch.randint(4, (count, dimensions), generator=random(seed + index)).float()
        for index, count in enumerate((1000, 500, 500))
    )
    return training, held_out, samples


@pytest.mark.parametrize("dimensions", [2, 6, 16, 64])
def test_dull_samples_lie_close_to_everything_and_memorise_nothing(dimensions: int) -> None:
    training, held_out = normal(1000, dimensions), normal(400, dimensions, seed=1)
    limit = nearest(held_out, training, 1)[0].median()
    close = nearest(0.3 * normal(400, dimensions, seed=2), training, 1)[0] < limit
    assert close.double().mean() > 0.7  # by distance alone they would be taken for copies
    found = [memorisation(*with_dull_samples(dimensions, seed))[0].value for seed in range(0, 36, 3)]
    assert np.mean(found) <= 0.2


@pytest.mark.parametrize("dimensions", [2, 6])
def test_dull_samples_are_near_the_floor_in_any_draw(dimensions: int) -> None:
    for seed in range(0, 60, 3):
        found, floor = memorisation(*with_dull_samples(dimensions, seed))
        assert abs(found.value - floor) <= 3 * found.error


@pytest.mark.parametrize(
    ("draw", "dimensions"),
    [
        *((with_fresh_samples, 6), (with_half_copied_samples, 6), (of_few_values, 5), (with_dull_samples, 6)),
        (with_dull_samples, 64),
        (with_collapsed_samples, 6),
    ],
)
def test_the_error_of_memorisation_is_not_below_the_spread_over_repeated_draws(
    draw: Callable[[int, int], tuple[Tensor, Tensor, Tensor]], dimensions: int
) -> None:
    assert error_over_spread([memorisation(*draw(dimensions, seed))[0] for seed in range(0, 120, 3)]) > 1


def test_the_error_of_memorisation_is_not_below_the_spread_with_few_held_out_examples() -> None:
    found = [memorisation(*with_dull_samples(16, seed, held_out=40))[0] for seed in range(0, 120, 3)]
    assert error_over_spread(found) > 1


def test_a_generator_of_held_out_examples_memorises_nothing() -> None:
    training, held_out = normal(1000), normal(400, seed=1)
    assert memorisation(training, held_out, held_out)[0].value == 0


def test_closeness_is_a_ratio_and_1_for_an_example_in_both_sets() -> None:
    to_training, to_held_out = torch.tensor([[1.0], [0.0], [0.0], [3.0]]), torch.tensor([[2.0], [5.0], [0.0], [0.0]])
    found = closeness(to_training, to_held_out).tolist()
    assert found[:3] == [0.5, 0, 1]
    assert found[3] >= 1


def test_memorisation_survives_real_examples_that_are_there_twice() -> None:
    training, held_out = normal(1000), normal(400, seed=1)
    training[:20] = training[20:40]  # within a set, and across the two
    held_out[:20] = held_out[20:40]
    held_out[40:48] = training[40:48]
    found, floor = memorisation(training, held_out, picked(training, 400))
    assert found.value > 0.95
    assert floor == pytest.approx(0.05 + 8 / 400)
    assert memorisation(training, held_out, normal(400, seed=2))[0].value < 0.12


def test_independent_draws_of_few_discrete_values_are_at_the_floor() -> None:
    found = [memorisation(*of_few_values(5, seed)) for seed in range(0, 60, 3)]
    assert min(floor for _, floor in found) > 0.3
    assert np.mean([each.value for each, _ in found]) == pytest.approx(np.mean([floor for _, floor in found]), abs=0.02)
    assert max(abs(each.value - floor) / each.error for each, floor in found) < 3


def test_ties_at_the_limit_are_shared_out() -> None:
    """All ratios are 1: every value is in either set."""
    training, held_out, samples = of_few_values(2, 0)
    found, floor = memorisation(training, held_out, samples)
    assert (found.value, floor) == (pytest.approx(CLOSE), CLOSE)


def test_near_copies_are_seen_though_some_held_out_examples_are_training_examples() -> None:
    training, held_out = normal(1000), normal(500, seed=1)
    held_out[:30] = training[:30]
    found, floor = memorisation(training, held_out, picked(training, 500) + 1e-3 * normal(500, seed=2))
    assert found.value > 0.9
    assert floor == pytest.approx(0.05 + 30 / 500)


def test_where_all_held_out_examples_are_training_examples_nothing_is_above_the_floor() -> None:
    training = normal(1000)
    for samples, expected in ((training[500:600], 1), (normal(100, seed=1), 0)):
        found, floor = memorisation(training, training[:100], samples)
        assert (found.value, floor) == (expected, 1)
        assert found.error > 0


def test_too_few_held_out_examples_are_refused() -> None:
    with pytest.raises(NotComputable, match="40 held-out examples, not 39"):
        memorisation(normal(100), normal(39, seed=1), normal(10, seed=2))
    assert memorisation(normal(100), normal(40, seed=1), normal(10, seed=2))[0].error > 0


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


@pytest.mark.parametrize("dimensions", [64, 512])
def test_support_among_copies_where_real_examples_are_there_twice(dimensions: int) -> None:
    reference = normal(1000, dimensions)
    reference[-40:] = reference[:40]
    found = duplicates(reference, picked(normal(50, dimensions, seed=1), 1000, seed=2))
    assert found["support"].value == pytest.approx(50, rel=0.1)


def test_one_sample_far_away_does_not_make_the_others_alike() -> None:
    reference, samples = normal(500), normal(500, seed=1)
    usual = duplicates(reference, samples)
    samples[7] = 1e7
    found = duplicates(reference, samples)
    assert found["duplicates"].value == pytest.approx(usual["duplicates"].value, abs=0.005)
    assert found["support"].value == pytest.approx(usual["support"].value, rel=0.5)


@pytest.mark.parametrize("distinct", [150, 2500])
def test_the_errors_of_copies_are_the_spread_over_repeated_draws(distinct: int) -> None:
    reference, points = normal(500, seed=999), normal(distinct, seed=7)
    found = [duplicates(reference, picked(points, 500, seed)) for seed in range(120)]
    for name in ("duplicates", "support"):
        assert 1 / 2 < error_over_spread([each[name] for each in found]) < 2, name


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_error_of_duplicates_among_fresh_draws_is_their_spread(scale: float) -> None:
    reference = normal(500, seed=999)
    found = [duplicates(reference, scale * normal(500, seed=seed))["duplicates"] for seed in range(40)]
    assert 1 / 2 < error_over_spread(found) < 2


def test_alike_is_decided_by_as_many_real_examples_as_there_are_samples() -> None:
    reference, samples = normal(2000), normal(500, seed=1)
    assert duplicates(reference, samples) == duplicates(reference[:500], samples)


@pytest.mark.parametrize(
    ("reference", "samples", "what"), [(500, 99, "100 samples, not 99"), (199, 200, "200 real examples, not 199")]
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        duplicates(normal(reference), normal(samples, seed=1))
