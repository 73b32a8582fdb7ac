"""Players move as their optimiser's paper says; a step's numbers depend on its seed alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.core.game import Game, Player, Step, Turn, rows
from sparring.core.seeds import mixed

CPU = torch.device("cpu")


def a_step(part: slice = slice(0, 8), **changed: Any) -> Step:
    settings: dict[str, Any] = {"examples_seen": 64, "seed": 3, "global_batch": 8, "device": CPU, **changed}
    return Step([], part=part, **settings)


# Seeds


def test_mixing_is_splitmix64() -> None:
    """The first outputs of the reference implementation (Steele et al. 2014; Vigna) from states 0 and 1234567."""
    assert mixed(0) == 0xE220A8397B1DCDAF >> 1
    assert mixed(1234567) == 6457827717110365317 >> 1


def test_mixing_is_deterministic_and_tells_everything_apart() -> None:
    numbers = [
        *itertools.product(range(40), range(0, 6400, 64)),
        *itertools.product(range(30), range(10), range(10)),
    ]
    numbers += [(n,) for n in range(1000)]
    seeds = {mixed(*each) for each in numbers}
    assert len(seeds) == len(numbers)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert mixed(1, 2) == mixed(1, 2) != mixed(2, 1)
    torch.manual_seed(max(seeds))


def test_neighbouring_seeds_differ_in_half_of_their_bits() -> None:
    flips = [(mixed(0, n) ^ mixed(0, n + 64)).bit_count() for n in range(0, 64000, 64)]
    assert sum(flips) / len(flips) == pytest.approx(31.5, abs=0.5)


# Steps


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_slices_of_all_processes_are_the_global_draw(processes: int) -> None:
    whole, share = a_step(), 8 // processes
    parts = [a_step(slice(rank * share, (rank + 1) * share)) for rank in range(processes)]
    for draw in ("normal", "uniform", "normal"):
        numbers = getattr(whole, draw)(3, 2)
        assert numbers.shape == (8, 3, 2)
        assert torch.equal(numbers, torch.cat([getattr(part, draw)(3, 2) for part in parts]))


def test_steps_differ_by_seed_only() -> None:
    """The trainer mixes the time into the seed."""
    first = a_step().normal(5)
    assert torch.equal(first, a_step().normal(5))
    assert torch.equal(first, a_step(examples_seen=128).normal(5))
    assert not torch.equal(first, a_step(seed=4).normal(5))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    a_step().uniform()
    assert torch.equal(torch.get_rng_state(), before)  # the process's own numbers are left alone


def test_draws_are_what_they_are_called() -> None:
    big = a_step(slice(0, 20_000), global_batch=20_000)
    normal, uniform, again = big.normal(), big.uniform(), big.uniform()
    assert normal.shape == uniform.shape == (20_000,)
    assert not torch.equal(uniform, again)
    assert normal.mean().item() == pytest.approx(0, abs=0.03)
    assert normal.std().item() == pytest.approx(1, abs=0.03)
    assert (uniform.min().item(), uniform.max().item()) == pytest.approx((0, 1), abs=0.001)
    assert uniform.max() < 1


# Conditions


class Labelled(Game):
    def __init__(self, classes: int) -> None:
        self.players, self.outputs, self.classes = {}, {}, classes

    def turns(self, step: Step) -> Iterator[Turn]:
        yield from ()


@pytest.mark.parametrize(
    ("classes", "label", "labels"),
    [(3, None, [0, 1, 2, 0, 1, 2, 0]), (3, 2, [2] * 7), (3, 0, [0] * 7), (1, None, [0] * 7), (0, None, None)],
)
def test_conditions_are_each_label_in_turn_or_the_one_asked_for(
    classes: int, label: int | None, labels: list[int] | None
) -> None:
    conditions = Labelled(classes).conditions(7, label)
    assert conditions["row"].tolist() == list(range(7))
    assert ("labels" in conditions) == (labels is not None)
    assert rows(conditions) == 7
    if labels is not None:
        assert conditions["labels"].tolist() == labels
        assert conditions["labels"].dtype == torch.int64


def test_a_game_that_says_no_more_has_nothing_to_tell_or_to_remember() -> None:
    game = Labelled(0)
    assert game.batches == 1
    assert game.observe({"losses/generator": 1.0}, 64) is None
    assert game.state() == {}
    game.load_state({})


# Players


def player(value: float = 1.0, **settings: Any) -> tuple[Player, Tensor]:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return Player(layer, **settings), layer.weight


def test_the_first_move_is_one_learning_rate_long() -> None:
    """Adam's first step is the learning rate against the gradient's sign, whatever its size (Kingma & Ba 2015)."""
    for gradient, relative in ((0.01, 1.0), (-50.0, 1.0), (7.0, 0.25)):
        one, weight = player(rate=relative)
        weight.grad = torch.full_like(weight, gradient)
        one.move(0.1, (0.5, 0.9))
        sign = 1 if gradient > 0 else -1
        assert weight.item() == pytest.approx(1 - sign * 0.1 * relative, rel=1e-4)


def test_rates_and_momenta_follow_what_each_move_is_told() -> None:
    """Adam's recursions by hand, learning rate and beta2 changing from move to move."""
    one, weight = player(0.0, weight_decay=0.1)
    expected = first = second = 0.0
    for step, (gradient, rate, beta1, beta2) in enumerate(
        [(1.0, 0.1, 0.5, 0.9), (-0.3, 0.05, 0.5, 0.95), (2.0, 0.2, 0.0, 0.99)], 1
    ):
        weight.grad = torch.full_like(weight, gradient)
        one.move(rate, (beta1, beta2))

        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        expected *= 1 - rate * 0.1  # decoupled decay (Loshchilov & Hutter 2019)
        expected -= rate * (first / (1 - beta1**step)) / ((second / (1 - beta2**step)) ** 0.5 + 1e-8)
        assert weight.item() == pytest.approx(expected, rel=1e-4)
        assert one.optimizer.param_groups[0]["lr"] == rate
        assert one.optimizer.param_groups[0]["betas"] == (beta1, beta2)


def test_clipping_keeps_every_weight_within_bounds() -> None:
    one = Player(nn.Linear(20, 20), weight_clip=0.01)
    for weight in one.network.parameters():
        weight.grad = torch.ones_like(weight)
    one.move(0.5, (0.0, 0.99))
    assert all(weight.abs().max() <= 0.01 for weight in one.network.parameters())
    free, weight = player(5.0)
    weight.grad = torch.ones_like(weight)
    free.move(0.1, (0.0, 0.99))
    assert weight.item() > 4
