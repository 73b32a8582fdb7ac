"""Milliseconds until the command line answers: help and the list of recipes, beside an interpreter that imports what
any command line with YAML needs.

    python benchmarks/help_time.py [--quick] [--pairs 30]

Each command and ``python -c "import yaml, argparse"`` are started in turn, each in a process of its own, so that what
else the machine does strikes both alike. The ratio is taken of the fastest of each, and, as a median, pair by pair.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine

SCRIPT = Path(sys.executable).with_name("sparring")
SPARRING = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "sparring"]
BASELINE = [sys.executable, "-c", "import yaml, argparse"]
COMMANDS = (("--help",), ("recipes",), ("train", "digits", "--help"))
WANTED = 1.5  # times the baseline, at most


def milliseconds(command: Sequence[str]) -> float:
    """How long a command takes, in milliseconds. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return 1e3 * (time.perf_counter() - began)


def contest(words: Sequence[str], pairs: int) -> dict[str, Any]:
    """One command and the baseline in turn, ``pairs`` times; a first pair, which fills the caches, does not count."""
    command = [*SPARRING, *words]
    times = [(milliseconds(command), milliseconds(BASELINE)) for _ in range(pairs + 1)][1:]
    commands, baselines = zip(*times, strict=True)
    return {
        "command": " ".join(["sparring", *words]),
        "milliseconds": commands,
        "baseline_milliseconds": baselines,
        "ratio_of_best": min(commands) / min(baselines),
        "median_ratio": statistics.median(command / baseline for command, baseline in times),
    }


def row(result: dict[str, Any]) -> dict[str, str]:
    """A row of the table: the best and the median of command and baseline, and their ratios."""
    command, baseline = result["milliseconds"], result["baseline_milliseconds"]
    return {
        "ms": result["command"],
        "best": f"{min(command):.1f}",
        "median": f"{statistics.median(command):.1f}",
        "baseline": f"{min(baseline):.1f}",
        "its median": f"{statistics.median(baseline):.1f}",
        "ratio": f"{result['ratio_of_best']:.2f}",
        "median ratio": f"{result['median_ratio']:.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=30, help="of a command and the baseline")
    parser.add_argument("--quick", action="store_true", help="3 pairs: does it run")
    options = parser.parse_args()
    if options.quick:
        options.pairs = 3

    facts = machine.facts()
    print(machine.described(facts))
    contests = [contest(words, options.pairs) for words in COMMANDS]
    machine.show([row(result) for result in contests])
    print(f"wanted: ratios of at most {WANTED:g}")
    settings = {"pairs": options.pairs, "baseline": "python -c 'import yaml, argparse'"}
    machine.write("help_time", facts, quick=options.quick, seed=0, settings=settings, contests=contests)


if __name__ == "__main__":
    machine.run(main)
