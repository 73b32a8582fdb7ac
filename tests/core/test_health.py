"""Trouble is measured right, and told once, when it has lasted."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from sparring.core.health import COLLAPSED, LASTING, PATIENCE, Watch, diversity, nearest_distance, overfitting


def gaussian(count: int = 256, seed: int = 0) -> Tensor:
    return torch.randn(count, 2, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_nearest_distance_by_hand() -> None:
    assert nearest_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0]])) == pytest.approx((5 + 1 + 1) / 3)
    spread = gaussian(40)
    flat = spread.flatten(1).double()
    each = [min((flat[i] - flat[j]).norm().item() for j in range(40) if j != i) for i in range(40)]
    assert nearest_distance(spread) == pytest.approx(sum(each) / 40, rel=1e-4)


def test_diversity_of_the_data_is_one() -> None:
    for seed in range(1, 4):
        assert diversity(gaussian(seed=seed), gaussian()) == pytest.approx(1, abs=0.05)
    assert diversity(0.5 * gaussian(seed=1), gaussian()) == pytest.approx(0.5, abs=0.05)  # in proportion
    assert diversity(gaussian(300, seed=1), gaussian(100)) == pytest.approx(1, abs=0.08)  # of as many each
    assert diversity(gaussian(100, seed=1), gaussian(300)) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("modes", [1, 8])
def test_diversity_of_repeated_samples_is_low(modes: int) -> None:
    centres = gaussian(modes, seed=2).repeat(256 // modes, 1, 1, 1)
    assert diversity(centres, gaussian()) < 1e-3
    wobbling = centres + 0.05 * gaussian(seed=3)
    assert diversity(wobbling, gaussian()) < COLLAPSED / 2


def test_diversity_where_the_data_repeat_themselves_is_no_alarm() -> None:
    same = torch.zeros(64, 3)
    assert diversity(gaussian(64).flatten(1)[:, :3], same) > 1


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 1e3), (1e-3, 5.0), (1e3, -1e4)])
def test_diversity_does_not_depend_on_units_or_origin(scale: float, offset: float) -> None:
    """Points as far from the origin, for their spacing, as places on a map are."""
    samples, real = 0.5 * gaussian(seed=1), gaussian()
    moved = diversity(scale * samples + offset, scale * real + offset)
    assert moved == pytest.approx(diversity(samples, real), rel=1e-2)


def test_overfitting_is_the_share_of_the_way_to_the_fakes() -> None:
    training, held_out, fake = (torch.tensor(pair).repeat(50) for pair in ([3.0, 5.0], [2.0, 4.0], [-1.0, 1.0]))
    assert overfitting(training, held_out, fake) == pytest.approx((4 - 3) / (4 - 0))
    assert overfitting(training, training, fake) == 0
    assert overfitting(training, fake, fake) == 1
    assert overfitting(training + 7, held_out + 7, fake + 7) == pytest.approx(0.25)
    assert overfitting(fake, held_out, fake) == 0  # a discriminator that tells nothing apart has not overfitted
    assert overfitting(fake - 1, held_out, fake) == 0


def test_what_chance_explains_is_no_overfitting() -> None:
    """Logits of one distribution, of 32 examples each: farther apart than that, twice in a hundred."""
    random = torch.Generator().manual_seed(0)
    training, held_out = torch.randn(2, 400, 32, generator=random)
    fake = torch.full((32,), -0.1)
    found = [overfitting(one, other, fake) for one, other in zip(training, held_out, strict=True)]
    assert sum(value > 0.5 for value in found) <= 0.06 * len(found)
    assert overfitting(training[0], training[0] - 2, fake) > 0.5


@pytest.mark.parametrize(
    ("name", "bad", "good", "kind"),
    [
        ("diversity", 0.1, 0.9, "collapse"),
        ("overfitting", 0.9, 0.1, "overfitting"),
        ("gradient/generator", 0.0, 1.0, "dead generator"),
        ("gradient/discriminator", 1e-12, 1.0, "dead discriminator"),
    ],
)
def test_a_trouble_is_named_once_when_it_has_lasted_and_again_after_it_passed(
    name: str, bad: float, good: float, kind: str
) -> None:
    watch, checks = Watch(), itertools.count()
    for _ in range(2):
        told = [watch.look({name: bad}, LASTING * next(checks)) for _ in range(PATIENCE + 3)]
        assert [set(warnings) for warnings in told] == [set()] * (PATIENCE - 1) + [{kind}] + [set()] * 3
        line = told[PATIENCE - 1][kind]
        assert line.startswith(kind)
        assert "\n" not in line
        assert watch.look({name: good}, LASTING * next(checks)) == {}


def test_a_short_trouble_is_not_named() -> None:
    watch, checks = Watch(), itertools.count()
    for _ in range(5):
        for value in [0.0] * (PATIENCE - 1) + [1.0]:
            assert watch.look({"diversity": value}, LASTING * next(checks)) == {}


@pytest.mark.parametrize("begun", [0, 40, 1_000_000])
@pytest.mark.parametrize("every", [1, 7, 16, LASTING - 1])
def test_trouble_lasts_as_many_steps_however_often_it_is_looked_for(every: int, begun: int) -> None:
    """On a slow machine there is a check every other step, and in a session that goes on the first comes at once."""
    watch = Watch()
    looks = {step: watch.look({"overfitting": 1.15}, step) for step in range(begun, begun + 3 * LASTING, every)}
    (named,) = [step for step, warnings in looks.items() if warnings]
    enough = max(LASTING, (PATIENCE - 1) * every)
    assert enough <= named - begun < enough + every


def test_a_young_generator_on_its_way_up_has_not_collapsed() -> None:
    rising = Watch()
    assert all(rising.look({"diversity": 0.02 * number}, LASTING * number) == {} for number in range(1, 20))
    stuck = Watch()
    values = (0.10, 0.12, 0.14, 0.13, 0.14, 0.12)
    told = [stuck.look({"diversity": value}, LASTING * number) for number, value in enumerate(values)]
    assert [set(warnings) for warnings in told] == [set()] * 5 + [{"collapse"}]


def test_troubles_are_counted_apart_and_unknown_numbers_left_alone() -> None:
    watch = Watch()
    bad = {"diversity": 0.0, "gradient/generator": 0.0, "losses/generator": math.nan}
    for number in range(PATIENCE - 1):
        assert watch.look(bad, LASTING * number) == {}
        assert watch.look({"overfitting": 0.9}, LASTING * number) == {}
    assert set(watch.look(bad, LASTING * PATIENCE)) == {"collapse", "dead generator"}
    assert set(watch.look({"overfitting": 0.9}, LASTING * PATIENCE)) == {"overfitting"}
    assert Watch().look({"diversity": math.nan}, 0) == {}
