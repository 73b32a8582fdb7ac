"""What two trainings at the same time cost each other: seconds and CPU seconds, alone and two side by side.

    python benchmarks/side_by_side.py [--quick] [--rounds 3] [--steps 100]

``sparring train digits`` with as many threads as torch takes by itself, as the command starts (OpenMP's threads sleep
while they wait) and with OpenMP's own way of waiting, in turn. Wanted: two take no more CPU time than two alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine

from sparring.core.threads import POLICY

COMMAND = "import sys; from sparring.cli import main; sys.exit(main(sys.argv[1:]))"
# torch reads the environment when it is loaded
WAYS = {"sleeping": COMMAND, "OpenMP's own": f"import torch; {COMMAND}"}
TOGETHER = (1, 2)


def trained(program: str, together: int, steps: int) -> dict[str, float]:
    """Seconds until so many trainings that start at once have ended, and seconds of CPU that they took. Raises
    CalledProcessError when one fails."""
    environment = {name: value for name, value in os.environ.items() if name != POLICY}
    began, before = time.perf_counter(), cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", "digits", "--steps", str(steps), "--measure-every", "0", "--time", "0", "--device", "cpu"]
        started = [
            subprocess.Popen(
                [sys.executable, "-c", program, *words, "--out", str(Path(folder) / str(number))],
                env=environment,
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            for number in range(together)
        ]
        for process in started:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, words)
    return {"seconds": time.perf_counter() - began, "cpu": cpu_seconds() - before}


def cpu_seconds() -> float:
    """The seconds of CPU that processes which this one started, and which have ended, took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="1 round of 2 steps: does it run")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.steps = 1, 2

    facts = machine.facts()
    print(machine.described(facts))
    measured: list[dict[str, Any]] = [
        {"waiting": way, "together": together, **trained(program, together, options.steps)}
        for _ in range(options.rounds)
        for way, program in WAYS.items()
        for together in TOGETHER
    ]
    rows = []
    for way in WAYS:
        for together in TOGETHER:
            runs = [run for run in measured if (run["waiting"], run["together"]) == (way, together)]
            medians = {name: f"{statistics.median(run[name] for run in runs):.1f}" for name in ("seconds", "cpu")}
            rows.append({"threads wait": way, "trainings": together, **medians})
    machine.show(rows)
    machine.write("side_by_side", facts, quick=options.quick, seed=0, settings=vars(options), runs=measured)


if __name__ == "__main__":
    machine.run(main)
