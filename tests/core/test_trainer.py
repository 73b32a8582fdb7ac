"""The trainer, on a game whose every weight is known in advance, and on real ones that are stopped and go on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from one_weight import BATCH, STEADY, Health, Match, Tug, noted, saved
from safetensors.torch import load
from stopping import stop_after
from table import smallest
from torch import Tensor, nn

from sparring.core.errors import TrainingDiverged
from sparring.core.game import Event, Networks, Player, Step, Turn
from sparring.core.health import EARLIEST, LASTING, Limit
from sparring.core.journal import entries
from sparring.core.pacing import Progress
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create
from sparring.core.seeds import mixed
from sparring.core.signals import Stop
from sparring.core.trainer import Trainer
from sparring.verbs.train import resume, train

REMEMBERING = {
    "gaussians": {},
    "digits": {"augment": "ada", "augment_target": 0, "discriminator_rate": 5, "dropout": 0.3},
}
EVERY_STEP = {"checkpoint_every": 1e-9, "keep_checkpoints": 99}


@pytest.fixture
def at_any_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due comes as often as it is asked for."""
    monkeypatch.setattr("sparring.core.pacing.WORTH", 0)


class Clock:
    """The time as the trainer sees it: each step takes ``step`` seconds, each health check ``check``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: float = 0.0, check: float = 0.0) -> None:
        self.now = 0.0
        for owner, name, takes in ((Trainer, "step", step), (Health, "health", check)):
            monkeypatch.setattr(owner, name, self.longer(getattr(owner, name), takes))
        time = SimpleNamespace(monotonic=lambda: self.now, perf_counter=lambda: self.now)
        for reader in ("pacing", "running_means", "status"):
            monkeypatch.setattr(f"sparring.core.{reader}.time", time)

    def longer(self, work: Callable[..., Any], takes: float) -> Callable[..., Any]:
        def longer(*arguments: Any) -> Any:
            self.now += takes
            return work(*arguments)

        return longer


def a_match(place: Path, game: Tug, measurements: Any = None, **settings: Any) -> Match:
    recipe = Recipe().changed({**STEADY, **settings})
    return Match(create(place / "run", recipe), game, measurements, **settings)


def published(match: Match) -> list[float]:
    """Every generator that was published as the last one."""
    return [weight for _, weight in match.watched.published[match.run.model]]


def test_any_number_of_players_moves_in_any_order_as_often_as_it_had_turns(tmp_path: Path) -> None:
    game = Tug(None, "c", "generator", "a", "c", "b", "c", "a")
    a_match(tmp_path, game, steps=5).play(Stop())
    assert [name for name, _, _ in game.told] == [*game.order] * 5
    for name, player in game.players.items():
        moves = 5 * game.order.count(name)
        assert player.network.weight.item() == pytest.approx(1 - 0.1 * moves, abs=1e-5)
        assert player.optimizer.state[player.network.weight]["step"] == moves


def test_each_step_draws_numbers_of_its_own_from_the_seed_and_the_examples_seen(tmp_path: Path) -> None:
    """A resumed run draws what it would have drawn; dropout too, whose numbers are torch's own."""

    class Drawing(Tug):
        def turns(self, step: Step) -> Iterator[Turn]:
            drawn.append((step.examples_seen, step.normal().tolist(), torch.rand(1).item()))
            yield from super().turns(step)

    def play(name: str, seed: int) -> list[tuple[int, list[float], float]]:
        drawn.clear()
        a_match(tmp_path / name, Drawing(), steps=5, seed=seed).play(Stop())
        return [*drawn]

    drawn: list[tuple[int, list[float], float]] = []
    first, other = play("first", 3), play("other", 4)
    assert play("again", 3) == first
    assert [seen for seen, _, _ in first] == [BATCH * step for step in range(5)]
    assert len({tuple(numbers) for _, numbers, _ in first + other}) == 10
    assert len({number for _, _, number in first + other}) == 10
    seeded = torch.Generator().manual_seed(mixed(3, 2 * BATCH))
    assert first[2][1] == torch.randn(BATCH, generator=seeded).tolist()


def test_weights_that_a_game_has_frozen_stay_frozen(tmp_path: Path) -> None:
    game = Tug(None, "generator", "other")
    game.players["other"].network.register_parameter("given", nn.Parameter(torch.ones(1), requires_grad=False))
    a_match(tmp_path, game, steps=1).play(Stop())
    assert [weight.requires_grad for weight in game.players["other"].network.parameters()] == [True, False]


