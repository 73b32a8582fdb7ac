"""The best weights so far: which they are, when they are looked for, and that going on changes nothing of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from one_weight import BATCH, Match, Tug, noted, weight_of
from safetensors import safe_open
from safetensors.torch import save_file
from stopping import stop_after
from table import smallest
from torch import Tensor, nn

from sparring.core.game import Batch, Networks
from sparring.core.health import Limit
from sparring.core.pacing import Best, passed
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create
from sparring.core.signals import Stop
from sparring.kind import Most
from sparring.verbs.session import Session
from sparring.verbs.train import resume, train

Seen = list[tuple[int, float]]
Distances = Callable[[float], Mapping[str, float]]


class Hike(Match):
    """Measures its one weight. ``measured`` is what that was asked of, ``best_published`` what was published as best:
    after how many examples, and the weight to four decimals."""

    def __init__(self, run: Run, distances: Distances, game: Tug, **settings: Any) -> None:
        self.distances, self.measured = distances, []
        own = {"measure_every": 2 * BATCH, "average_half_life": 0, "steps": 20}
        super().__init__(run, game, self, **{**own, **settings})

    limits: ClassVar[Mapping[str, Limit]] = {}

    def health(self, networks: Networks, recent: Batch, most: int) -> Mapping[str, float]:
        return {}

    def everything(self, networks: Networks, recent: Batch) -> Mapping[str, float]:
        assert not torch.is_grad_enabled()
        assert not networks["generator"].training
        weight = round(weight_of(networks), 4)
        self.measured.append((self.progress.examples, weight))
        return self.distances(weight)

    @property
    def best_published(self) -> Seen:
        return [(examples, round(weight, 4)) for examples, weight in self.watched.published[self.run.best]]


def to_target(weight: float) -> dict[str, float]:
    """Falls until the weight passes 0.45, after five and a half steps, then rises."""
    return {"frechet": (weight - 0.45) ** 2, "kernel": weight}


def hike(place: Path, distances: Distances = to_target, **settings: Any) -> Hike:
    return Hike(create(place / "run", Recipe()), distances, Tug(), **settings)


def go_on(run: Run, distances: Distances = to_target, **settings: Any) -> Hike:
    again = Hike(run, distances, Tug(), **settings)
    assert again.restore()
    again.monitor.journal.cut(again.progress.examples)
    return again


# The two of them alone


@pytest.mark.parametrize(
    ("distances", "best"),
    [
        ([], Best(math.inf, 0, 0)),
        ([5.0], Best(5.0, 10, 0)),
        ([5.0, 4.0], Best(4.0, 20, 0)),
        ([5.0, 6.0, 7.0], Best(5.0, 10, 2)),
        ([5.0, 5.0], Best(5.0, 10, 1)),  # no better
        ([5.0, 6.0, -1.0, 0.0], Best(-1.0, 30, 1)),  # an unbiased distance may be below 0
        ([math.inf], Best(math.inf, 0, 1)),
        ([math.nan, 3.0, math.nan], Best(3.0, 20, 1)),
    ],
)
def test_the_best_is_the_lowest_and_the_first_of_equals(distances: list[float], best: Best) -> None:
    found, lowest = Best(), math.inf
    for number, distance in enumerate(distances, start=1):
        assert found.improved_by(distance, 10 * number) == (distance < lowest)
        lowest = min(lowest, distance) if not math.isnan(distance) else lowest
    assert found == best


@pytest.mark.parametrize("best", [Best(), Best(0.25, 640, 3)])
def test_a_checkpoint_holds_it(best: Best) -> None:
    assert Best.restored(json.loads(json.dumps(best.state()))) == best


@pytest.mark.parametrize("parted", range(7))
def test_two_sessions_find_what_one_finds(parted: int) -> None:
    distances = [3.0, 1.0, 2.0, 2.0, 0.5, 0.5]
    whole, parts = Best(), Best()
    for number, distance in enumerate(distances):
        whole.improved_by(distance, number)
        if number == parted:
            parts = Best.restored(parts.state())
        parts.improved_by(distance, number)
    assert parts == whole == Best(0.5, 4, 1)


@pytest.mark.parametrize("every", [0, 1, 7, 8, 20, 50_000])
@pytest.mark.parametrize("batch", [1, 8, 64])
def test_due_where_a_multiple_lies_behind(every: int, batch: int) -> None:
    for before in (0, 8, 19_999, 49_992, 100_000):
        after = before + batch
        multiples = {number for number in range(before + 1, after + 1) if every and number % every == 0}
        assert passed(before, after, every) == bool(multiples)


# Through the trainer


@pytest.mark.parametrize(
    ("every", "steps"),
    [
        (BATCH, [*range(1, 21)]),
        (3 * BATCH, [3, 6, 9, 12, 15, 18]),
        (20, [3, 5, 8, 10, 13, 15, 18, 20]),  # the first step that reaches 20, 40, 60, ... examples
        (4, [*range(1, 21)]),  # more than one multiple a step: measured once
        (0, []),
        (1000, []),
    ],
)
def test_measured_at_the_multiples_and_nowhere_else(every: int, steps: list[int], tmp_path: Path) -> None:
    walk = hike(tmp_path, measure_every=every)
    walk.play(Stop())
    assert walk.measured == [(BATCH * step, pytest.approx(1 - 0.1 * step, abs=1e-3)) for step in steps]
    assert [entry["examples"] for entry in noted(walk.run, "metrics")] == [BATCH * step for step in steps]


def test_the_journal_has_every_distance(tmp_path: Path) -> None:
    walk = hike(tmp_path, steps=4)
    walk.play(Stop())
    assert noted(walk.run, "metrics") == [
        {"event": "metrics", "examples": examples, **to_target(weight)} for examples, weight in walk.measured
    ]


def test_published_when_better_and_only_then(tmp_path: Path) -> None:
    walk = hike(tmp_path)
    walk.play(Stop())
    assert walk.best_published == [(16, 0.8), (32, 0.6), (48, 0.4)]
    assert walk.monitor.best == Best(pytest.approx(0.05**2), 48, 7)


def test_the_recipe_says_by_which_distance(tmp_path: Path) -> None:
    walk = hike(tmp_path, metric="kernel")
    walk.play(Stop())
    assert [examples for examples, _ in walk.best_published] == [16 * number for number in range(1, 11)]


def test_patience_ends_the_run_and_says_why(tmp_path: Path) -> None:
    walk = hike(tmp_path, patience=3)
    assert walk.play(Stop()) == "frechet has been no better for 3 measurements"
    assert (walk.progress.step, walk.monitor.best.misses) == (12, 3)  # best after 6 steps; 8, 10 and 12 were no better
    assert noted(walk.run, "end")[-1]["reason"] == "frechet has been no better for 3 measurements"


@pytest.mark.parametrize("patience", [0, 8])
def test_patience_that_does_not_run_out(patience: int, tmp_path: Path) -> None:
    assert hike(tmp_path, patience=patience).play(Stop()) == "all 20 steps are done"


def test_patience_that_ran_out_stays_so_until_there_is_more_of_it(tmp_path: Path) -> None:
    first = hike(tmp_path, patience=3)
    first.play(Stop())
    again = go_on(first.run, patience=3)
    assert again.play(Stop()) == "frechet has been no better for 3 measurements"
    assert (again.progress.step, again.measured) == (12, [])
    assert go_on(first.run, patience=5).play(Stop()) == "frechet has been no better for 5 measurements"


@pytest.mark.parametrize("nothing", [{}, {"kernel": 1.0}, {"frechet": math.nan}, {"frechet": math.inf}])
def test_no_number_is_never_the_best_and_never_a_miss(nothing: dict[str, float], tmp_path: Path) -> None:
    silent = hike(tmp_path, lambda weight: nothing, patience=1)
    assert silent.play(Stop()) == "all 20 steps are done"
    assert (silent.best_published, silent.monitor.best) == ([], Best())
    assert len(noted(silent.run, "metrics")) == 10


def test_no_number_between_two_changes_nothing(tmp_path: Path) -> None:
    walk = hike(tmp_path, lambda weight: to_target(weight) if weight != 0.6 else {"frechet": math.nan})
    walk.play(Stop())
    assert [examples for examples, _ in walk.best_published] == [16, 48]
    assert noted(walk.run, "metrics")[1] == {"event": "metrics", "examples": 32, "frechet": None}


def test_without_measurements_there_is_no_best(tmp_path: Path) -> None:
    walk = hike(tmp_path, patience=1)
    walk.monitor.measurements = None
    assert walk.play(Stop()) == "all 20 steps are done"
    assert (walk.best_published, noted(walk.run, "metrics")) == ([], [])


@pytest.mark.parametrize("patience", [0, 4])
@pytest.mark.parametrize("stops", [1, 5, 6, 7, 9, 13])
def test_going_on_finds_the_same_best(
    stops: int, patience: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stopped: before the best, at it, between two measurements."""
    whole = hike(tmp_path / "whole", patience=patience)
    ended = whole.play(Stop())
    first = hike(tmp_path / "parts", patience=patience)
    assert first.play(stop_after(stops, monkeypatch)) == "stopped"
    second = go_on(first.run, patience=patience)
    assert second.play(Stop()) == ended
    assert first.best_published + second.best_published == whole.best_published
    assert first.measured + second.measured == whole.measured
    assert second.monitor.best == whole.monitor.best
    assert noted(second.run, "metrics") == noted(whole.run, "metrics")
    assert noted(second.run, "end")[-1] == noted(whole.run, "end")[-1]


