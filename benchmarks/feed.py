"""Does the trainer wait for its data? The same pictures streamed from disk and held in memory.

    python benchmarks/feed.py [--quick] [--seconds 20] [--rounds 2] [--pictures 2000] [--side 64]

Both ways train the ``images`` recipe, in turn; what is compared is what their journals say.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import machine
from drawn import draw_pictures

import sparring
from sparring.core.journal import entries

WAYS: dict[str, dict[str, Any]] = {"memory": {}, "disk": {"cache_mb": 0}}
SEED = 0


@dataclass(frozen=True)
class Speed:
    """One run, without its beginning."""

    waiting: float  # share of the time that the trainer waited for a batch
    examples_per_second: float
    first_wait: float  # seconds waited in the beginning, workers' start among them


def play(way: str, data: Path, out: Path, options: argparse.Namespace) -> Speed:
    """Train, then read the journal."""
    settings = {**WAYS[way], "workers": options.workers, "time": options.seconds, "seed": SEED}
    sparring.train("images", data=data, out=out, **settings)
    lines = [entry for entry in entries(out / "journal.jsonl") if entry["event"] == "step"]
    early, later = split(lines, options.warm_up)
    lengths = [after["seconds"] - before["seconds"] for before, after in zip([early[-1], *later], later, strict=False)]
    waited = sum(length * entry["waiting"] for length, entry in zip(lengths, later, strict=True))
    examples = later[-1]["examples"] - early[-1]["examples"]
    return Speed(waited / sum(lengths), examples / sum(lengths), early[0]["seconds"] * early[0]["waiting"])


def split(lines: list[dict[str, Any]], warm_up: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The journal's lines up to and after ``warm_up`` seconds, at least one of each."""
    here = sum(entry["seconds"] <= warm_up for entry in lines)
    if len(lines) < 2:
        raise SystemExit("too short: the journal has a line about every second, two are needed; raise --seconds")
    here = min(max(here, 1), len(lines) - 1)
    return lines[:here], lines[here:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of training in each run")
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds of each run that do not count")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--side", type=int, default=64, help="pixels")
    parser.add_argument("--workers", type=int, default=2, help="processes that read from disk")
    parser.add_argument("--quick", action="store_true", help="one round of 8 s on 300 small pictures: does it run")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.warm_up, options.rounds, options.pictures, options.side = 8.0, 1.0, 1, 300, 32

    facts = machine.facts()
    print(machine.described(facts))
    speeds: dict[str, list[Speed]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw_pictures(folder / "pictures", options.pictures, options.side, SEED)
        for index in range(options.rounds):
            for way in WAYS:
                speeds[way].append(play(way, folder / "pictures", folder / f"{way}-{index}", options))
    report(speeds)
    found = {way: [asdict(speed) for speed in each] for way, each in speeds.items()}
    machine.write("feed", facts, quick=options.quick, seed=SEED, settings=vars(options), runs=found)


def report(speeds: dict[str, list[Speed]]) -> None:
    """A row a way, then how much is lost by streaming."""
    print()
    machine.show(
        [
            {
                "data": way,
                "waiting": f"{statistics.median(speed.waiting for speed in each):.2%}",
                "most": f"{max(speed.waiting for speed in each):.2%}",
                "images/s": f"{statistics.median(speed.examples_per_second for speed in each):.0f}",
                "first wait": f"{max(speed.first_wait for speed in each):.2f} s",
            }
            for way, each in speeds.items()
        ]
    )
    pairs = zip(speeds["disk"], speeds["memory"], strict=True)
    each = [disk.examples_per_second / memory.examples_per_second for disk, memory in pairs]
    print(f"images/s from disk / from memory: {statistics.median(each):.3f} ({min(each):.3f} to {max(each):.3f})")


if __name__ == "__main__":
    main()
