"""Two processes on this machine agree on everything, and their mean gradient is the whole batch's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sparring.core import processes
from sparring.core.processes import Process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def play_two(script: str, *arguments: str) -> list[str]:
    """What each of two processes prints, by rank. They are given a minute."""
    place = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
    }
    path = str(Path(__file__).with_name(script))
    started = [
        subprocess.Popen(
            [sys.executable, path, *arguments],
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        answers = [process.communicate(timeout=60) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], answers
    return [out for out, _ in answers]


@pytest.fixture(scope="module")
def reports() -> list[dict[str, Any]]:
    """What each of two processes says of itself, by rank."""
    return [json.loads(out) for out in play_two("processes_together.py")]


def test_each_process_knows_who_it_is(reports: list[dict[str, Any]]) -> None:
    assert [report["who"] for report in reports] == [[0, 2, 0, True, True], [1, 2, 1, False, True]]
    assert [report["part"] for report in reports] == [[0, 4], [4, 8]]
    assert [report["alone"] for report in reports] == [[0, True], [1, False]]
    assert not any(report["left"] for report in reports)


def test_no_thread_outlives_the_group(reports: list[dict[str, Any]]) -> None:
    """One that does may abort the process at its end, and torchrun then calls the whole job failed."""
    assert [report["threads"] for report in reports] == [[], []]


def test_averaged_gradients_are_those_of_the_whole_batch(reports: list[dict[str, Any]]) -> None:
    torch.manual_seed(0)
    network, examples = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(8, 3)
    network(examples).square().mean().backward()
    expected = [weight.grad.flatten() for weight in network.parameters()]
    assert reports[0]["gradients"] == reports[1]["gradients"]
    for one, other in zip(expected, reports[0]["gradients"], strict=True):
        torch.testing.assert_close(one, torch.tensor(other))


def test_all_hear_what_one_says(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        assert report["any"] == [False, True, True, True]
        assert report["latest"] == 11
        assert report["mean"] == [0.5, 4.0]
        assert report["rows"] == [[0, 7], [0, 8], [1, 7], [1, 8]]
        assert report["from_first"] == {"from": 0, "path": "runs/a"}


def test_clocks_that_differ_do_not_part_the_processes(tmp_path: Path) -> None:
    """What falls due by the clock (a checkpoint, the end) is due in the same step everywhere, or all wait for ever."""
    reasons = play_two("clocks_that_differ.py", str(tmp_path / "run"))
    assert reasons == ["the time is up\n"] * 2
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) > 2


def test_alone_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.distributed("cpu") as ours:
        assert (ours.rank, ours.world_size, ours.first) == (0, 1, True)
        weight = nn.Parameter(torch.ones(2))
        weight.grad = torch.tensor([1.0, 2.0])
        processes.average_gradients([weight])
        assert weight.grad.tolist() == [1.0, 2.0]
        assert processes.broadcast("x") == "x"
        assert processes.max_over(1.5, weight.device) == 1.5
        assert processes.mean(weight.grad) is weight.grad
        assert processes.all_gather(weight.grad) is weight.grad
        assert [processes.any_over(flag, weight.device) for flag in (True, False)] == [True, False]
        processes.barrier()
        assert processes.is_first()


def test_parts_cover_a_batch_without_overlap(mistake: Callable[..., str]) -> None:
    for count in (1, 2, 3, 4):
        batch = list(range(12))
        parts = [batch[Process(rank, count).part(12)] for rank in range(count)]
        assert list(chain(*parts)) == batch
    line = mistake(Process(0, 3).part, 64)
    assert line == "batch 64 does not divide among 3 processes: choose a multiple"


def test_a_launchers_restarts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    assert processes.current_process().restarts == 2
