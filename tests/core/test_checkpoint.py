"""Checkpoints: going on from one is never having stopped, and no failure costs an earlier one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from sparring.core import checkpoint
from sparring.core.checkpoint import load, newest_first, newest_readable, player_tensors, restore_player, save
from sparring.core.game import Player

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


def write(folder: Path, *examples: int, keep: int = 9) -> list[Path]:
    return [save(folder, seen, {"x": torch.full((50,), float(seen))}, {"examples": seen}, keep) for seen in examples]


def names(folder: Path) -> list[int]:
    return [int(path.name.removesuffix(".safetensors")) for path in newest_first(folder)]


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_going_on_is_never_having_stopped(tmp_path: Path) -> None:
    whole, first, second = a_player(), a_player(), a_player(seed=1)
    train(whole, range(12))
    train(first, range(5))
    path = save(tmp_path, 5, player_tensors("judge", first), {"step": 5}, keep=1)
    train(second, range(3))  # what it held before is forgotten

    tensors, state = load(path, CPU)
    assert state == {"step": 5}
    restore_player("judge", second, tensors)
    assert same(player_tensors("judge", second), player_tensors("judge", first))
    train(second, range(5, 12))
    assert same(player_tensors("judge", second), player_tensors("judge", whole))


def test_moments_keep_the_memory_format_of_their_weights(tmp_path: Path) -> None:
    player = a_player()
    train(player, range(2))
    tensors, _ = load(save(tmp_path, 1, player_tensors("p", player), {}, keep=1), CPU)
    restore_player("p", player, tensors)
    for weight in player.network.parameters():
        assert player.optimizer.state[weight]["exp_avg"].stride() == weight.stride()
        assert player.optimizer.state[weight]["step"].shape == ()


def test_an_untrained_player_is_restored_untrained(tmp_path: Path) -> None:
    fresh, trained = a_player(), a_player()
    tensors, _ = load(save(tmp_path, 0, player_tensors("p", fresh), {}, keep=1), CPU)
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
    assert newest_readable(tmp_path, CPU)[1:] == ({"examples": 3}, [])

    third.write_bytes(third.read_bytes()[:-7])
    tensors, state, damaged = newest_readable(tmp_path, CPU)
    assert (state, damaged) == ({"examples": 2}, [third])
    assert torch.equal(tensors["x"], torch.full((50,), 2.0))

    second.write_bytes(b"")
    assert newest_readable(tmp_path, CPU)[1:] == ({"examples": 1}, [third, second])
    first.write_bytes(b"\xff" * 100)
    assert "none of its checkpoints can be read (3 are damaged)" in mistake(newest_readable, tmp_path, CPU)
    assert newest_readable(tmp_path / "nowhere", CPU) is None


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 40, -1])
def test_no_cut_file_is_taken_for_whole(tmp_path: Path, length: int) -> None:
    older, newer = write(tmp_path, 1, 2)
    newer.write_bytes(newer.read_bytes()[:length])
    assert newest_readable(tmp_path, CPU)[1:] == ({"examples": 1}, [newer])
    assert older.exists()


def test_a_safetensors_file_that_is_no_checkpoint_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1)
    for seen, metadata in ((2, None), (3, {"state": "{"}), (4, {"other": "x"})):
        checkpoint.save_file({"x": torch.ones(1)}, tmp_path / f"{seen:012d}.safetensors", metadata=metadata)
    found = newest_readable(tmp_path, CPU)
    assert found[1] == {"examples": 1}
    assert len(found[2]) == 3


@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_file_never_outlives_a_whole_one(tmp_path: Path, keep: int) -> None:
    """After going back past a damaged checkpoint, new ones have fewer examples than the damaged one's name."""
    *_, damaged = write(tmp_path, 100, 300)
    damaged.write_bytes(b"")
    write(tmp_path, 200, keep=keep)
    assert newest_readable(tmp_path, CPU)[1] == {"examples": 200}


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
        assert newest_readable(tmp_path, CPU)[1:] == ({"examples": 1}, [])
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2)
    assert names(tmp_path) == [1]
