"""The monitor: what a person is told of a run, what is measured of it, and which process does all that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from one_weight import BATCH, TRAINING, Tug, Watched, noted
from torch import nn

from sparring.core.game import Batch, Event, Networks
from sparring.core.health import EARLIEST, LASTING, PATIENCE, Limit
from sparring.core.monitor import CHECKED, FEW, REPORT_SECONDS, YOUNG, Monitor
from sparring.core.pacing import Best, Progress, Services
from sparring.core.precision import Precision
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create

GOOD = {"diversity": 1.0, "overfitting": 0.0}
BAD = {"diversity": 0.0, "overfitting": 0.9}


class Prepared:
    """Measurements that were prepared: the next of each kind when they are asked for."""

    def __init__(
        self, health: Iterable[Mapping[str, float]] = (), everything: Iterable[Mapping[str, float]] = ()
    ) -> None:
        self.healths, self.everythings = iter(health), iter(everything)
        self.asked: list[str] = []
        self.most: list[int] = []
        self.seen: list[tuple[Networks, Batch]] = []

    limits: ClassVar[Mapping[str, Limit]] = {}

    def health(self, networks: Networks, recent: Batch, most: int) -> Mapping[str, float]:
        self.most.append(most)
        self.looked_at("health", networks, recent)
        return next(self.healths)

    def everything(self, networks: Networks, recent: Batch) -> Mapping[str, float]:
        self.looked_at("everything", networks, recent)
        return next(self.everythings)

    def looked_at(self, what: str, networks: Networks, recent: Batch) -> None:
        assert not torch.is_grad_enabled()
        assert not any(network.training for network in networks.values())
        self.asked.append(what)
        self.seen.append((networks, recent))


class Seat:
    """A monitor with what it watches; ``networks`` are training, as those of players without an average are."""

    def __init__(self, place: Path, measurements: Any, process: Process | None = None, **settings: Any) -> None:
        recipe = Recipe().changed({"batch": BATCH, **settings})
        self.run: Run = create(place / "run", recipe)
        self.watched = Watched(self.run)
        self.monitor: Monitor = self.watched.monitor(recipe, measurements, process)
        self.networks: Networks = {name: player.network for name, player in Tug().players.items()}

    def check(self, examples: int) -> None:
        self.monitor.check(self.networks, TRAINING, at(examples))

    def measure(self, examples: int) -> Mapping[str, float]:
        return self.monitor.measure(self.networks, TRAINING, at(examples))

    @property
    def best(self) -> list[int]:
        """After how many examples the weights were published as the best ones."""
        return [examples for examples, _ in self.watched.published[self.run.best]]

    @property
    def warned(self) -> list[tuple[str, int]]:
        """Kind and examples of each warning in the journal, all of which were said as well."""
        warnings = noted(self.run, "warning")
        said = [line for line in self.watched.lines if line.startswith("warning: ")]
        assert said == [f"warning: {warning['message']}" for warning in warnings]
        return [(warning["kind"], warning["examples"]) for warning in warnings]


def at(examples: int) -> Progress:
    """Old enough for health checks, which lie far enough apart at every eighth example."""
    return Progress(step=EARLIEST + LASTING * examples // BATCH, examples=examples, seconds=float(examples))


# Who does it


def test_only_the_first_process_measures_writes_and_publishes(tmp_path: Path) -> None:
    second = Seat(tmp_path, Prepared(), Process(rank=1, world_size=2))
    before = sorted(path.name for path in second.run.folder.rglob("*"))
    monitor, measurements = second.monitor, second.monitor.measurements
    second.check(8)
    assert second.measure(8) == {}
    monitor.write_preview(second.networks, at(8))
    monitor.note_progress({"losses/generator": 1.0}, 0.0, 1.0, 0.1, at(8))
    monitor.watch_gradients(dict.fromkeys(["gradient/generator"], 1.0), at(8))
    monitor.tell(Event("something"), at(8))
    monitor.went_back(8, at(0))
    monitor.end("done", at(8))
    assert measurements.asked == []
    assert (second.watched.previews, second.best, second.watched.published[second.run.model]) == ([], [], [])
    assert sorted(path.name for path in second.run.folder.rglob("*")) == before
    assert monitor.journal.path is None


def test_what_the_first_process_measured_counts_in_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience ends a run in all of them, at the same step."""
    second = Seat(tmp_path, Prepared(), Process(rank=1, world_size=2), patience=2)
    distances = iter([3.0, 1.0, 2.0, 2.0])
    monkeypatch.setattr("sparring.core.processes.broadcast", lambda measured: {"frechet": next(distances)})
    for examples in (8, 16, 24, 32):
        assert second.measure(examples)["frechet"] > 0
    assert second.monitor.best == Best(1.0, 16, 2)
    assert second.best == []  # published by the first one alone
    assert second.monitor.budget.used_up(at(32), second.monitor.best.misses, False).startswith("frechet has been no")


