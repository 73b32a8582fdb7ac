"""The search that chose the default recipe: one change at a time, Fréchet distance on MNIST after the same time.

    python benchmarks/search.py PATH-TO-MNIST [--quick] [--time 90] [--seeds 1]

The recipe `images` without labels, each candidate trained for the same seconds; see ``mnist.py`` for the measure. One
seed tells large differences only: a candidate is tried with others before it becomes a default.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import machine
from mnist import OURS, SAMPLES, Where, play

CANDIDATES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "width 16": {"width": 16},
    "width 24": {"width": 24},
    "width 48": {"width": 48},
    "batch 32": {"batch": 32},
    "batch 128": {"batch": 128},
    "rate 2e-3:2e-4": {"learning_rate": "2e-3:2e-4@200k"},
    "rate 1e-3:5e-4": {"learning_rate": "1e-3:5e-4@200k"},
    "rate 5e-4:2e-4": {"learning_rate": "5e-4:2e-4@200k"},
    "penalties to 0.03": {"r1": "1:0.03@100k", "r2": "1:0.03@100k"},
    "penalties to 0.3": {"r1": "1:0.3@100k", "r2": "1:0.3@100k"},
    "penalties 0.3 to 0.03": {"r1": "0.3:0.03@100k", "r2": "0.3:0.03@100k"},
    "non-saturating": {"objective": "non-saturating"},
    "hinge": {"objective": "hinge"},
    "beta2 0.9 to 0.99": {"beta2": "0.9:0.99@100k"},
    "average 20k": {"average_half_life": "0:20k@100k"},
    "batch statistics": {"batch_statistics": True},
    "batch norm in the generator": {"batch_norm": "generator"},
    "latent 32": {"latent": 32},
    "latent 128": {"latent": 128},
    "DiffAugment": {"augment": "diff"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="two candidates, 5 seconds, 500 samples: does it run")
    parser.add_argument("--time", type=int, default=90, help="seconds of training for each")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="candidates, separated by commas (default: all)")
    parser.add_argument("--name", default="search", help="of the result file")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(CANDIDATES)
    if options.quick:
        options.time, names = 5, names[:2]

    facts = machine.facts()
    print(machine.described(facts))
    where = Where(options.mnist, 500 if options.quick else SAMPLES)
    rows: list[dict[str, Any]] = []
    for name in names:
        curves = [play(OURS, CANDIDATES[name], seed, options.time, where) for seed in range(options.seeds)]
        rows.append({"candidate": name, "settings": CANDIDATES[name], "curves": curves})
        print(name, [(row["seconds"], round(row["frechet"], 2)) for row in curves[0]], curves[0][-1], flush=True)
    rows.sort(key=lambda row: statistics.median(curve[-1]["frechet"] for curve in row["curves"]))
    machine.show(
        [
            {
                "candidate": row["candidate"],
                "frechet": f"{statistics.median(curve[-1]['frechet'] for curve in row['curves']):.2f}",
                "examples": row["curves"][0][-1]["examples"],
            }
            for row in rows
        ]
    )
    machine.write(options.name, facts, quick=options.quick, seed=0, seconds=options.time, rows=rows)


if __name__ == "__main__":
    main()
