"""The search that chose the default recipe: one change at a time, compared on MNIST after equally many pictures.

    python benchmarks/search.py PATH-TO-MNIST [--quick] [--examples 40000] [--seeds 1] [--only ...]

The recipe `images` without labels; see ``mnist.py`` for the measure. Pictures, not seconds, are equal: that does not
depend on what else the machine does, while the seconds, printed too, do. One seed shows large differences only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import machine
from mnist import DEFAULT, SAMPLES, SETTINGS, Yardstick

import sparring
from sparring.modalities import RECIPES

CANDIDATES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "batch 64": {"batch": 64},
    "batch 16": {"batch": 16},
    "width 24": {"width": 24},
    "width 48": {"width": 48},
    "rate 1e-3 to 2e-4": {"learning_rate": "1e-3:2e-4@200k"},
    "rate 4e-3 to 2e-4": {"learning_rate": "4e-3:2e-4@200k"},
    "rate 5e-4 to 2e-4": {"learning_rate": "5e-4:2e-4@200k"},
    "beta2 0.9 to 0.99": {"beta2": "0.9:0.99@200k"},
    "beta2 0.999": {"beta2": 0.999},
    "discriminator rate 0.5": {"discriminator_rate": 0.5},
    "discriminator rate 2": {"discriminator_rate": 2},
    "penalties 0.1": {"r1": 0.1, "r2": 0.1},
    "penalties to 0.03": {"r1": "1:0.03@100k", "r2": "1:0.03@100k"},
    "penalties 1": {"r1": 1, "r2": 1},
    "penalties 3 to 0.1": {"r1": "3:0.1@100k", "r2": "3:0.1@100k"},
    "free output": {"output": "free"},
    "clamped output": {"output": "clamp"},
    "latent 16": {"latent": 16},
    "latent 128": {"latent": 128},
    "batch statistics": {"batch_statistics": True},
    "batch norm in the generator": {"batch_norm": "generator"},
    "two discriminator turns": {"n_critic": 2},
    "non-saturating": {"objective": "non-saturating"},
    "hinge": {"objective": "hinge"},
    "DiffAugment": {"augment": "diff"},
}


def play(settings: dict[str, Any], seed: int, examples: int, yardstick: Yardstick) -> dict[str, Any]:
    """Train one candidate on so many pictures and score it."""
    recipe = RECIPES[DEFAULT].changed({"data": str(yardstick.mnist), "seed": seed, "time": 0, **SETTINGS, **settings})
    with tempfile.TemporaryDirectory() as folder:
        outcome = sparring.train(recipe.changed({"steps": examples // recipe.batch}), out=Path(folder) / "run")
        scores = yardstick.score(sparring.load(outcome.run), seed)
    return {"seed": seed, "seconds": round(outcome.seconds, 1), **scores}


def earlier_searches(quick: bool) -> list[dict[str, Any]]:
    """What earlier searches found, from the recipe as it was then: each starts from what the one before it chose."""
    path = machine.RESULTS / "search.json"
    return [] if quick or not path.exists() else list(json.loads(path.read_text())["rounds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="two candidates, 1,000 pictures: does it run")
    parser.add_argument("--examples", type=int, default=40_000, help="pictures that each sees")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="candidates, separated by semicolons (default: all)")
    options = parser.parse_args()
    names = options.only.split(";") if options.only else list(CANDIDATES)
    if options.quick:
        options.examples, names = 1000, names[:2]

    facts = machine.facts()
    print(machine.described(facts))
    yardstick = Yardstick(options.mnist, 500 if options.quick else SAMPLES)
    rows: list[dict[str, Any]] = []
    for name in names:
        runs = [play(CANDIDATES[name], seed, options.examples, yardstick) for seed in range(options.seeds)]
        middle = {
            key: statistics.median(run[key] for run in runs) for key in ("frechet", "precision", "recall", "seconds")
        }
        rows.append({"candidate": name, **middle, "settings": CANDIDATES[name], "runs": runs})
        print(name, middle, flush=True)
    rows.sort(key=lambda row: float(row["frechet"]))
    machine.show(
        [
            {
                "candidate": row["candidate"],
                **{key: f"{row[key]:.3g}" for key in ("frechet", "precision", "recall", "seconds")},
            }
            for row in rows
        ]
    )
    base = RECIPES[DEFAULT].to_dict()
    searches = [*earlier_searches(options.quick), {"examples": options.examples, "as_it_is": base, "rows": rows}]
    machine.write("search", facts, quick=options.quick, seed=0, rounds=searches)


if __name__ == "__main__":
    machine.run(main)
