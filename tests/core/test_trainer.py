"""The trainer, on a game whose every weight is known in advance, and on real ones that are stopped and go on."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from stopping import stop_after
from table import smallest
from torch import Tensor, nn

from sparring.core.errors import TrainingDiverged
from sparring.core.game import Game, Networks, Player, Step, Turn
from sparring.core.journal import entries
from sparring.core.precision import choose
from sparring.core.processes import Processes
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create
from sparring.core.running_means import RunningMeans
from sparring.core.signals import Stop
from sparring.core.status import Status
from sparring.core.trainer import Trainer
from sparring.verbs.train import resume, train

BATCH = 8
REMEMBERING = {
    "gaussians": {},
    "digits": {"augment": "ada", "augment_target": 0, "discriminator_rate": 5, "dropout": 0.3},
}
EVERY_STEP = {"checkpoint_every": 1e-9, "keep_checkpoints": 99}


class Tug(Game):
    """Each player has one weight, 1 at first; to minimise it, Adam takes one learning rate off it a turn."""

    def __init__(self, loss: Callable[[Tensor, int], Tensor] | None = None, *order: str) -> None:
        self.loss, self.order = loss or (lambda weight, step: weight.sum()), order or ("generator",)
        self.players = {name: Player(nn.Linear(1, 1, bias=False), averaged=name == "generator") for name in self.order}
        for player in self.players.values():
            nn.init.ones_(player.network.weight)
        self.told: list[tuple[str, float, float]] = []  # each move's player, learning rate and beta2

    def turns(self, step: Step) -> Iterator[Turn]:
        step.report["accuracy/real"] = torch.tensor(0.75)
        step = step.examples_seen // BATCH + 1
        for name in self.order:
            yield Turn(name, lambda player=self.players[name]: self.loss(player.network.weight, step))
            self.told += [(name, at["lr"], at["betas"][1]) for at in self.players[name].optimizer.param_groups]

    def sample(self, networks: Networks, count: int, *, seed: int, label: int | None = None) -> Tensor:
        return networks["generator"].weight.expand(count, 1)

    def examples(self, batch: Mapping[str, Tensor]) -> Tensor:
        return batch["examples"]

    def judge(self, networks: Networks, batch: Mapping[str, Tensor], examples: Tensor) -> Tensor:
        return examples[:, 0]


class Match(Trainer):
    """Plays in a folder, on a screen that can be read; every generator that was published is remembered."""

    def __init__(self, place: Path, game: Tug, **settings: Any) -> None:
        self.screen, self.published = io.StringIO(), []
        recipe = Recipe().changed({"batch": BATCH, "learning_rate": 0.1, "checkpoint_every": 1000, **settings})
        training, held_out = ({"examples": x[:, None]} for x in (torch.full((BATCH,), 3.0), torch.linspace(-3, -2, 16)))
        data = {"feed": lambda seen: itertools.repeat(training), "held_out": held_out, "ours": Processes()}
        out = {
            "show": lambda samples, path: path,
            "publish": lambda made, folder: self.published.append(made["generator"].weight.item()),
        }
        here = {"precision": choose("float32", torch.device("cpu"), []), "status": Status(stream=self.screen)}
        super().__init__(game, recipe, create(place / "run", recipe), **data, **out, **here)


def noted(run: Run, event: str) -> list[dict[str, Any]]:
    return [entry for entry in entries(run.journal) if entry["event"] == event]


def saved(run: Run) -> dict[int, bytes]:
    return {int(path.stem) // BATCH: path.read_bytes() for path in run.checkpoints.iterdir()}


def test_any_number_of_players_moves_in_any_order_as_often_as_it_had_turns(tmp_path: Path) -> None:
    game = Tug(None, "c", "generator", "a", "c", "b", "c", "a")
    Match(tmp_path, game, steps=5).play(Stop())
    assert [name for name, _, _ in game.told] == [*game.order] * 5
    for name, player in game.players.items():
        moves = 5 * game.order.count(name)
        assert player.network.weight.item() == pytest.approx(1 - 0.1 * moves, abs=1e-5)
        assert player.optimizer.state[player.network.weight]["step"] == moves


def test_weights_that_a_game_has_frozen_stay_frozen(tmp_path: Path) -> None:
    game = Tug(None, "generator", "other")
    game.players["other"].network.register_parameter("given", nn.Parameter(torch.ones(1), requires_grad=False))
    Match(tmp_path, game, steps=1).play(Stop())
    assert [weight.requires_grad for weight in game.players["other"].network.parameters()] == [True, False]


@pytest.mark.parametrize("half_life", [BATCH, 5 * BATCH, 1000])
def test_the_average_follows_by_half_lives(half_life: int, tmp_path: Path) -> None:
    """Behind a weight that falls by 0.1 a step, an average of decay d lags 0.1 (d + d^2 + ... + d^n)."""
    match, decay = Match(tmp_path, Tug(), steps=12, average_half_life=half_life), 0.5 ** (BATCH / half_life)
    match.play(Stop())
    expected = 1 - 0.1 * 12 + 0.1 * sum(decay**step for step in range(1, 13))
    assert match.published[-1] == pytest.approx(expected, abs=1e-5)


def test_schedules_reach_the_optimiser(tmp_path: Path) -> None:
    game, schedules = Tug(), {"learning_rate": f"0.1:0.02@{4 * BATCH},linear", "beta2": f"0.9:0.99@{2 * BATCH},linear"}
    Match(tmp_path, game, steps=6, **schedules).play(Stop())
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
    Match(tmp_path, game, steps=3, clip_gradients=limit).play(Stop())
    assert moved == pytest.approx(seen, rel=1e-5)


def test_a_loss_that_is_no_number_goes_back_to_the_last_checkpoint_with_half_the_step(tmp_path: Path) -> None:
    played: list[int] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        played.append(step)
        return weight.sum() * (math.nan if step == 20 and played.count(20) == 1 else 1)

    match = Match(tmp_path, game := Tug(loss), steps=40, **EVERY_STEP)
    match.play(Stop())
    assert played == [*range(1, 33), *range(20, 41)]  # noticed after 32 steps; the last good one was the 19th
    assert [rate for _, rate, _ in game.told] == pytest.approx([0.1] * 32 + [0.05] * 21)
    assert game.players["generator"].network.weight.item() == pytest.approx(1 - 0.1 * 19 - 0.05 * 21, abs=1e-5)
    (warning,) = noted(match.run, "warning")
    assert warning["message"].startswith("not finite: a loss was no number after 256 examples; back to 152, ")
    assert f"warning: {warning['message']}" in match.screen.getvalue().splitlines()


@pytest.mark.parametrize("rollbacks", [0, 2])
def test_a_loss_that_stays_no_number_ends_the_run_and_leaves_its_checkpoints(rollbacks: int, tmp_path: Path) -> None:
    before: list[dict[int, bytes]] = []

    def loss(weight: Tensor, step: int) -> Tensor:
        if step == 20:
            before.append(saved(match.run))
        return weight.sum() * (math.nan if step >= 20 else 1)

    match = Match(tmp_path, game := Tug(loss), steps=40, rollbacks=rollbacks, **EVERY_STEP)
    with pytest.raises(TrainingDiverged, match="lower learning_rate"):
        match.play(Stop())
    assert len(noted(match.run, "warning")) == rollbacks
    assert game.told[-1][1] == pytest.approx(0.1 * 0.5**rollbacks)
    assert before == [saved(match.run)] * (1 + rollbacks)
    assert sorted(before[0]) == [*range(1, 20)]  # none with weights that are no numbers
    assert all(map(math.isfinite, match.published))


def test_one_overflowing_loss_that_leaves_the_weights_finite_costs_one_fresh_start(tmp_path: Path) -> None:
    overflow = iter([math.inf])
    game = Tug(lambda weight, step: weight.sum() + (next(overflow, 0) if step == 20 else 0))
    match = Match(tmp_path, game, steps=40, **EVERY_STEP)
    match.play(Stop())
    assert len(noted(match.run, "warning")) == 1


def test_a_raised_flag_ends_after_the_step_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    match = Match(tmp_path, game := Tug(), steps=40)
    assert match.play(stop_after(7, monkeypatch)) == "stopped"
    assert set(saved(match.run)) == {1, 7}
    assert torch.equal(load(saved(match.run)[7])["generator/network/weight"], game.players["generator"].network.weight)
    assert [(end["reason"], end["step"]) for end in noted(match.run, "end")] == [("stopped", 7)]


@pytest.mark.parametrize(("name", "stops"), [("gaussians", 5), ("digits", 21)])
def test_going_on_loses_nothing(name: str, stops: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In weights, averages and moments, and in what the journal says of each look."""
    monkeypatch.setattr(RunningMeans, "seconds", lambda self: 1.0)  # a line for each look
    recipe = smallest(name, tmp_path, steps=40, average_half_life=200, **REMEMBERING[name])
    whole = Run(train(recipe, out=tmp_path / "whole").run)
    parts = Run(train(recipe, out=tmp_path / "parts", stop=stop_after(stops, monkeypatch)).run)
    assert resume(parts.folder).steps == 40
    torch.testing.assert_close(load(saved(parts)[40]), load(saved(whole)[40]), rtol=0, atol=0)

    told, told_in_parts = ({line["step"]: line for line in noted(run, "step")} for run in (whole, parts))
    assert [list(told), list(told_in_parts)] == [[16, 32, 40], sorted([16, 32, 40, stops])]
    for step, name in itertools.product(told, {*told[16]} - {"seconds", "waiting", "examples_per_second"}):
        assert told_in_parts[step].get(name) == told[step].get(name)


