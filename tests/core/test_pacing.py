"""When something is due, and what was reported meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from sparring.core import pacing, running_means
from sparring.core.pacing import Due, Timer
from sparring.core.running_means import RunningMeans, gradient_norm, grouped


def test_due_at_first_then_every_interval() -> None:
    due = Due(10)
    assert [second for second in range(41) if due.now(second)] == [0, 10, 20, 30, 40]


def test_due_ever_more_rarely_as_a_run_grows() -> None:
    due = Due(10, growth=0.5)
    times = [second for second in range(400) if due.now(second)]
    assert times[:3] == [0, 10, 20]
    assert all(later - earlier >= max(10, 0.5 * later) for earlier, later in pairwise(times[1:]))
    assert times[-1] > 200


def test_due_at_once_after_going_back_in_time() -> None:
    due = Due(10)
    due.now(100)
    assert due.now(50)
    assert not due.now(55)


def test_the_timer_goes_on_from_earlier_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [7.0]
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now[0])
    timer = Timer(100.0)
    now[0] += 2.5
    assert timer.seconds() == 102.5


def test_reports_are_read_in_means(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(running_means.time, "perf_counter", lambda: now[0])
    one = RunningMeans()
    one.add({"losses/a": torch.tensor(1.0), "gradient/a": torch.tensor(5.0)}, 64)
    one.add({"losses/a": torch.tensor(3.0)}, 64)
    assert one.read() == ({"losses/a": 2.0, "gradient/a": 5.0}, 128)
    one.add({"losses/a": torch.tensor(8.0, requires_grad=True)}, 64)
    assert one.read() == ({"losses/a": 8.0}, 64)

    now[0], one.waited = 4.0, 1.0
    assert one.close() == ({"losses/a": 5.0, "gradient/a": 5.0}, 0.25, 192 / 4)
    assert one.close()[0] == {}
    assert one.seconds() == 0


def test_groups_and_norms() -> None:
    assert grouped({"losses/a": 1.0, "losses/b": 2.0, "p/c/d": 3.0}) == {
        "losses": {"a": 1.0, "b": 2.0},
        "p": {"c/d": 3.0},
    }
    network = nn.Linear(2, 2)
    network.weight.grad = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert gradient_norm(network.parameters()) == 5  # the bias has none
    network.bias.grad = torch.tensor([12.0, 0.0])
    assert gradient_norm(network.parameters()) == 13
