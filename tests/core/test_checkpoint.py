"""Checkpoints: going on from one is never having stopped, no failure costs an earlier one, and a game that does not fit
is told."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from one_weight import Tug
from safetensors import SafetensorError
from torch import Tensor, nn

from sparring.core import checkpoint
from sparring.core.averaging import Averages
from sparring.core.checkpoint import (
    Checkpoints,
    load,
    newest_first,
    newest_state,
    player_tensors,
    restore_player,
    save,
)
from sparring.core.game import Player
from sparring.core.pacing import Best, Progress
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create

CPU = torch.device("cpu")


def a_player(seed: int = 0) -> Player:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 1, bias=False))
    return Player(layers.to(memory_format=torch.channels_last), weight_decay=0.01)


def train(player: Player, steps: range) -> None:
    for step in steps:
        images = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(step))
        player.network(images).square().mean().backward()
        player.move(0.01 / (1 + step), (0.5, 0.9 + 0.001 * step))
        player.optimizer.zero_grad(set_to_none=True)


def a_state(examples: int) -> dict[str, Any]:
    """What every checkpoint says, of a run that has seen so many examples."""
    progress = {"step": examples, "examples": examples, "seconds": 1.0, "rollbacks": 0}
    return {**progress, "game": {}, "pending": [], "pending_examples": 0}


def write(folder: Path, *examples: int, keep: int = 9) -> list[Path]:
    return [save(folder, seen, {"x": torch.full((50,), float(seen))}, a_state(seen), keep) for seen in examples]


def newest_readable(folder: Path) -> tuple[int, list[Path]] | None:
    """The examples that the newest whole checkpoint was saved after, and the files passed over."""
    read: list[Tensor] = []
    found = checkpoint.newest_readable(folder, CPU, lambda tensors, state: read.append(tensors["x"]))
    if found is None:
        return None
    assert torch.equal(read[-1], torch.full((50,), float(found[0]["examples"])))
    return found[0]["examples"], found[1]


def names(folder: Path) -> list[int]:
    return [int(path.name.removesuffix(".safetensors")) for path in newest_first(folder)]


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_going_on_is_never_having_stopped(tmp_path: Path) -> None:
    whole, first, second = a_player(), a_player(), a_player(seed=1)
    train(whole, range(12))
    train(first, range(5))
    path = save(tmp_path, 5, player_tensors("discriminator", first), a_state(5), keep=1)
    train(second, range(3))  # what it held before is forgotten

    tensors, state = load(path, CPU)
    assert state == a_state(5)
    restore_player("discriminator", second, tensors)
    assert same(player_tensors("discriminator", second), player_tensors("discriminator", first))
    train(second, range(5, 12))
    assert same(player_tensors("discriminator", second), player_tensors("discriminator", whole))


def test_moments_keep_the_memory_format_of_their_weights(tmp_path: Path) -> None:
    player = a_player()
    train(player, range(2))
    tensors, _ = load(save(tmp_path, 1, player_tensors("p", player), a_state(1), keep=1), CPU)
    restore_player("p", player, tensors)
    for weight in player.network.parameters():
        assert player.optimizer.state[weight]["exp_avg"].stride() == weight.stride()
        assert player.optimizer.state[weight]["step"].shape == ()


def test_an_untrained_player_is_restored_untrained(tmp_path: Path) -> None:
    fresh, trained = a_player(), a_player()
    tensors, _ = load(save(tmp_path, 0, player_tensors("p", fresh), a_state(0), keep=1), CPU)
    train(trained, range(3))
    restore_player("p", trained, tensors)
    for player in (fresh, trained):
        train(player, range(4))
    assert same(player_tensors("p", trained), player_tensors("p", fresh))


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 64, 128, 999, 1000, 20_000, keep=3)
    assert names(tmp_path) == [20_000, 1000, 999]
    write(tmp_path, 30_000, keep=1)
    assert names(tmp_path) == [30_000]
    assert [path.name for path in tmp_path.iterdir()] == ["000000030000.safetensors"]


def test_the_newest_that_is_whole_is_found(tmp_path: Path, mistake: Callable[..., str]) -> None:
    first, second, third = write(tmp_path, 1, 2, 3)
    assert newest_readable(tmp_path) == (3, [])

    third.write_bytes(third.read_bytes()[:-7])
    assert newest_readable(tmp_path) == (2, [third])

    second.write_bytes(b"")
    assert newest_readable(tmp_path) == (1, [third, second])
    first.write_bytes(b"\xff" * 100)
    assert "none of its checkpoints can be read (3 are damaged)" in mistake(newest_readable, tmp_path)
    assert newest_readable(tmp_path / "nowhere") is None


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 40, -1])
def test_no_cut_file_is_taken_for_whole(tmp_path: Path, length: int) -> None:
    older, newer = write(tmp_path, 1, 2)
    newer.write_bytes(newer.read_bytes()[:length])
    assert newest_readable(tmp_path) == (1, [newer])
    assert older.exists()


def test_a_safetensors_file_that_is_no_checkpoint_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1)
    for seen, metadata in ((2, None), (3, {"state": "{"}), (4, {"other": "x"})):
        checkpoint.save_file({"x": torch.ones(1)}, tmp_path / f"{seen:012d}.safetensors", metadata=metadata)
    found = newest_readable(tmp_path)
    assert found
    assert found[0] == 1
    assert len(found[1]) == 3


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "change",
    [
        "null",
        "[]",
        DEEP,
        '{"step": 1}',
        json.dumps({**a_state(2), "step": -1}),
        json.dumps({**a_state(2), "examples": "many"}),
        json.dumps({**a_state(2), "seconds": math.nan}),
        json.dumps({**a_state(2), "services": -1.0}),
        json.dumps(a_state(2)).replace('"examples": 2', '"examples": ' + "9" * 5000),
        json.dumps({**a_state(2), "game": 3}),
        json.dumps({**a_state(2), "best": {"distance": "near"}}),
        json.dumps({**a_state(2), "pending": [3]}),
        json.dumps({**a_state(2), "pending": [{}]}),
        json.dumps({**a_state(2), "pending_examples": None}),
    ],
    ids=lambda text: text[:20] + str(len(text)),
)
def test_a_damaged_state_is_passed_over(tmp_path: Path, change: str) -> None:
    _, newer = write(tmp_path, 1, 2)
    checkpoint.save_file({"x": torch.full((50,), 2.0)}, newer, metadata={"state": change})
    assert newest_readable(tmp_path) == (1, [newer])
    assert newest_state(tmp_path)[0].examples == 1


def test_files_of_others_are_neither_read_nor_removed(tmp_path: Path) -> None:
    """A copy that somebody made, or what a file manager leaves, sorts behind every number."""
    (first,) = write(tmp_path, 1)
    for name in ("my-backup.safetensors", "000000000001 (copy).safetensors", "1.safetensors", "notes.txt"):
        (tmp_path / name).write_bytes(first.read_bytes())
    assert newest_readable(tmp_path) == (1, [])
    write(tmp_path, 2, 3, keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000000001 (copy).safetensors",
        "000000000003.safetensors",
        "1.safetensors",
        "my-backup.safetensors",
        "notes.txt",
    ]


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "000000000002.safetensors").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "000000000003.safetensors")
    found = newest_readable(tmp_path)
    assert found
    assert found[0] == 1
    write(tmp_path, 4, keep=1)  # a folder cannot be unlinked
    assert names(tmp_path)[0] == 4


@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_file_never_outlives_a_whole_one(tmp_path: Path, keep: int) -> None:
    """After going back past a damaged checkpoint, new ones have fewer examples than the damaged one's name."""
    *_, damaged = write(tmp_path, 100, 300)
    damaged.write_bytes(b"")
    write(tmp_path, 200, keep=keep)
    assert (newest_readable(tmp_path) or [])[0] == 200


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left on device")],
)
def test_a_full_disk_leaves_earlier_checkpoints_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str], failure: Exception
) -> None:
    write(tmp_path, 1, 2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def half_written(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise failure

    monkeypatch.setattr(checkpoint, "save_file", half_written)
    line = mistake(write, tmp_path, 3, keep=1)
    assert line.startswith(str(tmp_path / "000000000003.safetensors"))
    assert "No space left on device" in line
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_not_complete_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of a write: the next reader finds what was there before."""
    write(tmp_path, 1)

    def killed(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        assert newest_readable(tmp_path) == (1, [])
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2)
    assert names(tmp_path) == [1]


# Those of a game


class Remembering(Tug):
    """Remembers two numbers and two rows for each of its examples of a batch."""

    def __init__(self, *order: str, width: int = 1) -> None:
        super().__init__(None, *(order or ("generator", "discriminator")))
        for name, player in self.players.items():
            self.players[name] = Player(nn.Linear(width, 1), averaged=player.averaged)
        self.numbers: dict[str, float] = {"strength": 0.0, "phase": 1.0}
        self.rows: dict[str, Tensor] = {"pool": torch.zeros(4, 2), "seen": torch.zeros(4, dtype=torch.int64)}

    def state(self) -> dict[str, float | Tensor]:
        return {**self.numbers, **self.rows}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:
        self.loaded = dict(state)


def kept(
    run: Run, game: Tug, averages: Averages | None = None, part: slice = slice(0, 4), keep: int = 3
) -> Checkpoints:
    return Checkpoints(run, game, averages or Averages(game.players), part, CPU, keep)


def a_run(place: Path) -> Run:
    return create(place / "run", Recipe())


def move(game: Tug, moves: int) -> None:
    for player in game.players.values():
        for _ in range(moves):
            player.network(torch.ones(1, player.network.in_features)).sum().backward()
            player.move(0.1, (0.5, 0.9))
            player.optimizer.zero_grad(set_to_none=True)


def everything_of(game: Tug, averages: Averages) -> dict[str, Tensor]:
    players = {}
    for name, player in game.players.items():
        players |= player_tensors(name, player)
    return players | {f"average/{name}": value for name, value in averages.networks["generator"].state_dict().items()}


def test_a_game_comes_back_with_its_players_averages_numbers_and_rows(tmp_path: Path) -> None:
    run, game = a_run(tmp_path), Remembering()
    averages = Averages(game.players)
    move(game, 3)
    averages.follow(8, half_life=8)
    game.numbers = {"strength": 0.1 + 0.2, "phase": 2.0}
    game.rows = {"pool": torch.randn(4, 2), "seen": torch.tensor([3, 1, 2, 0])}
    progress = Progress(step=3, examples=24, seconds=1.5, rollbacks=1)
    more = {"best": Best(0.5, 8, 1).state(), "pending": [{"a": 1.0}]}
    kept(run, game, averages).save(progress, more, writes=True)
    before = {name: value.clone() for name, value in everything_of(game, averages).items()}
    move(game, 2)
    averages.follow(8, half_life=0)
    assert not same(everything_of(game, averages), before)

    found = kept(run, game, averages).restore()
    assert found is not None
    back, state, damaged = found
    assert (back, damaged) == (progress, [])
    assert (state["best"], state["pending"]) == (more["best"], more["pending"])
    assert same(everything_of(game, averages), before)
    assert {name: game.loaded[name] for name in game.numbers} == game.numbers
    assert game.loaded.keys() == {*game.numbers, *game.rows}
    for name, rows in game.rows.items():
        assert game.loaded[name].dtype == rows.dtype
        assert torch.equal(game.loaded[name], rows)


def test_names_in_a_checkpoint_are_those_that_older_runs_have(tmp_path: Path) -> None:
    run, game = a_run(tmp_path), Remembering()
    move(game, 1)
    kept(run, game).save(Progress(examples=8), {}, writes=True)
    tensors, state = load(newest_first(run.checkpoints)[0], CPU)
    parts = [f"{kind}/{key}" for kind in ("network", "average") for key in ("weight", "bias")]
    moments = [f"adam/{index}/{key}" for index in (0, 1) for key in ("step", "exp_avg", "exp_avg_sq")]
    assert tensors.keys() == {
        *(f"generator/{name}" for name in (*parts, *moments)),
        *(f"discriminator/{name}" for name in (*parts[:2], *moments)),
        "game/pool", "game/seen",
    }  # fmt: skip
    assert state == {
        "step": 0, "examples": 8, "seconds": 0.0, "rollbacks": 0, "services": 0.0,
        "game": {"strength": 0.0, "phase": 1.0},
    }  # fmt: skip


def test_each_process_takes_its_own_rows_back(tmp_path: Path) -> None:
    """One process writes the rows of all, here of a batch of 4 that two processes go on with."""
    run, whole = a_run(tmp_path), Remembering()
    whole.rows = {"pool": torch.arange(8.0).view(4, 2), "seen": torch.arange(4)}
    kept(run, whole).save(Progress(), {}, writes=True)
    for rank in (0, 1):
        game = Remembering()
        kept(run, game, part=slice(2 * rank, 2 * rank + 2)).restore()
        assert game.loaded["seen"].tolist() == [2 * rank, 2 * rank + 1]
        assert torch.equal(game.loaded["pool"], whole.rows["pool"][2 * rank : 2 * rank + 2])
        assert game.loaded["phase"] == 1.0  # numbers are those of all


def test_a_process_that_does_not_write_writes_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    kept(run, Remembering()).save(Progress(), {}, writes=False)
    assert list(run.checkpoints.iterdir()) == []
    assert kept(run, Remembering()).restore() is None


def test_damaged_files_are_passed_over_and_named(tmp_path: Path, mistake: Callable[..., str]) -> None:
    run, game = a_run(tmp_path), Remembering()
    for step in (1, 2, 3):
        game.numbers["phase"] = float(step)
        kept(run, game).save(Progress(step=step, examples=8 * step), {}, writes=True)
    third, second, first = newest_first(run.checkpoints)
    for path in (third, second):
        path.write_bytes(path.read_bytes()[:-3])
    found = kept(run, game).restore()
    assert found is not None
    assert (found[0].step, game.loaded["phase"], found[2]) == (1, 1.0, [third, second])
    first.write_bytes(b"")
    assert "none of its checkpoints can be read (3 are damaged)" in mistake(kept(run, game).restore)


def test_only_the_newest_checkpoints_of_a_run_are_kept(tmp_path: Path) -> None:
    run, game = a_run(tmp_path), Remembering()
    for examples in (8, 16, 24, 32):
        kept(run, game, keep=2).save(Progress(examples=examples), {}, writes=True)
    assert names(run.checkpoints) == [32, 24]


@pytest.mark.parametrize(
    "other",
    [
        lambda: Remembering(width=2),
        lambda: Remembering("generator", "critic"),
        lambda: Remembering("generator", "discriminator", "critic"),
    ],
    ids=["width", "name", "more"],
)
def test_a_game_that_does_not_fit_its_checkpoints_is_told(
    other: Callable[[], Remembering], tmp_path: Path, mistake: Callable[..., str]
) -> None:
    run = a_run(tmp_path)
    kept(run, Remembering()).save(Progress(), {}, writes=True)
    assert mistake(kept(run, other()).restore) == (
        f"{run.recipe}: does not fit the checkpoints beside it; restore it as it was, or train a new run"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_not_healthy(value: float, tmp_path: Path) -> None:
    game = Remembering()
    checkpoints = kept(a_run(tmp_path), game)
    assert checkpoints.healthy()
    with torch.no_grad():
        game.players["discriminator"].network.bias[0] = value
    assert not checkpoints.healthy()