def test_a_kill_after_the_last_checkpoint_is_lived_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was saved since the first step: what was measured since is measured again, and noted once."""
    whole = hike(tmp_path / "whole")
    whole.play(Stop())
    killed = hike(tmp_path / "killed")
    budget = killed.monitor.budget
    monkeypatch.setattr(budget, "used_up", lambda *asked: "killed" if killed.progress.step == 9 else "")
    killed.play_on(Stop())
    again = go_on(killed.run)
    assert (again.progress.step, again.monitor.best) == (1, Best())
    again.play(Stop())
    assert (again.monitor.best, again.best_published) == (whole.monitor.best, whole.best_published)
    assert noted(again.run, "metrics") == noted(whole.run, "metrics")


def test_a_checkpoint_from_before_there_was_a_best(tmp_path: Path) -> None:
    first = hike(tmp_path, steps=9)
    first.play(Stop())
    newest = max(first.run.checkpoints.iterdir())
    with safe_open(newest, "pt") as file:
        tensors, state = {key: file.get_tensor(key) for key in file.keys()}, json.loads(file.metadata()["state"])  # noqa: SIM118
    assert state.pop("best") == first.monitor.best.state()
    save_file(tensors, newest, {"state": json.dumps(state)})
    again = go_on(first.run, steps=20)
    assert (again.progress.step, again.monitor.best) == (9, Best())
    again.play(Stop())
    assert again.best_published == [(80, 0.0)]  # the first that is measured; all later ones are worse


def test_after_going_back_best_is_still_what_is_published_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sixth step's weights, 0.4, are published; the eighth is no number, so the run goes back to the fifth, and
    with half the learning rate never comes as near again."""
    tries: list[int] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        tries.append(step)
        return weight.sum() * (math.nan if step == 8 and tries.count(8) == 1 else 1.0)

    def near(weight: float) -> dict[str, float]:
        return {"frechet": 0.0 if weight == 0.4 else 1.0}

    first = hike(tmp_path, near)
    first.play(stop_after(4, monkeypatch))
    walk = Hike(first.run, near, Tug(loss))
    walk.restore()
    walk.play(Stop())
    assert tries.count(8) == 2
    assert walk.best_published[-1][0] == walk.monitor.best.examples