def test_networks_are_at_rest_while_they_are_looked_at_and_train_on_after(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([GOOD], [{"frechet": 1.0}]))
    asleep = nn.Linear(1, 1, bias=False).eval()
    seat.networks = {**seat.networks, "other": asleep}
    seat.check(8)
    seat.measure(8)
    for networks, recent in seat.monitor.measurements.seen:
        assert networks is seat.networks
        assert recent is TRAINING
    assert [network.training for network in seat.networks.values()] == [True, False]
    assert torch.is_grad_enabled()


def test_networks_are_looked_at_in_the_precision_of_the_run(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None)
    seat.monitor.precision = Precision(torch.device("cpu"), torch.bfloat16, channels_last=False, reason="asked")
    with seat.monitor.at_rest(seat.networks):
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16
    assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


# Health


def test_trouble_is_named_once_it_has_lasted(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([BAD] * (PATIENCE + 2)))
    for number in range(1, PATIENCE + 3):
        seat.check(8 * number)
    at_last = 8 * PATIENCE
    assert [line.split(":")[1].strip() for line in seat.watched.lines] == ["collapse", "overfitting"]
    warnings = noted(seat.run, "warning")
    assert [(each["kind"], each["examples"]) for each in warnings] == [("collapse", at_last), ("overfitting", at_last)]


def test_a_run_that_has_just_begun_is_not_checked(tmp_path: Path) -> None:
    """What chance made of the networks is no trouble, and a check of them would cost more than what they learned."""
    seat = Seat(tmp_path, Prepared([GOOD]))
    for step in (1, 16, EARLIEST - 1):
        seat.monitor.check(seat.networks, TRAINING, Progress(step, BATCH * step, 60.0))
    assert seat.monitor.measurements.asked == []
    seat.monitor.check(seat.networks, TRAINING, Progress(EARLIEST, BATCH * EARLIEST, 61.0))
    assert seat.monitor.measurements.asked == ["health"]


def test_checks_of_a_young_run_are_of_few_examples(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([GOOD] * 4))
    for seconds in (10.0, YOUNG - 1, YOUNG, 10 * YOUNG):
        seat.monitor.check(seat.networks, TRAINING, Progress(EARLIEST, 800, seconds))
    assert seat.monitor.measurements.most == [FEW, FEW, CHECKED, CHECKED]


def test_after_a_restart_trouble_must_last_anew(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([BAD] * 2 * PATIENCE))
    for number in range(PATIENCE - 1):
        seat.check(8 * number)
    seat.monitor.tell(Event("the players begin again", restarted=True), at(8 * PATIENCE))
    for number in range(PATIENCE - 1):
        seat.check(8 * (PATIENCE + number))
    assert [kind for kind, _ in seat.warned] == ["begun again"]
    seat.check(16 * PATIENCE)
    assert [kind for kind, _ in seat.warned] == ["begun again", "collapse", "overfitting"]


def test_only_the_checks_by_the_clock_count(tmp_path: Path) -> None:
    """Measurements by examples may follow each other within a second, and fall on the same weights as a check."""
    seat = Seat(tmp_path, Prepared([BAD] * PATIENCE, [{**BAD, "frechet": 1.0}] * PATIENCE))
    for number in range(PATIENCE - 1):
        seat.measure(8 + 16 * number)
        seat.check(16 + 16 * number)
    seat.measure(100)
    assert seat.warned == []
    seat.check(104)
    assert seat.warned == [("collapse", 104), ("overfitting", 104)]


def test_health_is_noted_and_nothing_where_nothing_can_be_measured(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([GOOD, {}, {"diversity": 0.5}]))
    for examples in (8, 16, 24):
        seat.check(examples)
    assert noted(seat.run, "health") == [
        {"event": "health", "examples": 8, **GOOD},
        {"event": "health", "examples": 24, "diversity": 0.5},
    ]
    assert seat.watched.lines == []


def test_a_player_without_a_gradient_is_named_once_it_has_lasted(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None)
    for number in range(PATIENCE + 1):
        means = {"gradient/generator": 0.0, "gradient/discriminator": 1.0, "losses/generator": 0.0}
        seat.monitor.watch_gradients(means, at(8 * (number + 1)))
    assert seat.warned == [("dead generator", 8 * PATIENCE)]


def test_the_report_is_written_by_the_clock_in_the_first_process_alone(tmp_path: Path) -> None:
    for rank in (0, 1):
        seat = Seat(tmp_path / str(rank), None, Process(rank=rank, world_size=2))
        services = Services(Progress(), torch.device("cpu"))
        seat.monitor.plan(services, seat.networks, lambda: TRAINING)
        for seconds in (0.0, REPORT_SECONDS - 1, REPORT_SECONDS, 2 * REPORT_SECONDS - 1, 100 * REPORT_SECONDS):
            services.progress.seconds = seconds
            due, service = services.planned[-1]
            if due.now(seconds):
                service()
        assert seat.watched.reports == ([True] * 3 if rank == 0 else [])


# The best weights


