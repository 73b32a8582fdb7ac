"""The running average: its half-life is exact, whatever the step; buffers are copied."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sparring.core.averaging import Averages, evaluating, frozen, update_average
from sparring.core.game import Player


def constant(value: float) -> nn.Linear:
    layer = nn.Linear(3, 2)
    for weight in layer.parameters():
        nn.init.constant_(weight, value)
    return layer


def average_of(network: nn.Module) -> nn.Module:
    return Averages({"generator": Player(network, averaged=True)}).networks["generator"]


@pytest.mark.parametrize(("examples", "half_life"), [(64, 64), (64, 6400), (1, 1000), (100, 50)])
def test_the_first_value_weighs_one_half_after_a_half_life(examples: int, half_life: int) -> None:
    average, network = average_of(constant(1.0)), constant(0.0)
    seen = 0
    while seen < half_life:
        update_average(average, network, examples, half_life)
        seen += examples
    for weight in average.parameters():
        torch.testing.assert_close(weight, torch.full_like(weight, 0.5 ** (seen / half_life)), rtol=1e-4, atol=0)


def test_the_average_of_moving_weights_is_the_weighted_sum() -> None:
    average, network, expected = average_of(constant(3.0)), constant(3.0), 3.0
    for value in (1.0, -2.0, 0.5):
        nn.init.constant_(network.weight, value)
        update_average(average, network, 10, 30)
        decay = 0.5 ** (10 / 30)
        expected = decay * expected + (1 - decay) * value
    torch.testing.assert_close(average.weight, torch.full((2, 3), expected))
    torch.testing.assert_close(average.bias, network.bias)


def test_no_half_life_copies() -> None:
    average, network = average_of(constant(1.0)), constant(0.125)
    update_average(average, network, 64, 0.0)
    assert all(torch.equal(*pair) for pair in zip(average.parameters(), network.parameters(), strict=True))


def test_buffers_are_copied_not_averaged() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    average = average_of(network)
    network(torch.randn(16, 3, generator=torch.Generator().manual_seed(0)))
    assert not torch.equal(average[1].running_mean, network[1].running_mean)
    update_average(average, network, 16, 1e6)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        assert torch.equal(mine, its)
        assert mine.data_ptr() != its.data_ptr()
    assert average[1].num_batches_tracked == 1  # whole numbers, too


def test_an_average_is_a_copy_that_is_never_trained() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).train()
    average = average_of(network)
    assert not average.training
    assert network.training
    assert not any(weight.requires_grad for weight in average.parameters())
    assert all(weight.requires_grad for weight in network.parameters())
    update_average(average, network, 1, 10)
    assert not any(weight.requires_grad for weight in average.parameters())


def test_players_with_an_average_are_followed_and_the_others_are_used_as_they_are() -> None:
    players = {name: Player(constant(1.0), averaged=name != "discriminator") for name in ("a", "b", "discriminator")}
    averages = Averages(players)
    assert list(averages.networks) == ["a", "b", "discriminator"]
    assert averages.networks["discriminator"] is players["discriminator"].network
    for player in players.values():
        nn.init.constant_(player.network.weight, 2.0)
    averages.follow(10, half_life=10)
    assert [averages.networks[name].weight[0, 0].item() for name in averages.networks] == [1.5, 1.5, 2.0]
    averages.follow(1, half_life=0)
    assert [averages.networks[name].weight[0, 0].item() for name in averages.networks] == [2.0] * 3
    assert averages.networks["a"] is not players["a"].network


def test_networks_that_rested_before_still_rest_after_evaluating() -> None:
    networks = {"a": nn.Dropout(), "b": nn.Dropout().eval()}
    with evaluating(networks):
        assert not any(network.training for network in networks.values())
    assert [network.training for network in networks.values()] == [True, False]


def test_weights_that_were_given_are_as_they_were_after_freezing() -> None:
    players = {name: Player(nn.Linear(1, 1)) for name in ("generator", "discriminator")}
    weights = {name: list(player.network.parameters()) for name, player in players.items()}
    weights["discriminator"][1].requires_grad_(False)

    def fail() -> None:
        with frozen(players, "generator"):
            assert all(weight.requires_grad for weight in weights["generator"])
            assert not any(weight.requires_grad for weight in weights["discriminator"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [weight.requires_grad for part in weights.values() for weight in part] == [True, True, True, False]
