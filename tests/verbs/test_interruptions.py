"""Stopped, killed or out of disk: what a training leaves behind, and that going on from it loses nothing."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from table import HOME

from sparring.cli import main
from sparring.core.journal import entries

SMALL = ["digits", "--width", 4, "--batch", 8, "--time", 0, "--precision", "float32", "--device", "cpu"]
ENDLESS = ["--steps", 1_000_000, "--checkpoint-every", 0.05, "--keep-checkpoints", 1000]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "3"]
PATIENCE = 60  # seconds

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(*words)``: the command line at work, in a process that does not outlive its test."""
    started = []
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup, which processes inherit

    def at_work(*words: object, through: Sequence[str] = (), **settings: Any) -> subprocess.Popen[str]:
        command = [sys.executable, *through, str(Path(__file__).with_name("at_any_cost.py")), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, **pipes, **settings))
        return started[-1]

    yield at_work
    for process in started:
        process.kill()
        process.communicate()
    signal.signal(signal.SIGHUP, before)


def checkpoints(run: Path) -> dict[int, Path]:
    """By examples seen, in order."""
    return {int(path.stem): path for path in sorted((run / "checkpoints").glob("*.safetensors"))}


def wait_for(number: int, run: Path, process: subprocess.Popen[str]) -> None:
    """Until the run has that many checkpoints: it is then somewhere between two of them."""
    until = time.monotonic() + PATIENCE
    while len(checkpoints(run)) < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no progress"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_training_with_all_that_it_promises(
    number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    run, data = tmp_path / "run", HOME["digits"].draw_pictures(tmp_path / "drawn.npz", (8, 8, 1))
    process = start("train", *SMALL, *ENDLESS, "--data", data, "--out", run, "--json")
    wait_for(3, run, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert f"  sparring resume {run}" in err.splitlines()

    outcome = json.loads(out)  # nothing but one object
    assert out.count("\n") == 1
    assert (outcome["run"], outcome["reason"], outcome["finished"]) == (str(run), "stopped", False)
    assert outcome["examples"] == 8 * outcome["steps"] == [*checkpoints(run)][-1]
    assert json.loads((run / "model" / "config.json").read_text())["examples_seen"] == outcome["examples"]
    assert load_file(run / "model" / "model.safetensors")
    assert [*entries(run / "journal.jsonl")][-1]["reason"] == "stopped"
    assert "stopped" in (run / "report.html").read_text()


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_weights_of_one_that_never_was(start: Start, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start("train", *SMALL, *ENDLESS, "--out", killed)
    wait_for(4, killed, process)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL

    left = [*checkpoints(killed)][-1] // 8
    steps = str(left + 30)
    for process in (  # as the killed one: how many threads an earlier test left to ours would show in the last bits
        start("resume", killed, "--steps", steps, "--checkpoint-every", "60"),
        start("train", *SMALL, "--steps", steps, "--out", whole),
    ):
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    (resumed,) = (entry for entry in entries(killed / "journal.jsonl") if entry["event"] == "resume")
    assert resumed["examples"] == 8 * left > 8
    tensors = [load_file(checkpoints(run)[8 * int(steps)]) for run in (killed, whole)]
    torch.testing.assert_close(*tensors, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to tell the workers of a launcher")
def test_a_worker_that_is_killed_comes_back_by_itself(start: Start, tmp_path: Path) -> None:
    run = tmp_path / "run"
    often = ["--steps", 150, "--checkpoint-every", 0.05, "--keep-checkpoints", 1000]
    launcher = start("train", *SMALL, *often, "--out", run, through=TORCHRUN)
    wait_for(4, run, launcher)
    workers = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    os.kill(int(workers[-1]), signal.SIGKILL)
    _, err = launcher.communicate(timeout=2 * PATIENCE)
    assert launcher.returncode == 0, err
    assert "lost touch with another one" in err
    journal = [entry for entry in entries(run / "journal.jsonl") if entry["event"] in ("start", "resume", "end")]
    assert [entry["event"] for entry in journal] == ["start", "resume", "end"]
    assert journal[1]["examples"] >= 8 * 4
    assert [*checkpoints(run)][-1] == 8 * 150


def test_a_full_disk_is_told_in_one_line_and_costs_no_checkpoint(
    start: Start, finished_run: Path, tmp_path: Path
) -> None:
    """The limit is on each file's size: room for recipe, journal and sheets, none for a checkpoint."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    before = {seen: path.read_bytes() for seen, path in checkpoints(run).items()}
    limit = [min(map(len, before.values())) // 2] * 2
    full = start("resume", run, "--steps", 9, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    out, err = full.communicate(timeout=PATIENCE)
    assert full.returncode == 2
    assert out == ""
    assert "Traceback" not in err
    *others, line = err.splitlines()
    assert line.startswith(f"sparring: {run / 'checkpoints'}/")
    assert "File too large" in line
    assert not [other for other in others if other.startswith("sparring: ")]
    assert {seen: path.read_bytes() for seen, path in checkpoints(run).items()} == before
    assert not [*run.rglob("*.part")]

    assert main(["resume", str(run)]) == 0  # with room again
    assert set(checkpoints(run)) >= {8 * 9}


# What a person sees, or cannot see any more

QUICK = "gaussians --steps 40 --time 0 --held-out 0 --precision float32 --device cpu"


def complete(run: Path) -> bool:
    """Whether a run ended as it was asked to, and its model is there."""
    reasons = [entry["reason"] for entry in entries(run / "journal.jsonl") if entry["event"] == "end"]
    return reasons == ["all 40 steps are done"] and bool(load_file(run / "model" / "model.safetensors"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("streams", ["2>&1 | head -1", "2>&-", ">/dev/full 2>&1", ">&- 2>&- <&-"])
def test_a_screen_that_takes_no_lines_ends_no_training(streams: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m sparring train {QUICK} --out {tmp_path / 'run'}"
    script = f"({command}; echo $? >{tmp_path / 'status'}) {streams}"
    subprocess.run(["sh", "-c", script], stdout=subprocess.DEVNULL, timeout=PATIENCE)
    assert (tmp_path / "status").read_text() == "0\n"
    assert complete(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no such terminals")
def test_a_terminal_that_goes_away_ends_no_training(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "sparring", "train", *QUICK.split(), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    said = b""
    while b"gaussians" not in said:  # after what is said at once
        said += os.read(ours, 1000)
    os.close(ours)
    assert process.wait(timeout=PATIENCE) == 0
    assert complete(tmp_path / "run")


# What lies somewhere else all of a sudden


@pytest.mark.slow
@pytest.mark.parametrize("moved", [True, False], ids=["renamed", "deleted"])
def test_a_run_folder_that_goes_away_is_made_anew(moved: bool, start: Start, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("train", *SMALL, *ENDLESS, "--out", run)
    wait_for(3, run, process)
    run.rename(tmp_path / "elsewhere")
    if not moved:
        shutil.rmtree(tmp_path / "elsewhere")
    wait_for(2, run, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err.count(f"warning: {run}: was moved or deleted; it is made anew, and training goes on") == 1
    seen = [*checkpoints(run)][-1]
    assert main(["resume", str(run), "--steps", str(seen // 8 + 1)]) == 0
    assert [*checkpoints(run)][-1] == seen + 8


def pictures(folder: Path) -> Path:
    """A few pictures that are read from the disk again and again."""
    folder.mkdir()
    for number in range(40):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{number}.png")
    return folder


STREAMED = ["images", "--width", 4, "--size", 8, "--batch", 8, "--time", 0, "--cache-mb", 0, "--workers", 2, *ENDLESS]


@pytest.mark.slow
def test_data_that_go_away_cost_nothing(start: Start, tmp_path: Path) -> None:
    run, data = tmp_path / "run", pictures(tmp_path / "data")
    process = start("train", *STREAMED, "--device", "cpu", "--data", data, "--out", run)
    wait_for(3, run, process)
    saved = [*checkpoints(run)][-1]
    data.rename(tmp_path / "moved")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert err.splitlines()[-1] == f"sparring: {data}: not one of its images can be read any more; bring them back"
    assert "Traceback" not in err
    last = [*checkpoints(run)][-1]
    assert last > saved
    assert json.loads((run / "model" / "config.json").read_text())["examples_seen"] == last
    assert main(["resume", str(run), "--data", str(tmp_path / "moved"), "--steps", str(last // 8 + 1)]) == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="this system has no such locks")
def test_a_killed_trainer_that_streams_goes_on_at_once(start: Start, tmp_path: Path) -> None:
    """Those who read for it outlive it by seconds."""
    run = tmp_path / "run"
    process = start("train", *STREAMED, "--device", "cpu", "--data", pictures(tmp_path / "data"), "--out", run)
    wait_for(3, run, process)
    process.kill()
    process.wait()
    assert main(["resume", str(run), "--steps", str([*checkpoints(run)][-1] // 8 + 1), "--workers", "0"]) == 0
