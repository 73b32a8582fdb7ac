"""Does the trainer wait for its data? The same pictures streamed from disk and held in memory.

    python benchmarks/feed.py [--quick] [--seconds 20] [--rounds 2] [--pictures 2000] [--side 64]

Both train the ``images`` recipe, in turn; what is compared is what their journals say.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import machine
from synthetic import draw_pictures

import sparring
from sparring.core.journal import entries

FEEDS: dict[str, dict[str, Any]] = {"memory": {}, "disk": {"cache_mb": 0}}
SEED = 0


@dataclass(frozen=True)
class Speed:
    """One run, without its beginning."""

    waiting: float  # share of the time that the trainer waited for a batch
    examples_per_second: float
    first_wait: float  # seconds waited in the beginning, workers' start among them


def play(feed: str, data: Path, out: Path, options: argparse.Namespace) -> Speed:
    """Train from memory or from disk, then read the journal."""
    settings = {**FEEDS[feed], "workers": options.workers, "time": options.seconds, "seed": SEED}
    sparring.train("images", data=data, out=out, **settings)
    lines = [entry for entry in entries(out / "journal.jsonl") if entry["event"] == "step"]
    early, late = split(lines, options.warm_up)
    lengths = [after["seconds"] - before["seconds"] for before, after in zip([early[-1], *late], late, strict=False)]
    waited = sum(length * entry["waiting"] for length, entry in zip(lengths, late, strict=True))
    examples = late[-1]["examples"] - early[-1]["examples"]
    return Speed(waited / sum(lengths), examples / sum(lengths), early[0]["seconds"] * early[0]["waiting"])


def split(lines: list[dict[str, Any]], warm_up: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The journal's lines up to and after ``warm_up`` seconds, at least one of each. Raises SystemExit where there are
    not two."""
    if len(lines) < 2:
        raise SystemExit("too short: the journal has a line about every second, two are needed; raise --seconds")
    count = sum(entry["seconds"] <= warm_up for entry in lines)
    count = min(max(count, 1), len(lines) - 1)
    return lines[:count], lines[count:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of training in each run")
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds of each run that do not count")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--side", type=int, default=64, help="pixels")
    parser.add_argument("--workers", type=int, default=2, help="processes that read from disk")
    parser.add_argument("--quick", action="store_true", help="one round of 12 s on 300 small pictures: does it run")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.warm_up, options.rounds, options.pictures, options.side = 12.0, 1.0, 1, 300, 16

    facts = machine.facts()
    print(machine.described(facts))
    speeds: dict[str, list[Speed]] = {feed: [] for feed in FEEDS}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        draw_pictures(folder / "pictures", options.pictures, options.side, SEED)
        for index in range(options.rounds):
            for feed in FEEDS:
                speeds[feed].append(play(feed, folder / "pictures", folder / f"{feed}-{index}", options))
    report(speeds)
    runs = {feed: [asdict(speed) for speed in each] for feed, each in speeds.items()}
    machine.write("feed", facts, quick=options.quick, seed=SEED, settings=vars(options), runs=runs)


def report(speeds: dict[str, list[Speed]]) -> None:
    """Print a row for each feed, then how much is lost by streaming."""
    print()
    machine.show(
        [
            {
                "data": feed,
                "waiting": f"{statistics.median(speed.waiting for speed in each):.2%}",
                "most": f"{max(speed.waiting for speed in each):.2%}",
                "images/s": f"{statistics.median(speed.examples_per_second for speed in each):.0f}",
                "first wait": f"{max(speed.first_wait for speed in each):.2f} s",
            }
            for feed, each in speeds.items()
        ]
    )
    pairs = zip(speeds["disk"], speeds["memory"], strict=True)
    each = [disk.examples_per_second / memory.examples_per_second for disk, memory in pairs]
    print(f"images/s from disk / from memory: {statistics.median(each):.3f} ({min(each):.3f} to {max(each):.3f})")


if __name__ == "__main__":
    machine.run(main)
