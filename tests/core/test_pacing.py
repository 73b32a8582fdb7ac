"""When something is due, and what was reported meanwhile."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from sparring.core import pacing, running_means
from sparring.core.pacing import Due, Progress, Services, Timer
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


def test_due_no_sooner_than_it_is_worth() -> None:
    """What takes three seconds is done a hundred times three seconds later at the earliest: 1 % of the time."""
    due = Due(10)
    assert due.now(0)
    due.cost = 3.0
    assert [second for second in range(1, 1000) if due.now(second)] == [300, 600, 900]
    due.cost = 0.05
    assert [second for second in range(900, 930) if due.now(second)] == [910, 920]


def test_due_later_where_it_was_done_before() -> None:
    due = Due(10, last=7.0)
    assert [second for second in range(7, 30) if due.now(second)] == [17, 27]


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


class Day:
    """Services whose clock is set by hand; ``done`` are the seconds at which each was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
        self.now, self.done = progress.seconds, dict[str, list[float]]()
        monkeypatch.setattr(Timer, "seconds", lambda timer: self.now)
        self.services = Services(progress, torch.device("cpu"))

    def plan(self, name: str, takes: float, interval: float, growth: float = 0.0) -> None:
        def service() -> None:
            self.done.setdefault(name, []).append(self.now)
            self.now += takes

        self.services.plan(service, interval, growth)

    def pass_by(self, until: float, step: float) -> None:
        """Train, in steps that take so long."""
        while self.now < until:
            self.now += step
            self.services.progress.step += 1
            self.services.tick()
            self.services.do_what_is_due()


@pytest.mark.parametrize("step", [0.05, 0.5, 8.0])
def test_services_take_three_hundredths_of_a_run_at_most(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much each takes, but for the first of each; where they are cheap, they come as often as they are meant
    to."""
    for takes in (0.001, 0.1, 0.9, 5.0):
        progress = Progress()
        day = Day(monkeypatch, progress)
        for name, interval in (("check", 10.0), ("preview", 15.0), ("save", 60.0)):
            day.plan(name, takes, interval)
        day.pass_by(10_000, step)
        spent = takes * sum(map(len, day.done.values()))
        assert progress.services == pytest.approx(spent)
        assert spent - 3 * takes <= 0.03 * day.now
        assert progress.share_of_services() == pytest.approx(spent / day.now)
        for name, interval in (("check", 10.0), ("preview", 15.0), ("save", 60.0)):
            gaps = [later - earlier for earlier, later in pairwise(day.done[name])]
            assert max(gaps) <= max(interval, 100 * takes) + step + 3 * takes
            assert min(gaps) >= max(interval, 100 * takes) - 3 * takes


def test_a_run_that_goes_on_has_been_served_before(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(monkeypatch, Progress(step=5, seconds=100.0, services=2.0))
    day.plan("preview", 0.5, 15.0)
    day.pass_by(120, 1.0)
    assert day.done == {"preview": [115.0]}
    assert day.services.progress.services == 2.5


def test_services_are_counted_where_they_are_not_due(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(monkeypatch, Progress())

    def measure() -> None:
        day.now += 2.0

    assert day.services.do(measure) == 2.0
    assert (day.services.progress.seconds, day.services.progress.services) == (2.0, 2.0)


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
    assert one.close() == ({"losses/a": 4.0, "gradient/a": 5.0}, 0.25, 192 / 4)
    assert one.close()[0] == {}


def test_a_line_between_two_looks_takes_nothing_from_the_next_look() -> None:
    one = RunningMeans()
    one.add({"losses/a": torch.tensor(1.0)}, 8)
    assert one.close()[0] == {"losses/a": 1.0}
    one.add({"losses/a": torch.tensor(4.0)}, 8)
    again = RunningMeans.restored(json.loads(json.dumps(one.state())))
    for means in (one, again):
        means.add({"losses/a": torch.tensor(4.0)}, 8)
        assert means.read() == ({"losses/a": 3.0}, 24)
    assert one.close()[0] == {"losses/a": 4.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_noticed_until_it_was_looked_at(value: float) -> None:
    one = RunningMeans()
    one.add({"losses/a": torch.tensor(1.0), "losses/b": torch.tensor(2.0)}, 8)
    assert one.finite()
    one.add({"losses/a": torch.tensor(1.0), "losses/b": torch.tensor(value)}, 8)
    one.close()
    one.add({"losses/a": torch.tensor(1.0), "losses/b": torch.tensor(2.0)}, 8)
    assert not one.finite()
    one.read()
    assert one.finite()


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
