"""Sounds: are spoken digits understood, all of them in every speaker's manner; are one-shots varied; how fast is it?

    python benchmarks/audio.py [--fsdd FOLDER] [--berklee FOLDER] [--quick] [--seeds 3] [--time 30m] [--times 5m,15m]
                               [--only fsdd,wavegan,berklee,speed]

``fsdd``: the recipe `audio`, conditional, on the training split of the Free Spoken Digit Dataset; 1,000 samples are
read by two classifiers of the benchmark's own that learned from the same split, of which the lower counts.
``wavegan``: the recipe `wavegan` (Donahue et al. 2019, narrowed) for the same time. ``berklee``: `audio` without
labels on a folder of one-shots. ``speed``: sounds of one second at 8 kHz per second of one thread. All times are CPU
time of the process: 30 minutes are 15 of a clock where two threads compute.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path
from typing import Any

import cpu_clock
import machine
import torch
from at_times import models_at
from one_shots import evaluated
from PIL import Image
from sound_speed import speeds
from spoken_digits import PATTERN, Yardstick, link_splits

from sparring.core.errors import UserError
from sparring.core.settings import duration
from sparring.media.sounds.pictures import sheet
from sparring.modalities import RECIPES

PARTS = ("fsdd", "wavegan", "berklee", "speed")
RECIPE_OF = {"fsdd": "audio", "wavegan": "wavegan"}
SAMPLES = 1000
SHOWN = 40  # samples on the picture
SETTINGS = {"sample_every": "1h", "checkpoint_every": "10m"}
COLUMNS = ("network", "vectors", "inception", "frechet", "silent", "clicking", "clipped", "pairs", "rarest_pair")


def play(
    part: str, seed: int, data: Path, yardstick: Yardstick, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], torch.Tensor]:
    """Train one recipe on spoken digits; a row at each of the times, and the last samples ``(n, 1, samples)``."""
    rows: list[dict[str, Any]] = []
    about = {"data": str(data), "label_pattern": PATTERN, "conditional": "yes", "seed": seed}
    recipe = RECIPES[RECIPE_OF[part]].changed({**about, **SETTINGS})
    for seconds, outcome, model in models_at(recipe, options.times, options.time):
        sounds = model.sample(200 if options.quick else SAMPLES, seed=seed + 1)
        digits = torch.tensor([int(label) for label in model.sample_labels(len(sounds), None) or []])
        scores = yardstick.measured(sounds[:, 0], digits)
        row = {"recipe": recipe.name, "seed": seed, "cpu_seconds": seconds, "examples": outcome.examples, **scores}
        print(row, flush=True)
        rows.append(row)
    return rows, sounds


def spoken(parts: list[str], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The runs on spoken digits, seed by seed, what real ones score, and how right the classifiers are."""
    folders = link_splits(options.fsdd, folder, options.quick)
    yardstick = Yardstick(folders, 2 if options.quick else 10)
    print(f"speakers are told rightly {yardstick.speaker_accuracy:.2%} of the time; real, test split: {yardstick.real}")
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        for part in parts:
            own, sounds = play(part, seed, folders["train"], yardstick, options)
            rows += own
            if part == "fsdd" and not seed:
                picture = sheet(sounds[:SHOWN].numpy(), 8000)
                machine.draw("audio", Image.open(io.BytesIO(picture)), quick=options.quick)
    show([*rows, {"recipe": "real", "seed": "", "cpu_seconds": "", "examples": "", **yardstick.real}])
    about = {"real": yardstick.real, "speaker_accuracy": yardstick.speaker_accuracy}
    recipes = {name: RECIPES[name].changed(SETTINGS).to_dict() for name in map(RECIPE_OF.get, parts) if name}
    return {**about, "test": len(yardstick.test.sounds), "runs": rows, "recipes": recipes}


def show(rows: list[dict[str, Any]]) -> None:
    """The table of runs on spoken digits."""
    names = ("recipe", "seed", "cpu_seconds", "examples", *COLUMNS)
    table = [
        {name: f"{row[name]:.3f}" if isinstance(row[name], float) else row[name] for name in names} for row in rows
    ]
    machine.show(table)


def parsed() -> argparse.Namespace:
    """The options. Raises :class:`UserError` where data are asked for and not given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fsdd", type=Path, help="folder of the Free Spoken Digit Dataset")
    parser.add_argument("--berklee", type=Path, help="folder of one-shots, or of any sounds without labels")
    parser.add_argument("--quick", action="store_true", help="one seed, seconds, few sounds: does it run")
    parser.add_argument("--seeds", type=int, default=3, help="of fsdd and wavegan")
    parser.add_argument("--time", type=duration, default="30m", help="of training each, CPU time")
    parser.add_argument("--times", default="5m,15m", help="before that, at which samples are measured too")
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.times = [duration(time) for time in options.times.split(",") if time]
    if options.quick:
        options.time, options.times, options.seeds = 4.0, [2.0], 1
    for part in options.only:
        if part not in PARTS:
            raise UserError(f"--only: no part called {part}; there are {', '.join(PARTS)}")
        needed = "berklee" if part == "berklee" else "fsdd"
        if getattr(options, needed) is None:
            raise UserError(f"{part} needs data: give --{needed} FOLDER, or leave it out by --only")
    return options


def main() -> None:
    options = parsed()
    facts = machine.facts()
    print(machine.described(facts))
    name = "audio" if set(options.only) == set(PARTS) else f"audio_{'_'.join(options.only)}"
    found: dict[str, Any] = {"time": options.time, "times": options.times, "samples": SAMPLES}
    with tempfile.TemporaryDirectory() as folder, cpu_clock.cpu_time():
        if "speed" in options.only:
            found["speed"] = speeds(options.fsdd, options.quick)
            machine.show([{key: f"{value:.4g}" for key, value in row.items()} for row in found["speed"]])
            machine.write(name, facts, quick=options.quick, seed=0, **found)
        if parts := [part for part in options.only if part in RECIPE_OF]:
            found["spoken_digits"] = spoken(parts, options, Path(folder))
            machine.write(name, facts, quick=options.quick, seed=0, **found)
        if "berklee" in options.only:
            found["one_shots"] = evaluated(options.berklee, options.time, SETTINGS, options.quick)
            machine.show([{name: f"{value}" for name, value in found["one_shots"]["shown"].items()}])
            machine.write(name, facts, quick=options.quick, seed=0, **found)


if __name__ == "__main__":
    machine.run(main)
