"""Processes of the command line that are killed: when, what they were doing, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from sparring.cli import main

BEGUN = "saves and stops"  # the last words on the screen before the first step
GRACE = 8.0  # seconds in which processes that lost their parent must have noticed
TORCHS_OWN = "torchinductor_"  # an empty folder that importing parts of torch makes, once for all processes of a user
SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Kill:
    """One kill -9: when it was meant to strike, and what it struck."""

    moment: str
    seconds: float  # after the process was started
    struck: bool  # False: the process had ended before
    writing: str  # the file that was half-written
    checkpoint: str  # the newest one then


class Victim:
    """A process of the command line that will be killed. ``place`` is where it writes; what it prints goes to the file
    ``log``, temporary files into the folder ``temporary``. It is forked, so that it begins with everything imported;
    ``fresh`` ones begin with nothing. Its number is also that of a session, in which all are that it starts."""

    def __init__(self, words: Sequence[str], place: Path, log: Path, temporary: Path, fresh: bool) -> None:
        self.words, self.place, self.log = words, place, log
        self.status: int | None = None  # of a process that ended; negative: the signal that ended it
        self.started = time.monotonic()
        environment = {"TMPDIR": str(temporary)}
        with log.open("wb") as file:
            if fresh:
                command = [sys.executable, "-m", "sparring", *words]
                everything = {**os.environ, **environment}
                started = subprocess.Popen(command, stdout=file, stderr=file, env=everything, start_new_session=True)
                self.process = started.pid
            else:
                self.process = forked(words, file.fileno(), environment)

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        if self.status is None:
            process, status = os.waitpid(self.process, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if process else None
        return self.status is None

    @property
    def seconds(self) -> float:
        """Since the process was started."""
        return time.monotonic() - self.started

    def wait_until_it_trains(self) -> float:
        """The seconds until it trains, or until the process ends."""
        while self.runs() and BEGUN not in self.log.read_text(errors="replace"):
            time.sleep(0.005)
        return self.seconds

    def wait_until_it_writes(self) -> None:
        """Wait until a half-written file is there, or the process ends."""
        while self.runs() and not half_written(self.place):
            time.sleep(0.0003)

    def wait(self, seconds: float) -> None:
        """Wait that long, or until the process ends."""
        until = time.monotonic() + seconds
        while self.runs() and time.monotonic() < until:
            time.sleep(0.002)

    def kill(self, moment: str) -> Kill:
        """Send SIGKILL, which nothing can catch, if it still runs; what it struck."""
        struck = self.runs()
        if struck:
            os.kill(self.process, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return Kill(moment, round(self.seconds, 3), struck, half_written(self.place), newest(self.place, "none"))

    def finish(self) -> float:
        """Wait for its end; the seconds that it took. Raises SystemExit, with what it printed, when it failed."""
        while self.runs():
            time.sleep(0.005)
        if self.status:
            raise SystemExit(f"sparring {' '.join(self.words)}: status {self.status}\n{self.log.read_text()}")
        return self.seconds


def forked(words: Sequence[str], log: int, environment: Mapping[str, str]) -> int:
    """The number of a new process that runs the command line."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setsid()
        for number in (1, 2):
            os.dup2(log, number)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        os.environ.update(environment)
        tempfile.tempdir = None  # where the parent had it
        status = main(words)
        sys.stdout.flush()
    finally:
        os._exit(status)


def half_written(place: Path) -> str:
    """The name of a file that is being written, or was when its writer died; empty without."""
    return next((path.name for path in parts(place)), "")


def parts(place: Path) -> Iterator[Path]:
    """Temporary files in a folder and those below it."""
    yield from place.glob("**/.*.part")


def newest(run: Path, otherwise: str) -> str:
    """The name of the newest checkpoint."""
    return max((path.name for path in run.glob("checkpoints/*.safetensors")), default=otherwise)


def leftovers(place: Path, temporary: Path, shared_before: frozenset[str], sessions: Set[int]) -> list[str]:
    """What is left of killed processes when the last one has ended: half-written and temporary files, shared memory,
    processes that still run in one of their ``sessions``."""
    until = time.monotonic() + GRACE
    while orphans(sessions) and time.monotonic() < until:
        time.sleep(0.1)
    found = [str(path.relative_to(place)) for path in parts(place)]
    found += [f"TMPDIR/{path.name}" for path in temporary.iterdir() if not path.name.startswith(TORCHS_OWN)]
    found += [f"{SHARED}/{name}" for name in sorted(in_shared_memory() - shared_before)]
    return found + [f"process {process}" for process in orphans(sessions)]


def in_shared_memory() -> frozenset[str]:
    """The names of torch's and Python's pieces of shared memory."""
    names = os.listdir(SHARED) if SHARED.is_dir() else []
    return frozenset(name for name in names if name.startswith(("torch_", "psm_", "sem.")))


def orphans(sessions: Set[int]) -> list[int]:
    """The processes of these sessions that run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session, *_ = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended
            continue
        if int(session) in sessions and state != "Z":
            found.append(int(path.parent.name))
    return found
