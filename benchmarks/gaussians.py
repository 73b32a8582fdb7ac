"""Is every mode found? The recipes `gaussians` (25 in a grid) and `gaussians-ring` (8), several seeds each.

    python benchmarks/gaussians.py [--quick] [--seeds 5] [--recipe gaussians]

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
from sparring.points.data import MIXTURES, SIGMA, mixture
from sparring.rooms import RECIPES

SAMPLES = 2_500


def measured(points: np.ndarray, centres: np.ndarray) -> dict[str, float]:
    """Modes found, share of high quality, and reverse KL of the modes' shares against equal ones, in nats."""
    distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
    good = distances.min(1) < 3 * SIGMA
    counts = np.bincount(distances.argmin(1)[good], minlength=len(centres))
    shares = counts[counts > 0] / max(counts.sum(), 1)
    divergence = float((shares * np.log(shares * len(centres))).sum())
    return {"modes": int((counts > 0).sum()), "high_quality": float(good.mean()), "reverse_kl": divergence}


def play(recipe: str, seed: int, quick: bool) -> dict[str, Any]:
    """Train one run and measure its samples."""
    centres = MIXTURES[RECIPES[recipe].data]()
    with tempfile.TemporaryDirectory() as place:
        asked = RECIPES[recipe].changed({"seed": seed, **({"steps": 50} if quick else {})})
        outcome = sparring.train(asked, out=Path(place) / "run")
        points = sparring.load(outcome.run).sample(SAMPLES, seed=seed + 1).numpy()
    row = {"recipe": recipe, "seed": seed, "steps": outcome.steps, "seconds": round(outcome.seconds)}
    return {**row, **measured(points, centres)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipe", choices=("gaussians", "gaussians-ring"), default="gaussians")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    rows = [play(options.recipe, seed, options.quick) for seed in range(1 if options.quick else options.seeds)]
    centres = MIXTURES[RECIPES[options.recipe].data]()
    floor = {"recipe": "real points", **measured(mixture(centres, SAMPLES, seed=1), centres)}
    machine.show([{**row, "high_quality": f"{row['high_quality']:.4f}"} for row in rows])
    print(f"floor, {SAMPLES} points of the mixture itself: {floor}")
    recipe = RECIPES[options.recipe].to_dict()
    machine.write(options.recipe, facts, quick=options.quick, seed=0, runs=rows, floor=floor, recipe=recipe)


if __name__ == "__main__":
    main()