def test_the_weights_of_the_lowest_distance_are_kept(tmp_path: Path) -> None:
    distances = [3.0, 1.0, math.nan, 2.0, 0.5, 0.5]
    seat = Seat(tmp_path, Prepared((), [{"frechet": distance, "kernel": 9.0} for distance in distances]))
    for number, distance in enumerate(distances, 1):
        assert seat.measure(8 * number)["frechet"] == pytest.approx(distance, nan_ok=True)
    assert seat.best == [8, 16, 40]
    assert seat.monitor.best == Best(0.5, 40, 1)
    assert [entry["frechet"] for entry in noted(seat.run, "metrics")] == [3.0, 1.0, None, 2.0, 0.5, 0.5]
    assert seat.watched.published[seat.run.model] == []


def test_that_there_is_no_best_is_told_once(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared((), [{"kernel": 1.0}, {}, {"frechet": 2.0}, {"kernel": 1.0}]), patience=1)
    for examples in (8, 16, 24, 32):
        seat.measure(examples)
    (line,) = seat.watched.lines
    assert line == (
        "warning: frechet cannot be measured here, so best/ is not kept: too few data, or numbers that are not finite"
    )
    assert seat.best == [24]
    assert seat.monitor.best == Best(2.0, 24, 0)  # what cannot be measured is no miss
    assert len(noted(seat.run, "metrics")) == 4


def test_without_measurements_nothing_is_asked_noted_or_said(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None)
    seat.check(8)
    assert seat.measure(8) == {}
    assert seat.watched.lines == []
    assert not seat.run.journal.exists()


# Events


def test_an_event_is_told_and_noted_and_leaves_the_best_alone(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared((), [{"frechet": 1.0}]))
    seat.measure(8)
    seat.monitor.tell(Event("the adversarial phase begins"), at(16))
    assert seat.watched.lines == ["the adversarial phase begins"]
    assert noted(seat.run, "event") == [{"event": "event", "message": "the adversarial phase begins", "examples": 16}]
    assert noted(seat.run, "warning") == []
    assert seat.monitor.best == Best(1.0, 8, 0)


def test_after_a_restart_what_was_best_counts_no_more(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared((), [{"frechet": 1.0}, {"frechet": 2.0}]))
    seat.measure(8)
    seat.monitor.tell(Event("the generator collapsed", restarted=True), at(16))
    assert seat.monitor.best == Best()
    assert seat.warned == [("begun again", 16)]
    assert noted(seat.run, "event") == []
    seat.measure(24)
    assert seat.best == [8, 24]


# Lines


def test_a_line_of_progress_is_noted_in_groups_and_shown(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None, steps=10)
    means = {"losses/generator": 0.5, "accuracy/real": 0.75, "penalties/r1": 2.0}
    seat.monitor.note_progress(means, 0.125, 99.94, 0.001, Progress(5, 40, 3.0))
    seat.monitor.note_progress({}, 0.0, 0.0, 0.001, Progress(6, 48, 4.0))  # nothing was reported
    assert noted(seat.run, "step") == [
        {
            "event": "step", "step": 5, "examples": 40, "examples_per_second": 99.9, "waiting": 0.125,
            "learning_rate": 0.001, "losses": {"generator": 0.5}, "accuracy": {"real": 0.75}, "penalties": {"r1": 2.0},
        }
    ]  # fmt: skip
    (line,) = seat.watched.lines
    assert line.startswith("50% | 0:03 left | warming up | 100/s | step 5 | 40 examples | loss: generator 0.500 | ")


def test_a_preview_is_noted_by_its_file(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None)
    seat.monitor.write_preview(seat.networks, at(64))
    assert seat.watched.previews == [(64, 1.0)]
    assert noted(seat.run, "sample") == [{"event": "sample", "file": "samples/000000000064.png", "examples": 64}]


# Coming back


def test_damaged_checkpoints_are_named_and_the_best_comes_back(tmp_path: Path) -> None:
    seat = Seat(tmp_path, None)
    seat.monitor.restored({"best": Best(0.25, 64, 3).state()}, [Path("a"), Path("b")])
    assert seat.monitor.best == Best(0.25, 64, 3)
    assert seat.watched.lines == [f"warning: {name} is damaged; going on from the one before it" for name in "ab"]
    seat.monitor.restored({}, [])  # of a version that kept no best
    assert seat.monitor.best == Best()


def test_going_back_forgets_what_was_noted_since_and_warns(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Prepared([GOOD] * 3))
    for examples in (8, 16, 24):
        seat.check(examples)
    seat.monitor.went_back(24, Progress(2, 16, 1.0, rollbacks=2))
    assert [entry["examples"] for entry in noted(seat.run, "health")] == [8, 16]
    assert seat.warned == [("not finite", 16)]
    (line,) = seat.watched.lines
    assert line == (
        "warning: not finite: a loss was no number after 24 examples; back to 16, "
        "learning rate now 0.25 of the recipe's"
    )
