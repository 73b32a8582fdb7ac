"""Probabilities and decisions of single examples: do the promises hold, and what is found?

    python benchmarks/probability.py [--mnist FOLDER] [--usps FILE] [--quick] [--resplits 200] [--seeds 3]
                                     [--only false-alarms,novelty,learned,encoder,calibration,kinds]

``false-alarms``: MNIST's 70,000 digits pooled and split at random, 200 times, a class in turn: 1,000 digits as the
reference, 1,000 to tell what is usual, the rest, 4,300 to 5,900, tested. The rate of false alarms at .05, on average
and with confidence .9, and the rate of false discoveries at .1 with a tenth as many digits of other classes among them.
``novelty``: one class of MNIST's and of USPS's official training digits as the reference, their test digits of this
class against those of the nine others: the score that Sparring takes of grey pictures beside two baselines.
``learned``: the same by what the judge of a short run of each class has learned. ``encoder``: by an encoder that learns
beside the generator of a short run (f-AnoGAN), of USPS's ten classes and of MNIST's first five.
``calibration``: `digits` for 2 minutes and `mnist` for 4 of CPU time with 5,000 digits held out, three seeds each, then
`sparring calibrate`: how true its probabilities are. ``kinds``: the same of sounds, lines, videos and points.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cpu_clock
import machine
import novelty_learned
from calibrated import calibrated_run, targets
from novelty import CLASSES, Digits, mnist, one_class, resplits, usps
from torch import cat

from sparring.core.errors import UserError

PARTS = ("false-alarms", "novelty", "learned", "encoder", "calibration", "kinds")
HELD_OUT = {"mnist": 1000, "usps": 200}  # training digits of a class that tell what is usual
TIMES = {"digits": 120, "mnist": 240, "tones": 120, "topics": 240, "moving-shapes": 240, "gaussians": 120}
"""Seconds of CPU time."""
ENCODED = {"mnist": 5, "usps": CLASSES}  # classes, the first, that an encoder learns: the more, the longer it takes
COLUMNS = ("auroc", "detected at 0.01", "false alarms at 0.01", "detected at 0.05", "false alarms at 0.05")


def false_alarms(options: argparse.Namespace) -> dict[str, Any]:
    """Promises of decisions on resplits of MNIST."""
    parts = mnist(options.mnist)
    found = resplits(
        Digits(cat([each.images for each in parts]), cat([each.labels for each in parts])), options.resplits
    )
    names = {"on average": "<= 0.05", "with confidence": "<= 0.05", "false discoveries": "<= 0.1", "power": ""}
    machine.show([
        {"": name, "mean": f"{found['means'][name]:.4f}", "+-": f"{found['errors'][name]:.4f}", "promised": promised}
        for name, promised in names.items()
    ])  # fmt: skip
    print(
        f"above .05 with confidence .9: {found['share_above_alpha']:.3f} of {found['resplits']} resplits; expected, "
        f"from so many tested digits: {found['share_above_alpha_expected']:.3f}"
    )
    return found


def novelty(options: argparse.Namespace) -> dict[str, Any]:
    """One class against nine, of each set."""
    found: dict[str, Any] = {}
    for name, split in (("mnist", mnist(options.mnist)), ("usps", usps(options.usps))):
        print(f"{name}, {HELD_OUT[name]} held-out training digits a class tell what is usual")
        found[name] = {"held_out": HELD_OUT[name], "scores": one_class(split, HELD_OUT[name], options.quick)}
        show_scores(found[name]["scores"])
    return found


def show_scores(scores: Mapping[str, Any]) -> None:
    """Print the means over classes of each score."""
    machine.show([
        {"score": score, **{column: f"{each['mean'][column]:.4f}" for column in COLUMNS}}
        for score, each in scores.items()
    ])  # fmt: skip


def learned(options: argparse.Namespace) -> dict[str, Any]:
    """One class against nine, of each set, by what a judge has learned, seed 0."""
    found = {"train_cpu_seconds": novelty_learned.TRAINED, "judge_steps": novelty_learned.STEPS}
    return {**found, **by_learning(options, novelty_learned.by_judge, {"mnist": CLASSES, "usps": CLASSES})}


def encoder(options: argparse.Namespace) -> dict[str, Any]:
    """One class against nine, of each set, by what an encoder and a generator give back, seed 0."""
    found = {"train_cpu_seconds": novelty_learned.GENERATOR, "encoder_cpu_seconds": novelty_learned.ENCODER}
    return {**found, **by_learning(options, novelty_learned.by_encoder, ENCODED)}


def by_learning(
    options: argparse.Namespace, learn: Callable[..., novelty_learned.Fits], classes: Mapping[str, int]
) -> dict[str, Any]:
    """Learned scores of so many classes, the first, of each set."""
    found = {}
    for name, split in (("mnist", mnist(options.mnist)), ("usps", usps(options.usps))):
        chosen = range(2 if options.quick else classes[name])
        by = partial(learn, seed=0, quick=options.quick)
        scores = novelty_learned.one_class(split, HELD_OUT[name], chosen, by)
        found[name] = {"held_out": HELD_OUT[name], "scores": scores}
        show_scores(scores)
    return found


def calibration(options: argparse.Namespace) -> dict[str, Any]:
    """Trained and calibrated runs, and the targets that they meet."""
    asked: dict[str, dict[str, Any]] = {"digits": {}, "mnist": {"data": options.mnist, "held_out": 5000}}
    steps = 20 if options.quick else None
    rows = []
    for recipe, settings in asked.items():
        for seed in range(options.seeds):
            rows.append(calibrated_run(recipe, seed, 4 if options.quick else TIMES[recipe], steps, **settings))
            print({name: value for name, value in rows[-1].items() if name != "bins"}, flush=True)
    names = ("recipe", "seed", "cpu_seconds", "auc", "brier", "error", "error_of_true", "z", "divergence")
    machine.show([{name: f"{row[name]:.4f}" if isinstance(row[name], float) else row[name] for name in names}
                  for row in rows])  # fmt: skip
    met = targets(rows)
    print(met)
    return {"runs": rows, "targets": met}


def kinds(options: argparse.Namespace) -> dict[str, Any]:
    """Trained and calibrated runs of other kinds of data."""
    rows = []
    for recipe, held_out in {"tones": 200, "topics": 1000, "moving-shapes": 200, "gaussians": 2000}.items():
        seconds, steps = (4, 20) if options.quick else (TIMES[recipe], None)
        for seed in range(options.seeds):
            rows.append(calibrated_run(recipe, seed, seconds, steps, held_out=held_out))
            print({name: value for name, value in rows[-1].items() if name != "bins"}, flush=True)
    names = ("recipe", "seed", "auc", "brier", "error", "error_of_true", "z", "false alarms", "above with confidence")
    machine.show([{name: f"{row[name]:.4f}" if isinstance(row[name], float) else row[name] for name in names}
                  for row in rows])  # fmt: skip
    return {"runs": rows}


def parsed() -> argparse.Namespace:
    """The options. Raises :class:`UserError` where data are asked for and not given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--usps", type=Path, help="an .npz file of USPS's digits")
    parser.add_argument("--quick", action="store_true", help="one seed, ten resplits, two classes: does it run")
    parser.add_argument("--resplits", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3, help="of calibration and kinds")
    parser.add_argument("--only", default=",".join(PARTS), help="parts; those measured before are kept")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if options.quick:
        options.resplits, options.seeds = 10, 1
    for part in options.only:
        if part not in PARTS:
            raise UserError(f"--only: no part called {part}; there are {', '.join(PARTS)}")
    for name, parts in (("mnist", set(PARTS) - {"kinds"}), ("usps", {"novelty", "learned", "encoder"})):
        if parts & set(options.only) and getattr(options, name) is None:
            raise UserError(f"{', '.join(options.only)} needs data: give --{name} PATH, or choose parts by --only")
    return options


def main() -> None:
    options = parsed()
    facts = machine.facts()
    print(machine.described(facts))
    measure = {
        "false-alarms": false_alarms, "novelty": novelty, "learned": learned, "encoder": encoder,
        "calibration": calibration, "kinds": kinds,
    }  # fmt: skip
    found = measured_before(options.quick)
    with cpu_clock.cpu_time():
        for part in options.only:
            began = time.process_time()
            with TemporaryDirectory() as cache, patch.dict(os.environ, {"SPARRING_CACHE": cache}):
                result = measure[part](options)  # hundreds of references, that nobody needs again
            found[part] = {"all_cpu_seconds": round(time.process_time() - began, 1), "machine": facts, **result}
            machine.write("probability", facts, quick=options.quick, seed=0, **found)


def measured_before(quick: bool) -> dict[str, Any]:
    """Parts that an earlier run of this benchmark left behind."""
    path = machine.RESULTS / f"probability{'-quick' if quick else ''}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {part: kept[part] for part in PARTS if part in kept}


if __name__ == "__main__":
    machine.run(main)