@pytest.mark.parametrize("half_life", [BATCH, 5 * BATCH, 1000])
def test_the_average_follows_by_half_lives(half_life: int, tmp_path: Path) -> None:
    """Behind a weight that falls by 0.1 a step, an average of decay d lags 0.1 (d + d^2 + ... + d^n)."""
    match, decay = a_match(tmp_path, Tug(), steps=12, average_half_life=half_life), 0.5 ** (BATCH / half_life)
    match.play(Stop())
    expected = 1 - 0.1 * 12 + 0.1 * sum(decay**step for step in range(1, 13))
    assert published(match)[-1] == pytest.approx(expected, abs=1e-5)


def test_the_half_life_of_the_average_is_that_of_the_examples_seen(tmp_path: Path) -> None:
    """It rises from 0, which copies, to 80 examples: each step's is the one after that step."""
    ramp = {"average_half_life": f"0:{10 * BATCH}@{10 * BATCH},linear"}
    match = a_match(tmp_path, Tug(), steps=12, **ramp)
    match.play(Stop())
    average, copied, constant = 1.0, 1.0 - 0.1 * 12, 1.0
    for step in range(1, 13):
        decay = 0.5 ** (BATCH / (BATCH * min(step, 10)))
        average = decay * average + (1 - decay) * (1 - 0.1 * step)
        constant = 0.5**0.1 * constant + (1 - 0.5**0.1) * (1 - 0.1 * step)
    assert published(match)[-1] == pytest.approx(average, abs=1e-5)
    assert min(abs(average - copied), abs(average - constant)) > 0.05  # what its start or its end alone would give


def test_schedules_reach_the_optimiser(tmp_path: Path) -> None:
    game, schedules = Tug(), {"learning_rate": f"0.1:0.02@{4 * BATCH},linear", "beta2": f"0.9:0.99@{2 * BATCH},linear"}
    a_match(tmp_path, game, steps=6, **schedules).play(Stop())
    assert [rate for _, rate, _ in game.told] == pytest.approx([0.1, 0.08, 0.06, 0.04, 0.02, 0.02])
    assert [beta for _, _, beta in game.told] == pytest.approx([0.9, 0.945, 0.99, 0.99, 0.99, 0.99])


