"""How a small network learns in a fixed number of steps: its rate, its end, and what it leaves as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring.networks import supervised
from sparring.networks.supervised import WARM, learn_by, one_cycle, progress

CPU = torch.device("cpu")


def silent(line: str) -> None:
    pass


def test_the_rate_rises_and_falls_once() -> None:
    shares = np.linspace(0, 1, 1001)
    rates = np.array([one_cycle(share) for share in shares])
    assert rates[0] == pytest.approx(0.04)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert shares[rates.argmax()] == pytest.approx(WARM)
    assert rates.max() == pytest.approx(1)
    assert (np.diff(rates)[shares[1:] <= WARM] > 0).all()
    assert (np.diff(rates)[shares[1:] > WARM] < 0).all()
    assert np.abs(np.diff(rates)).max() < 0.01  # without a jump


@pytest.mark.parametrize(
    ("of_steps", "of_time", "expected"), [(0.1, 0.4, 0.1), (0.1, 0.6, 0.6), (0.7, 0.6, 0.7), (0.9, 0.2, 0.9)]
)
def test_a_clock_counts_only_when_half_of_it_is_over(of_steps: float, of_time: float, expected: float) -> None:
    assert progress(of_steps, of_time) == expected


def regression(seed: int = 0) -> tuple[nn.Linear, Tensor, Tensor]:
    """A line to be learned, with 200 examples of it."""
    torch.manual_seed(seed)
    inputs = torch.randn(200, 3)
    return nn.Linear(3, 1), inputs, inputs @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3


def test_a_line_is_learned_in_so_many_steps() -> None:
    """Without weight decay, for the line itself; all parameters of a second network learn as well."""
    network, inputs, targets = regression()
    second = nn.Linear(1, 1)
    seen = []

    def loss() -> Tensor:
        seen.append(network.training)
        return (second(network(inputs)) - targets).square().mean()

    threads = torch.get_num_threads()
    taken = learn_by(loss, [network, second], 400, 0.05, CPU, silent, work="learning", weight_decay=0)
    assert taken == len(seen) == 400
    assert all(seen)
    assert not network.training
    assert not second.training
    assert torch.get_num_threads() == threads
    assert loss().item() < 1e-6


def test_weights_decay() -> None:
    """AdamW takes the rate times the decay of each weight a step; a loss of 0 moves nothing else."""
    network = nn.Linear(2, 1)
    before = network.weight.detach().clone()
    learn_by(lambda: 0 * network(torch.ones(1, 2)).sum(), [network], 10, 0.1, CPU, silent, work="x", weight_decay=0.5)
    kept = math.prod(1 - 0.5 * 0.1 * one_cycle(step / 10) for step in range(10))
    torch.testing.assert_close(network.weight.detach(), before * kept)


def test_what_takes_too_long_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand steps the first few go by their number; when half of the time is over, the clock leads to the
    end."""
    now = [0.0]

    def tick() -> float:
        now[0] += 0.5
        return now[0]

    network, inputs, targets = regression()
    monkeypatch.setattr(supervised.time, "monotonic", tick)

    def loss() -> Tensor:
        return (network(inputs) - targets).square().mean()

    taken = learn_by(loss, [network], 1000, 0.05, CPU, silent, work="learning", seconds=10)
    assert 8 <= taken <= 25
    assert not network.training
