"""The command line in forked processes: each begins with everything imported, is bounded and watched, and is over after
a fraction of a second. Linux only."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOM = 4 << 30  # bytes of address space that a process may take beyond what it began with: the machine must not suffer
FILE = 1 << 30  # bytes of a file that it may write
ENDED = 0.3  # seconds that what it started may outlive it

PARTS = ("in", "out", "home", "tmp", "cache", "work")
"""The folders of a sandbox: what is read, where results go, and where nothing must appear."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int  # its exit status; negative: the signal that ended it
    seconds: float
    mib: float  # the most that was resident; what is imported takes about 300 of them
    hung: bool  # it did not end in time
    left: bool  # a process that it started was still there
    out: str
    err: str


class Forked:
    """A command that runs in ``sandbox``, a folder with the folders ``PARTS`` in it."""

    def __init__(self, words: Sequence[str], sandbox: Path, limit: float) -> None:
        self.sandbox, self.limit = sandbox, limit
        self.started = time.monotonic()
        sys.stdout.flush()
        self.process = os.fork()
        if not self.process:
            self._play(words)

    def _play(self, words: Sequence[str]) -> None:
        """What the forked process does; it never returns."""
        status = 99
        try:
            os.setsid()
            confine(self.sandbox)
            from sparring.cli import main

            status = main(words)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 98
        except BaseException:  # what the command line let through is a failure: it must be seen
            import traceback

            traceback.print_exc()
            status = 97
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)

    def ended(self) -> Ended | None:
        """How it ended; None while it runs. One that takes too long is killed."""
        process, code, usage = os.wait4(self.process, os.WNOHANG)
        seconds = time.monotonic() - self.started
        hung = not process and seconds > self.limit
        if hung:
            os.killpg(self.process, signal.SIGABRT)  # faulthandler writes where it was
            time.sleep(0.2)
            os.killpg(self.process, signal.SIGKILL)
            _, code, usage = os.wait4(self.process, 0)
        elif not process:
            return None
        left = self._left()
        out, err = ((self.sandbox / name).read_text(errors="surrogateescape") for name in ("stdout", "stderr"))
        return Ended(os.waitstatus_to_exitcode(code), seconds, usage.ru_maxrss / 1024, hung, left, out, err)

    def _left(self) -> bool:
        """Whether something of its group is still there a moment later; it is killed."""
        until = time.monotonic() + ENDED
        try:
            while time.monotonic() < until:
                os.killpg(self.process, 0)
                time.sleep(0.01)
            os.killpg(self.process, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def confine(sandbox: Path) -> None:
    """Move this process into the sandbox: its folders, streams, environment and bounds."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        handle = os.open(sandbox / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    os.environ.update(environment(sandbox))
    os.chdir(sandbox / "work")
    address = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (address + ROOM, address + ROOM))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import tempfile

    tempfile.tempdir = None  # the parent had another


def environment(sandbox: Path) -> Mapping[str, str]:
    """Where a command in the sandbox finds its folders."""
    places = {"HOME": "home", "TMPDIR": "tmp", "SPARRING_CACHE": "cache", "XDG_CACHE_HOME": "home"}
    return {name: str(sandbox / part) for name, part in places.items()}


def warm_up() -> None:
    """Import all that a verb may need, so that a forked process need not. Computes nothing: a process that has begun
    threads cannot be forked."""
    from importlib import import_module

    import torch

    from sparring.modalities import ENTRIES

    torch.set_num_threads(1)
    for entry in ENTRIES.values():
        import_module(entry.where.partition(":")[0])
    for name in ("train", "sample", "translate", "score", "evaluate", "check", "info"):
        import_module(f"sparring.verbs.{name}")
    for name in ("av", "cv2", "tokenizers", "sklearn.datasets", "torch._dynamo", "PIL.Image"):
        try:
            import_module(name)
        except ImportError:
            continue
    from PIL import Image

    Image.init()  # the readers of all formats