@pytest.mark.parametrize(("limit", "seen"), [(0, (3.0, 50.0, 3.0)), (5, (3.0, 5.0, 3.0)), (1, (1.0, 1.0, 1.0))])
def test_gradients_longer_than_the_limit_are_shortened_to_it(
    limit: float, seen: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[float] = []

    def move(player: Player, learning_rate: float, betas: tuple[float, float]) -> None:
        moved.append(player.network.weight.grad.norm().item())

    monkeypatch.setattr(Player, "move", move)
    game = Tug(lambda weight, step: weight.sum() * (50 if step == 2 else -3))
    a_match(tmp_path, game, steps=3, clip_gradients=limit).play(Stop())
    assert moved == pytest.approx(seen, rel=1e-5)


@pytest.mark.usefixtures("at_any_cost")
def test_a_loss_that_is_no_number_goes_back_to_the_last_checkpoint_with_half_the_step(tmp_path: Path) -> None:
    played: list[int] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        played.append(step)
        return weight.sum() * (math.nan if step == 20 and played.count(20) == 1 else 1)

    match = a_match(tmp_path, game := Tug(loss), steps=40, **EVERY_STEP)
    match.play(Stop())
    assert played == [*range(1, 33), *range(20, 41)]  # noticed after 32 steps; the last good one was the 19th
    assert [rate for _, rate, _ in game.told] == pytest.approx([0.1] * 32 + [0.05] * 21)
    assert game.players["generator"].network.weight.item() == pytest.approx(1 - 0.1 * 19 - 0.05 * 21, abs=1e-5)
    (warning,) = noted(match.run, "warning")
    assert warning["message"].startswith("not finite: a loss was no number after 256 examples; back to 152, ")
    assert f"warning: {warning['message']}" in match.watched.lines


def test_a_number_that_is_not_finite_is_noticed_at_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine that is sooner than after sixteen steps."""
    Clock(monkeypatch, step=0.4)
    played: list[int] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        played.append(step)
        return weight.sum() * (math.nan if step == 20 and played.count(20) == 1 else 1)

    match = a_match(tmp_path, Tug(loss), steps=24, checkpoint_every=1e-9, keep_checkpoints=99)
    match.play(Stop())
    assert played == [*range(1, 22), *range(20, 25)]  # the lines came after 18 and 21 steps
    assert all(math.isfinite(line["losses"]["generator"]) for line in noted(match.run, "step"))


@pytest.mark.usefixtures("at_any_cost")
@pytest.mark.parametrize("rollbacks", [0, 2])
def test_a_loss_that_stays_no_number_ends_the_run_and_leaves_its_checkpoints(rollbacks: int, tmp_path: Path) -> None:
    before: list[dict[int, bytes]] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        if step == 20:
            before.append(saved(match.run))
        return weight.sum() * (math.nan if step >= 20 else 1)

    match = a_match(tmp_path, game := Tug(loss), steps=40, rollbacks=rollbacks, **EVERY_STEP)
    with pytest.raises(TrainingDiverged, match="lower learning_rate"):
        match.play(Stop())
    assert len(noted(match.run, "warning")) == rollbacks
    assert game.told[-1][1] == pytest.approx(0.1 * 0.5**rollbacks)
    assert before == [saved(match.run)] * (1 + rollbacks)
    assert sorted(before[0]) == [*range(1, 20)]  # none with weights that are no numbers
    assert all(map(math.isfinite, published(match)))


@pytest.mark.usefixtures("at_any_cost")
def test_one_overflowing_loss_that_leaves_the_weights_finite_costs_one_fresh_start(tmp_path: Path) -> None:
    overflow = iter([math.inf])
    game = Tug(lambda weight, step: weight.sum() + (next(overflow, 0) if step == 20 else 0))
    match = a_match(tmp_path, game, steps=40, **EVERY_STEP)
    match.play(Stop())
    assert len(noted(match.run, "warning")) == 1


def test_a_raised_flag_ends_after_the_step_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    match = a_match(tmp_path, game := Tug(), steps=40)
    assert match.play(stop_after(7, monkeypatch)) == "stopped"
    assert set(saved(match.run)) == {1, 7}
    assert torch.equal(load(saved(match.run)[7])["generator/network/weight"], game.players["generator"].network.weight)
    assert [(end["reason"], end["step"]) for end in noted(match.run, "end")] == [("stopped", 7)]


@pytest.mark.parametrize(("name", "stops"), [("gaussians", 5), ("digits", 21)])
def test_going_on_loses_nothing(name: str, stops: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In weights, averages and moments, in what ADA does at each look, and in what the journal says of each step."""
    Clock(monkeypatch, step=1.0)  # a line for each step
    recipe = smallest(name, tmp_path, steps=40, average_half_life=200, **REMEMBERING[name])
    whole = Run(train(recipe, out=tmp_path / "whole").run)
    parts = Run(train(recipe, out=tmp_path / "parts", stop=stop_after(stops, monkeypatch)).run)
    assert resume(parts.folder).steps == 40
    torch.testing.assert_close(load(saved(parts)[40]), load(saved(whole)[40]), rtol=0, atol=0)

    told, told_in_parts = ({line["step"]: line for line in noted(run, "step")} for run in (whole, parts))
    assert [list(told), list(told_in_parts)] == [[*range(1, 41)]] * 2
    for step, name in itertools.product(told, {*told[16]} - {"waiting", "examples_per_second"}):
        assert told_in_parts[step].get(name) == told[step].get(name)


def test_lasting_trouble_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On screen and in the journal: samples all alike, a discriminator sure of what it was trained on, no gradient."""
    Clock(monkeypatch, step=1.0)
    game = Tug(lambda weight, step: 0 * weight.sum())
    match = a_match(tmp_path, game, Health(game), steps=LASTING + 150)
    match.play(Stop())
    warnings = noted(match.run, "warning")
    assert sorted(warning["kind"] for warning in warnings) == ["collapse", "dead generator", "overfitting"]
    shown = [line for line in match.watched.lines if line.startswith("warning: ")]
    assert shown == [f"warning: {warning['message']}" for warning in warnings]


@pytest.mark.parametrize("check", [0.02, 0.9, 4.0])
@pytest.mark.parametrize("step", [0.03, 0.5, 4.0])
def test_health_checks_cost_a_hundredth_of_a_run_at_most(
    step: float, check: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is checked in the first steps, and nothing is called trouble by a few checks of a young run."""
    clock, game = Clock(monkeypatch, step, check), Tug()
    match = a_match(tmp_path, game, Health(game), steps=LASTING + EARLIEST - 1)
    match.play(Stop())
    checks = noted(match.run, "health")
    assert len(checks) <= 1 + clock.now / (100 * check)
    assert len(checks) >= (LASTING * step) // (max(10, 0.02 * clock.now, 100 * check) + step + check)
    assert all(entry["examples"] >= EARLIEST * BATCH for entry in checks)
    assert noted(match.run, "warning") == []
    (end,) = (entry for entry in entries(match.run.journal) if entry["event"] == "end")
    assert end["services"] == pytest.approx(len(checks) * check / clock.now, abs=1e-4)


def test_lines_of_progress_where_there_is_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock, however many steps there are in a second: each the means since the one before."""
    Clock(monkeypatch, step=0.25)
    match = a_match(tmp_path, Tug(), steps=46)
    match.play(Stop())
    assert match.watched.screen.getvalue().splitlines() == [
        "9% | 0:10 left | warming up | 32/s | step 4 | 32 examples | loss: generator 0.850"
        " | discriminator accuracy: real 75%",
        "96% | 0:00 left | warming up | 32/s | step 44 | 352 examples | loss: generator -3.150"
        " | discriminator accuracy: real 75%",
    ]
    assert [line["step"] for line in noted(match.run, "step")] == [*range(4, 46, 4), 46]
    losses = [line["losses"]["generator"] for line in noted(match.run, "step")]
    means = [1 - 0.1 * (first + last) / 2 for first, last in [*((s, s + 3) for s in range(0, 44, 4)), (44, 45)]]
    assert losses == pytest.approx(means, abs=1e-5)
    assert match.monitor.budget.left(Progress(step=10, seconds=20.0)) == 72  # 36 more steps at 2 s each


@pytest.mark.parametrize("step", [0.001, 2.0, 60.0])
def test_the_first_line_comes_within_seconds_or_after_the_first_step(
    step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch, step)
    match = a_match(tmp_path, Tug(), time=3 * max(1.0, step))
    match.play(Stop())
    first = next(entry for entry in entries(match.run.journal) if entry["event"] == "step")
    assert first["seconds"] == pytest.approx(max(1.0, step), abs=2 * step if step < 1 else 0)


# What the game is told, and what it answers


class Talkative(Tug):
    """Notes what it is told; answers the looks with what is next in ``answers``, measurements with nothing."""

    def __init__(self, *answers: Event | None) -> None:
        super().__init__(None, "generator", "other")
        self.answers = iter(answers)
        self.observed: list[tuple[Mapping[str, float], int]] = []

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        self.observed.append((dict(means), examples))
        event = next(self.answers, None) if examples else None
        if event and event.restarted:
            for player in self.players.values():
                nn.init.constant_(player.network.weight, 5.0)
        return event


class Falling:
    """A distance of 7, whatever is measured."""

    limits: ClassVar[Mapping[str, Limit]] = {}

    def health(self, networks: Networks, recent: Mapping[str, Tensor]) -> Mapping[str, float]:
        return {}

    def everything(self, networks: Networks, recent: Mapping[str, Tensor]) -> Mapping[str, float]:
        return {"frechet": 7.0, "diversity": 1.0}


def test_a_game_is_told_of_the_means_at_each_look_and_of_each_measurement(tmp_path: Path) -> None:
    game = Talkative()
    a_match(tmp_path, game, Falling(), steps=40, measure_every=20 * BATCH).play(Stop())
    measured = ({"metrics/frechet": 7.0, "metrics/diversity": 1.0}, 0)
    assert [told for told in game.observed if not told[1]] == [measured, measured]
    looks = [told for told in game.observed if told[1]]
    assert [examples for _, examples in looks] == [16 * BATCH] * 2
    assert game.observed.index(measured) == 1  # after 20 steps, between the looks after 16 and 32
    for means, _ in looks:
        assert set(means) == {
            "accuracy/real",
            *(f"{what}/{who}" for what in ("losses", "gradient") for who in game.order),
        }
    assert looks[0][0]["losses/other"] == pytest.approx(1 - 0.1 * 7.5, abs=1e-5)


def test_an_event_is_told_and_training_goes_on(tmp_path: Path) -> None:
    match = a_match(tmp_path, game := Talkative(None, Event("the discriminator joins")), steps=40)
    match.play(Stop())
    assert noted(match.run, "event") == [
        {"event": "event", "message": "the discriminator joins", "examples": 32 * BATCH}
    ]
    assert noted(match.run, "warning") == []
    assert "the discriminator joins" in match.watched.lines
    assert game.players["other"].optimizer.state[game.players["other"].network.weight]["step"] == 40


def test_after_a_restart_moments_and_averages_begin_again(tmp_path: Path) -> None:
    """The players' weights are 5 after 32 steps; an average of the ones before would be left far behind."""
    game = Talkative(None, Event("it collapsed", restarted=True))
    match = a_match(tmp_path, game, Falling(), steps=34, measure_every=20 * BATCH, average_half_life=10_000)
    match.play(Stop())
    for player in game.players.values():
        assert player.optimizer.state[player.network.weight]["step"] == 2
        assert player.network.weight.item() == pytest.approx(5 - 0.2, abs=1e-5)
    assert published(match)[-1] == pytest.approx(5, abs=1e-3)
    (warning,) = noted(match.run, "warning")
    assert (warning["kind"], warning["message"], warning["examples"]) == ("begun again", "it collapsed", 32 * BATCH)
    assert math.isinf(match.monitor.best.distance)  # what was best before counts no more
