"""A hard small set: emoji, a few thousand pictures of 72x72, with augmentation on and off.

    python benchmarks/emoji.py PATH-TO-EMOJI [--quick] [--time 10m] [--seeds 1] [--only none,ada,diff]

The recipe `images` as a user would type it; what `sparring evaluate` says of each run, in features learned by contrast
from the same pictures. The floor is its own: as many real pictures that are not in the reference.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import torch

import sparring
from sparring.media.pictures.sheets import sheet, to_uint8

COLUMNS = ("frechet", "kernel", "precision", "recall", "duplicates", "memorisation")
SHOWN = 20  # samples of each on the picture


def play(augment: str, seed: int, options: argparse.Namespace) -> tuple[dict[str, Any], torch.Tensor]:
    """Train one run and evaluate it; the scores, and samples ``(n, channels, height, width)`` in [-1, 1]."""
    settings: dict[str, Any] = {"augment": augment, **({"size": "16"} if options.quick else {})}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        outcome = sparring.train("images", data=options.emoji, out=run, time=options.time, seed=seed, **settings)
        result = sparring.evaluate(run, count=200 if options.quick else 0, features="learned")
        samples = sparring.load(run).sample(SHOWN, seed=seed + 1)
    scores = {score["name"]: score for score in result["scores"]}
    row = {"augment": augment, "seed": seed, "seconds": round(outcome.seconds), "examples": outcome.examples}
    facts = {key: result[key] for key in ("count", "reference", "features", "verdicts")}
    return {**row, **facts, "scores": {name: scores[name] for name in (*COLUMNS, "spectrum")}}, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("emoji", type=Path, help="folder of pictures")
    parser.add_argument("--quick", action="store_true", help="5 seconds at 16x16: does it run")
    parser.add_argument("--time", default="10m", help="of training")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="none,ada,diff", help="augmentations")
    options = parser.parse_args()
    if options.quick:
        options.time, options.seeds = "5s", 1

    facts = machine.facts()
    print(machine.described(facts))
    rows, pictures = [], []
    for seed in range(options.seeds):
        for augment in options.only.split(","):
            row, samples = play(augment, seed, options)
            rows.append(row)
            pictures.append(samples)
            print(augment, seed, {name: row["scores"][name]["value"] for name in COLUMNS}, flush=True)
    machine.show([{"augment": row["augment"], "seed": row["seed"], **shown(row["scores"], "value")} for row in rows])
    print("the same on real pictures:", shown(rows[0]["scores"], "floor"))
    machine.draw("emoji", sheet(to_uint8(torch.cat(pictures)), SHOWN, scale=1), quick=options.quick)
    machine.write("emoji", facts, quick=options.quick, seed=0, time=options.time, runs=rows)


def shown(scores: dict[str, Any], which: str) -> dict[str, str]:
    """The numbers of one kind (``value``, ``floor``) as texts for the table; empty where a metric has none."""
    return {name: "" if scores[name][which] is None else f"{scores[name][which]:.4f}" for name in COLUMNS}


if __name__ == "__main__":
    machine.run(main)