def test_lasting_trouble_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On screen and in the journal: samples all alike, a judge sure of what it was trained on, a loss without slope."""
    for rarity in ("HEALTH_SECONDS", "GROWTH"):
        monkeypatch.setattr(f"sparring.core.trainer.{rarity}", 0)
    match = Match(tmp_path, Tug(lambda weight, step: 0 * weight.sum()), steps=64)
    match.play(Stop())
    warnings = noted(match.run, "warning")
    assert sorted(warning["kind"] for warning in warnings) == ["collapse", "dead generator", "overfitting"]
    shown = [line for line in match.screen.getvalue().splitlines() if line.startswith("warning: ")]
    assert shown == [f"warning: {warning['message']}" for warning in warnings]


def test_lines_of_progress_where_there_is_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunningMeans, "seconds", lambda self: 1.0)
    monkeypatch.setattr("sparring.core.status.PLAIN_SECONDS", 0)
    match = Match(tmp_path, Tug(), steps=40)
    match.play(Stop())
    assert re.sub(r"\d+:\d\d left", "TIME", match.screen.getvalue()).splitlines() == [
        "step 16 | 128 examples | 128/s | TIME | loss: generator 0.250 | judged right: real 75%",
        "step 32 | 256 examples | 128/s | TIME | loss: generator -1.350 | judged right: real 75%",
        "step 40 | 320 examples | 64/s | TIME | loss: generator -2.550 | judged right: real 75%",
    ]
    match.step_count, match.seconds = 10, 20.0
    assert match.time_left() == 60  # 30 more steps at 2 s each
