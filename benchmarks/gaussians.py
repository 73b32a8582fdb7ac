"""Is every mode found? The recipes `gaussians` (25 in a grid) and `gaussians-ring` (8), several seeds each.

    python benchmarks/gaussians.py [--quick] [--seeds 10] [--recipe gaussians]

PacGAN's protocol (Lin et al. 2018): 2,500 samples; a sample is of high quality within 3 sigma of its nearest
centre; a mode is found when it has one such sample. A perfect generator scores 1 - exp(-4.5) = 98.9 % high quality.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np

import sparring
from sparring.modalities import RECIPES
from sparring.points.data import MIXTURES, mixture
from sparring.points.metrics import modes
from sparring.points.samples import scatter

SAMPLES = 2_500


def play(recipe: str, seed: int, quick: bool) -> tuple[dict[str, Any], np.ndarray]:
    """Train one run and measure its samples; the numbers, and the samples, points ``(2500, 2)``."""
    centres = MIXTURES[RECIPES[recipe].data]()
    with tempfile.TemporaryDirectory() as folder:
        # all of the recipe's steps, however slow the machine
        chosen = RECIPES[recipe].changed({"seed": seed, "time": 0, **({"steps": 50} if quick else {})})
        outcome = sparring.train(chosen, out=Path(folder) / "run")
        points = sparring.load(outcome.run).sample(SAMPLES, seed=seed + 1).numpy()
    row = {"recipe": recipe, "seed": seed, "steps": outcome.steps, "seconds": round(outcome.seconds)}
    return {**row, **modes(points, centres)}, points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, 50 steps: does it run")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--recipe", choices=("gaussians", "gaussians-ring"), default="gaussians")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    seeds = range(1 if options.quick else options.seeds)
    rows = []
    for seed in seeds:
        row, points = play(options.recipe, seed, options.quick)
        rows.append(row)
        print(row, flush=True)
    centres = MIXTURES[RECIPES[options.recipe].data]()
    floor = {"recipe": "real points", **modes(mixture(centres, SAMPLES, seed=1), centres)}
    machine.show([{**row, "high_quality": f"{row['high_quality']:.4f}"} for row in rows])
    print(f"floor, {SAMPLES} points of the mixture itself: {floor}")
    recipe = RECIPES[options.recipe].to_dict()
    machine.draw(options.recipe, scatter(points), quick=options.quick)
    machine.write(options.recipe, facts, quick=options.quick, seed=0, runs=rows, floor=floor, recipe=recipe)


if __name__ == "__main__":
    machine.run(main)
