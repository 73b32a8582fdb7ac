"""The comparison: a floor and a bias for each metric, and a reason where there is no number."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.compare import FAMILIES, MEMORISATION, compare, memorised, missing_score
from sparring.metrics.copies import memorisation
from sparring.metrics.frechet import frechet
from sparring.metrics.neighbours import neighbourhoods
from sparring.metrics.score import Estimate, Family, Metric, NotComputable, Score
from sparring.metrics.sliced import sliced_wasserstein

METRICS = [metric for family in FAMILIES for metric in family.metrics]
NAMES = [metric.name for metric in METRICS]
MADE = Metric("made", "low", "made up", "halving")
NOTED = Metric("noted", "low", "noted down", "halving")


def named(name: str) -> Metric:
    return next(metric for metric in METRICS if metric.name == name)


def normal(count: int, dimensions: int = 8, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


def spoiled(features: Tensor, value: float) -> Tensor:
    features = features.clone()
    features[3, 1] = value
    return features


def counts_only(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
    """A bias of 12 / n on a value of 5."""
    return {"made": Estimate(5 + 12 / len(samples), 0.5)}


def root_of_counts(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
    """A bias of 12 / n on a square of 4."""
    return {"sliced": Estimate(math.sqrt(4 + 12 / len(samples)), 0.5)}


def never(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
    raise NotComputable("not today")


def test_every_metric_has_a_value_an_error_a_floor_and_a_bias() -> None:
    scores = compare(normal(600), normal(500, seed=1) + 0.2, normal(500, seed=2))
    assert [score.name for score in scores] == NAMES
    assert [score.metric for score in scores] == METRICS
    assert len(set(NAMES)) == len(NAMES)
    for score in scores:
        numbers = [score.value, score.error, score.floor, score.floor_error]
        assert all(number is not None and math.isfinite(number) for number in numbers), score
        assert (score.bias is None) == (score.name in {"kernel", "support"}), score
        assert (score.count, score.reason) == (500, "")


def test_value_and_floor_are_the_metric_of_the_samples_and_of_the_held_out_examples() -> None:
    reference, samples, real = normal(300), 2 * normal(200, seed=1), normal(200, seed=2)
    scores = {score.name: score for score in compare(reference, samples, real)}
    value, floor = (frechet(reference, some)["frechet"] for some in (samples, real))
    found = scores["frechet"]
    assert (found.value, found.error, found.floor, found.floor_error) == (
        *(value.value, value.error),
        *(floor.value, floor.error),
    )
    assert scores["coverage"].floor == neighbourhoods(reference, real)["coverage"].value
    assert found.value > found.floor + 4 * math.hypot(found.error, found.floor_error)


@pytest.mark.parametrize("seed", [0, 3, 6])
def test_real_examples_lie_at_the_floor_of_every_metric(seed: int) -> None:
    sets = [normal(count, 6, seed + index) for index, count in enumerate((900, 800, 800))]
    for score in compare(*sets):
        if score.name == "support":  # its error is that of the number of pairs, which are few
            pairs = [800 * 799 / 2 / support for support in (score.value, score.floor)]
            assert abs(pairs[0] - pairs[1]) <= 4 * math.sqrt(sum(pairs)), score
        else:
            assert abs(score.value - score.floor) <= 4 * math.hypot(score.error, score.floor_error), score


@pytest.mark.parametrize("samples", [400, 401])
def test_a_bias_that_falls_with_the_number_of_samples_is_found(samples: int) -> None:
    family = Family((MADE,), counts_only)
    (found,) = compare(normal(500), normal(samples, seed=1), normal(samples, seed=2), families=[family])
    assert found == Score(MADE, 5 + 12 / samples, 0.5, 5 + 12 / samples, 0.5, found.bias, samples)
    assert found.bias == pytest.approx(12 / samples, rel=1e-4)


def test_all_of_the_frechet_distance_between_real_examples_is_bias() -> None:
    family = Family((named("frechet"),), frechet)
    found = [
        compare(*(normal(800, 16, 3 * seed + index) for index in range(3)), families=[family])[0] for seed in range(8)
    ]
    assert np.mean([score.bias for score in found]) == pytest.approx(np.mean([score.value for score in found]), rel=0.2)


@pytest.mark.parametrize("samples", [30, 400])
def test_the_bias_of_a_root_is_that_of_its_square(samples: int) -> None:
    sets = normal(500), normal(samples, seed=1), normal(samples, seed=2)
    (found,) = compare(*sets, families=[Family((named("sliced"),), root_of_counts)])
    assert found.bias == pytest.approx(math.sqrt(4 + 12 / samples) - 2)


def test_sliced_between_real_examples_is_mostly_bias_and_between_others_hardly() -> None:
    family = Family((named("sliced"),), sliced_wasserstein)
    sets = [[normal(300, 6, 3 * seed + index) for index in range(3)] for seed in range(4)]
    alike = [compare(*three, families=[family])[0] for three in sets]
    share = np.mean([score.bias for score in alike]) / np.mean([score.value for score in alike])
    assert 0.5 < share <= 1  # sqrt(2) - 1 if roots were not squared first
    apart = [compare(three[0], three[1] + 3, three[2], families=[family])[0] for three in sets]
    assert abs(np.mean([score.bias for score in apart])) < 0.02 * np.mean([score.value for score in apart])


def test_where_halves_are_too_small_there_is_no_bias() -> None:
    scores = {score.name: score for score in compare(normal(150), normal(150, seed=1), normal(150, seed=2))}
    assert scores["duplicates"].value is not None
    assert scores["duplicates"].bias is None
    assert scores["coverage"].bias is not None


def test_a_metric_that_says_nothing_of_its_bias_has_none() -> None:
    family = Family((Metric("made", "low", "made up"),), counts_only)
    (found,) = compare(normal(500), normal(400, seed=1), normal(400, seed=2), families=[family])
    assert (found.value, found.bias) == (5 + 12 / 400, None)


def test_a_bias_that_is_not_finite_is_none() -> None:
    """Of halves that have no finite value themselves."""

    def measure(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
        return {"made": Estimate(5.0 if len(samples) == 400 else math.inf, 0.5)}

    family = Family((MADE,), measure)
    (found,) = compare(normal(500), normal(400, seed=1), normal(400, seed=2), families=[family])
    assert (found.value, found.bias) == (5.0, None)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_says_how_it_is_read(metric: Metric) -> None:
    assert metric.better in ("low", "high", "floor")
    assert metric.bias in (None, "halving", "root")
    assert metric.about
    assert (metric.bias is None) == (metric.name in {"kernel", "support"})


def test_a_family_that_cannot_be_computed_leaves_the_others_alone() -> None:
    families = [Family((Metric("one", "low", ""), Metric("other", "low", "")), never), Family((MADE,), counts_only)]
    scores = compare(normal(100), normal(50, seed=1), normal(50, seed=2), families=families)
    assert [(score.name, score.value, score.reason) for score in scores] == [
        ("one", None, "not today"),
        ("other", None, "not today"),
        ("made", 5 + 12 / 50, ""),
    ]


def test_the_seed_reaches_every_measurement() -> None:
    seeds = []

    def note(reference: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
        seeds.append(seed)
        return {"noted": Estimate(0.0)}

    compare(normal(100), normal(50, seed=1), normal(50, seed=2), seed=17, families=[Family((NOTED,), note)])
    assert seeds == [17] * 4  # value, floor, two halves


@pytest.mark.parametrize(
    ("reference", "samples", "reason"),
    [
        (normal(300), spoiled(normal(200), math.nan), "the features of 1 samples are not finite"),
        (normal(300), torch.full((200, 8), math.nan), "the features of 200 samples are not finite"),
        (spoiled(normal(300), math.inf), normal(200), "the features of 1 reference examples are not finite"),
        (torch.full((300, 8), 0.1), normal(200), "all reference examples have the same features"),
        (torch.full((300, 8), 0.1), torch.full((200, 8), 0.1), "all reference examples have the same features"),
        (normal(0), normal(200), "there are no reference examples"),
    ],
    ids=["nan", "all nan", "infinite", "constant", "both constant", "empty"],
)
def test_features_that_cannot_be_compared_have_a_reason(reference: Tensor, samples: Tensor, reason: str) -> None:
    expected = [Score(metric, None, count=200, reason=reason) for metric in METRICS]
    assert compare(reference, samples, normal(200, seed=2)) == expected


@pytest.mark.parametrize(
    ("real", "reason"),
    [
        (spoiled(normal(200, seed=2), math.nan), "the features of 1 real examples are not finite"),
        (torch.ones(200, 8), "all real examples have the same features"),
        (normal(0), "there are no real examples"),
    ],
    ids=["nan", "constant", "empty"],
)
def test_held_out_examples_that_cannot_be_compared_have_a_reason(real: Tensor, reason: str) -> None:
    expected = [Score(metric, None, count=200, reason=reason) for metric in METRICS]
    assert compare(normal(300), normal(200, seed=1), real) == expected


@pytest.mark.parametrize(("samples", "real"), [(7, 8), (8, 7), (7, 7)])
def test_features_of_different_sizes_have_a_reason_that_names_the_sizes(samples: int, real: int) -> None:
    for score in compare(normal(300), normal(200, samples), normal(200, real)):
        assert score == Score(score.metric, None, count=200, reason=score.reason)
        assert score.reason.startswith("features of different sizes cannot be compared")
        assert re.findall("[78]", score.reason) in (["7", "8"], ["8", "7"])


@pytest.mark.parametrize("count", [1, 5, 17])
def test_too_few_samples_have_a_reason_that_says_how_many_it_takes(count: int) -> None:
    scores = compare(normal(300), normal(count, seed=1), normal(200, seed=2))
    least = {"kernel": 40, "duplicates": 100, "support": 100}
    for score in scores:
        assert (score.value, score.error, score.floor, score.bias) == (None,) * 4, score
        assert score.reason == f"needs at least {least.get(score.name, 20)} samples, not {count}", score


def test_no_samples_have_a_reason() -> None:
    expected = [Score(metric, None, count=0, reason="there are no samples") for metric in METRICS]
    assert compare(normal(300), normal(0), normal(200, seed=2)) == expected


@pytest.mark.parametrize(
    ("count", "without_floor"),
    [
        (1, set(NAMES)),
        (5, set(NAMES)),
        (30, {"kernel", "duplicates", "support"}),
        (400, {"precision", "recall", "density", "coverage", "sliced", "duplicates", "support"}),  # than the reference
    ],
)
def test_too_few_or_too_many_held_out_examples_leave_the_value_without_a_floor(
    count: int, without_floor: set[str]
) -> None:
    reference, samples = normal(300), normal(200, seed=1)
    usual = {score.name: score for score in compare(reference, samples, normal(200, seed=2))}
    scores = compare(reference, samples, normal(count, seed=2))
    assert {score.name for score in scores if score.floor is None} == without_floor
    assert {score.name for score in scores if score.floor_error is None} == without_floor
    for score in scores:
        found = (score.value, score.error, score.bias, score.count, score.reason)
        expected = usual[score.name]
        assert found == (expected.value, expected.error, expected.bias, 200, ""), score


def test_fewer_real_examples_than_samples_have_a_reason_where_it_takes_as_many() -> None:
    scores = {score.name: score for score in compare(normal(150), normal(200, seed=1), normal(200, seed=2))}
    without = {name for name, score in scores.items() if score.value is None}
    assert without == {"precision", "recall", "density", "coverage", "sliced", "duplicates", "support"}
    assert {scores[name].reason for name in without} == {"needs at least 200 real examples, not 150"}


def test_samples_that_are_all_the_same_are_measured() -> None:
    scores = {score.name: score for score in compare(normal(300), torch.ones(200, 8), normal(200, seed=2))}
    assert scores["vendi"].value == pytest.approx(1)
    assert [scores[name].value for name in ("recall", "duplicates", "support")] == [0, 1, 1]
    assert scores["frechet"].value == pytest.approx(16, rel=0.1)  # |mu|^2 + tr C
    assert all(math.isfinite(score.value) for score in scores.values())


@pytest.mark.parametrize("shared", [0, 20])
def test_memorisation_is_a_row_with_the_floor_of_the_held_out_examples(shared: int) -> None:
    training, held_out = normal(500), normal(200, seed=1)
    held_out[:shared] = training[:shared]
    samples = training[100:200]
    error = memorisation(training, held_out, samples)[0].error
    floor = pytest.approx(0.05 + shared / 200)
    assert memorised(training, held_out, samples) == Score(MEMORISATION, 1.0, error, floor, None, None, 100)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: (normal(300), normal(200), spoiled(normal(50), math.nan)), "features of 1 samples are not finite"),
        (lambda: (spoiled(normal(300), math.inf), normal(200), normal(50)), "1 training examples are not finite"),
        (lambda: (normal(300), normal(200), normal(50, 7)), "features of different sizes cannot be compared"),
        (lambda: (torch.ones(300, 8), normal(200), normal(50)), "all training examples have the same features"),
        (lambda: (normal(300), spoiled(normal(200), math.nan), normal(50)), "1 held-out examples are not finite"),
        (lambda: (normal(300), normal(200, 7), normal(50)), "features of different sizes cannot be compared"),
        (lambda: (normal(300), torch.ones(200, 8), normal(50)), "all held-out examples have the same features"),
        (lambda: (normal(300), normal(39), normal(50)), "needs at least 40 held-out examples, not 39"),
        (lambda: (normal(300), normal(0), normal(50)), "there are no held-out examples"),
    ],
    ids=[
        *("nan", "infinite", "width", "constant"),
        *("nan held out", "width held out", "constant held out", "few held out", "none held out"),
    ],
)
def test_memorisation_without_a_number_has_a_reason(make: Callable[[], tuple[Tensor, ...]], reason: str) -> None:
    found = memorised(*make())
    assert found == missing_score(MEMORISATION, found.reason, 50)
    assert (found.name, found.value, found.floor, found.count) == ("memorisation", None, None, 50)
    assert reason in found.reason
