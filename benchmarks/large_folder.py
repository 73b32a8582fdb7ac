"""200,000 files in a folder: how long until they are checked, and trained on, and in how much memory?

    python benchmarks/large_folder.py [--quick] [--files 200000] [--classes 20]

Small PNGs in a folder for each class; most are hard links to others of the class, as names and opening are what costs.
Each command is a process of its own, beside the same command on a hundredth of the files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import machine
from synthetic import draw_pictures

from sparring.core.journal import entries

SPARRING = [sys.executable, "-m", "sparring"]
SEED = 0
SIDE = 16  # pixels
DISTINCT = 500  # pictures of a class; a file system allows some tens of thousands of links to one
COMMANDS = {
    "data check": ("data", "check", "{data}", "--out", "{out}.png"),
    "train, in memory": ("train", "images", "--data", "{data}", "--out", "{out}", "--steps", "{steps}", "--width", "8"),
    "train, from disk": ("train", "images", "--data", "{data}", "--out", "{out}", "--steps", "{steps}", "--width", "8",
                         "--cache-mb", "0", "--workers", "2"),
    "resume, from disk": ("resume", "{last}", "--steps", "{more}"),
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    command: str
    files: int
    seconds: float  # until its end
    until_training: float | None  # seconds until the first line of the journal's steps could be written
    mib: float  # the most that was resident in one of its processes
    all_mib: float  # the most that was resident in all of them at a time; pages that they share count for each


class Watch(threading.Thread):
    """Follows the memory of a process and those that it started, and when a file appears."""

    def __init__(self, process: int, journal: Path) -> None:
        super().__init__(daemon=True)
        self.process, self.journal = process, journal
        self.started = time.monotonic()
        self.single, self.all, self.began = 0.0, 0.0, None  # type: float, float, float | None
        self.over = threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while not self.over.wait(0.1):
            held = [resident(process) for process in family(self.process)]
            self.single, self.all = max([self.single, *held]), max(self.all, sum(held))
            if self.began is None and self.journal.exists():
                self.began = time.monotonic() - self.started


def family(process: int) -> list[int]:
    """A process and those below it."""
    found = [process]
    for each in found:
        try:
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
        except OSError:  # it ended
            continue
    return found


def resident(process: int) -> float:
    """The MiB that a process holds; 0 when it ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)
    except (OSError, IndexError):
        return 0.0


def fill(folder: Path, files: int, classes: int) -> None:
    """Write that many files, in equally many of each class."""
    each = files // classes
    for label in range(classes):
        place = folder / f"class {label:02d}"
        draw_pictures(place, min(DISTINCT, each), SIDE, SEED + label)
        drawn = sorted(place.iterdir())
        for number in range(len(drawn), each):
            os.link(drawn[number % len(drawn)], place / f"{number:06d}.png")


def measure(name: str, data: Path, files: int, out: Path, last: Path, steps: int) -> Cost:
    """Run a command on a folder of ``files``. Raises SystemExit when it fails."""
    places = {"data": data, "out": out, "last": last, "steps": steps, "more": 2 * steps}
    command = [*SPARRING, *(word.format(**places) for word in COMMANDS[name])]
    run = last if name.startswith("resume") else out
    before = len(list(entries(run / "journal.jsonl")))
    started = time.monotonic()
    with (out.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        watch = Watch(process.pid, run / "journal.jsonl")
        watch.start()
        status = process.wait()
    seconds = time.monotonic() - started
    watch.over.set()
    if status:
        raise SystemExit(f"{' '.join(command)}: failed\n{(out.parent / 'log').read_text()}")
    began = None if before else watch.began
    return Cost(name, files, round(seconds, 2), began and round(began, 2), round(watch.single, 1), round(watch.all, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100, help="of training")
    parser.add_argument("--quick", action="store_true", help="4,000 files: does it run")
    options = parser.parse_args()
    options.files = 4000 if options.quick else options.files

    facts = machine.facts()
    print(machine.described(facts))
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for files in (options.files // 100, options.files):
            fill(folder / f"{files}", files, options.classes)
            last = folder
            for index, name in enumerate(COMMANDS):
                out = folder / f"out-{files}-{index}"
                costs.append(measure(name, folder / f"{files}", files, out, last, options.steps))
                last = out
                print(f"{name}, {files:,} files: {costs[-1].seconds} s", flush=True)
    report(costs)
    machine.write("large_folder", facts, quick=options.quick, seed=SEED, settings=vars(options),
                  costs=[asdict(cost) for cost in costs])  # fmt: skip


def report(costs: list[Cost]) -> None:
    """Print a row for each command, and what a file more costs."""
    few = {cost.command: cost for cost in costs[: len(COMMANDS)]}
    rows = []
    for cost in costs:
        base = few[cost.command]
        more = max(cost.files - base.files, 1)
        rows.append({
            "command": cost.command,
            "files": f"{cost.files:,}",
            "seconds": cost.seconds,
            "until training": cost.until_training or "",
            "MiB": cost.mib,
            "MiB of all": cost.all_mib,
            "ms a file more": f"{1000 * (cost.seconds - base.seconds) / more:.3f}" if cost is not base else "",
            "KiB a file more": f"{1024 * (cost.mib - base.mib) / more:.2f}" if cost is not base else "",
        })  # fmt: skip
    machine.show(rows)


if __name__ == "__main__":
    machine.run(main)