# Real games


def measured(run: Run) -> list[dict[str, Any]]:
    return noted(run, "metrics")


@pytest.mark.parametrize(("name", "metric"), [("gaussians", "sliced"), ("digits", "kernel")])
def test_a_real_run_that_goes_on_keeps_the_same_best_weights(
    name: str, metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.kind.Kind.most_compared", lambda kind, form: Most(training=128))
    recipe = smallest(name, tmp_path, steps=12, measure_every=3 * BATCH, metric=metric, learning_rate=0.02)
    whole = Run(train(recipe, out=tmp_path / "whole").run)
    parts = Run(train(recipe, out=tmp_path / "parts", stop=stop_after(7, monkeypatch)).run)
    resume(parts.folder)
    assert measured(parts) == measured(whole)
    assert [entry["examples"] for entry in measured(whole)] == [24, 48, 72, 96]
    lowest = min(measured(whole), key=lambda entry: entry[metric])["examples"]
    assert json.loads((whole.best / "config.json").read_text())["examples_seen"] == lowest
    for file in ("model.safetensors", "config.json"):
        assert (parts.best / file).read_bytes() == (whole.best / file).read_bytes()


def test_weights_that_are_no_numbers_are_never_the_best(tmp_path: Path) -> None:
    """They are measured before the trainer looks for numbers that are not finite: every 16 steps."""
    session = Session(
        smallest("digits", tmp_path, metric="kernel"), Process(), lambda: create(tmp_path / "run", Recipe())
    )
    nn.init.constant_(next(session.trainer.averages.networks["generator"].parameters()), math.nan)
    session.trainer.measure()
    assert session.monitor.best == Best()
    assert not session.run.best.exists()
