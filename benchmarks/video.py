"""Videos: does a shape keep its colour and move as asked, do sprites act as asked and stay who they are; at what cost?

    python benchmarks/video.py [--shapes FOLDER] [--sprites FOLDER] [--quick] [--seeds 3] [--time 60m] [--times 10m,30m]
                               [--only shapes,sprites,cost,peer]

``shapes``: the recipe `video`, conditional, on MoCoGAN's strips of 32 frames, of which every second is taken; 256 clips
of 16 frames are measured, and 64 of 64 frames. ``sprites``: the same on characters of the Liberated Pixel Cup, 8
frames, read by classifiers that learned from other characters. ``cost``: seconds of a step beside those of a pair as
MoCoGAN has it, under the same objective and penalties, in turn; ``peer``: both on the shapes without labels for
``--time`` each, which is nearer to the data. All times are CPU time of the process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cpu_clock
import machine
import moving_colour
import numpy as np
import torch
from at_times import models_at
from mocogan_pair import MocoganPair
from PIL import Image
from sprites import FRAMES, SIDE, Sheets, Yardstick
from video_peer import against_mocogan

from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.core.settings import duration
from sparring.media.pictures.sheets import to_bytes
from sparring.model import Model
from sparring.video.control import control_of
from sparring.video.data import open_source
from sparring.video.form import VideoForm
from sparring.video.game import VideoGame
from sparring.video.recipes import video
from sparring.video.samples import as_pixels, strips

PARTS = ("shapes", "sprites", "cost", "peer")
OUTPUTS = ("layers", "foreground")  # what frames are made of by default
SETTINGS = {"sample_every": "1h", "checkpoint_every": "10m", "conditional": True}
SAMPLES, LONG, LONGER = 256, 64, 4  # clips; long clips, and how many times as long
CHARACTERS, KEPT = 250, 60  # that are learned from, and that classifiers learn from and are tested on
BATCH, ROUNDS = 8, 5  # of the measurement of cost
SHOWN = 12  # strips of the picture


def shapes(options: argparse.Namespace) -> dict[str, Any]:
    """The runs on moving shapes, seed by seed, and what real clips score."""
    settings = {"data": str(options.shapes.resolve()), "every": 2, **SETTINGS}
    recipe = video.changed(settings)
    source = open_source(recipe)
    batch = source.batch(np.random.default_rng(0).permutation(len(source))[:SAMPLES])
    real = moving_colour.measured(batch["frames"].numpy(), batch["labels"].numpy())
    print(f"real: {real}", flush=True)
    rows = []
    for seed in range(options.seeds):
        for seconds, outcome, model in models_at(recipe.changed({"seed": seed}), options.times, options.time):
            rows.append({"seed": seed, "cpu_seconds": seconds, "examples": outcome.examples, **of_shapes(model, seed)})
            print(rows[-1], flush=True)
    machine.show([as_row({"seed": "real", **real}), *map(as_row, rows)])
    return {"real": real, "runs": rows, "recipe": machine.settings(recipe)}


def of_shapes(model: Model, seed: int) -> dict[str, float]:
    """Scores of samples, and of samples that are longer than what was learned from."""
    labels = np.array([int(label) for label in model.sample_labels(SAMPLES, None) or []])
    clips = to_bytes(model.sample(SAMPLES, seed=seed + 1)).numpy()
    frames = clips.shape[1]
    long = to_bytes(model.sample(LONG, seed=seed + 2, frames=LONGER * frames)).numpy()
    later = {name: value for name, value in moving_colour.measured(long[:, -frames:]).items() if name != "speed"}
    apart = {score.name: score.value for score in control_of(model, seed) if score.value is not None}
    scores = {**moving_colour.measured(clips, labels), **moving_colour.drift(long, frames), **apart}
    return {**scores, **{f"{name}_later": value for name, value in later.items()}}


def sprites(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The runs on characters, seed by seed, and what real clips of characters that were not learned from score."""
    sheets = Sheets(options.sprites)
    count, kept = (20, 8) if options.quick else (CHARACTERS, KEPT)
    characters = sheets.characters(count + 2 * kept, seed=0)
    sheets.write(characters[:count], folder)
    steps = 20 if options.quick else 600
    yardstick = Yardstick(sheets, characters[count : count + kept], characters[count + kept :], steps)
    print(f"real: {yardstick.real}", flush=True)
    # Arms and legs do not only move, they come and go behind each other: every frame is made for itself
    direct = {"output": "direct", "frames": FRAMES, "size": str(SIDE)}
    recipe = video.changed({"data": str(folder), **direct, **SETTINGS})
    rows = []
    for seed in range(options.seeds):
        for seconds, outcome, model in models_at(recipe.changed({"seed": seed}), options.times, options.time):
            named = model.sample_labels(SAMPLES, None) or []
            labels = torch.tensor([yardstick.names.index(label) for label in named])
            scores = yardstick.measured(to_bytes(model.sample(SAMPLES, seed=seed + 1)), labels)
            rows.append({"seed": seed, "cpu_seconds": seconds, "examples": outcome.examples, **scores})
            print(rows[-1], flush=True)
        draw(model, options.quick)
    machine.show([as_row({"seed": "real", **yardstick.real}), *map(as_row, rows)])
    return {"real": yardstick.real, "runs": rows, "recipe": machine.settings(recipe)}


def draw(model: Model, quick: bool) -> None:
    """A picture of some samples as strips."""
    clips = strips(as_pixels(model.sample(SHOWN, seed=1)))
    machine.draw("video", Image.fromarray(clips.reshape(-1, *clips.shape[2:])), quick=quick)


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a step of 8 clips of 16 frames at 64 pixels, of both of our generators and of MoCoGAN's pair, in turn,
    one thread."""
    torch.set_num_threads(1)
    form = VideoForm(height=SIDE, width=SIDE, frames=16, rate=12.5)
    frames = torch.randint(0, 256, (BATCH, 16, 3, SIDE, SIDE), dtype=torch.uint8)
    recipes = {output: video.changed({"batch": BATCH, "output": output}) for output in OUTPUTS}
    pair = MocoganPair(next(iter(recipes.values())), 16, SIDE, video.width)
    games = {output: VideoGame(recipe, form) for output, recipe in recipes.items()}
    seconds: dict[str, list[float]] = {"mocogan": [], **{output: [] for output in OUTPUTS}}
    for number in range(1 + (1 if options.quick else ROUNDS)):
        for name, taken in seconds.items():
            started = time.process_time()
            if name == "mocogan":
                pair.play(frames.float() / 127.5 - 1, number)
            else:
                play(games[name], frames, number)
            if number:  # the first warms up
                taken.append(time.process_time() - started)
    ratios = {
        name: statistics.median(theirs / ours for ours, theirs in zip(seconds[name], seconds["mocogan"], strict=True))
        for name in OUTPUTS
    }
    medians = {name: statistics.median(each) / BATCH for name, each in seconds.items()}
    machine.show(
        [
            {"what": name, "a clip": f"{value * 1000:.0f} ms", "of theirs": f"1/{ratios.get(name, 1):.1f}"}
            for name, value in medians.items()
        ]
    )
    return {"seconds_per_clip": medians, "ratios": ratios, "seconds": seconds}


def play(game: VideoGame, frames: torch.Tensor, number: int) -> None:
    """One step of a game, as the trainer plays it."""
    at, device = number * len(frames), frames.device
    step = Step([{"frames": frames}], examples_seen=at, seed=number, global_batch=len(frames),
                part=slice(0, len(frames)), device=device)  # fmt: skip
    for turn in game.turns(step):
        for name, player in game.players.items():
            player.network.requires_grad_(name == turn.mover)
            player.optimizer.zero_grad()
        turn.loss().backward()  # type: ignore[no-untyped-call]
        game.players[turn.mover].move(game.recipe.learning_rate(at), (game.recipe.beta1, game.recipe.beta2(at)))


def as_row(scores: dict[str, Any]) -> dict[str, str]:
    """Scores as a table shows them."""
    return {name: f"{value:.3f}" if isinstance(value, float) else str(value) for name, value in scores.items()}


def parsed() -> argparse.Namespace:
    """The options. Raises :class:`UserError` where data are asked for and not given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", type=Path, help="folder of MoCoGAN's strips, 0 vertical and 1 horizontal")
    parser.add_argument("--sprites", type=Path, help="folder of the Liberated Pixel Cup's layers")
    parser.add_argument("--quick", action="store_true", help="one seed, seconds, few clips: does it run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", type=duration, default="60m", help="of training each, CPU time")
    parser.add_argument("--times", default="10m,30m", help="before that, at which samples are measured too")
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.times = [duration(each) for each in options.times.split(",") if each]
    if options.quick:
        options.time, options.times, options.seeds = 4.0, [2.0], 1
    for part in options.only:
        if part not in PARTS:
            raise UserError(f"--only: no part called {part}; there are {', '.join(PARTS)}")
        data = {"cost": "", "peer": "shapes"}.get(part, part)
        if data and getattr(options, data) is None:
            raise UserError(f"{part} needs data: give --{data} FOLDER, or leave it out by --only")
    return options


def main() -> None:
    options = parsed()
    facts = machine.facts()
    print(machine.described(facts))
    name = "video" if set(options.only) == set(PARTS) else f"video_{'_'.join(options.only)}"
    found: dict[str, Any] = {"time": options.time, "times": options.times, "samples": SAMPLES}
    with tempfile.TemporaryDirectory() as folder:
        if "cost" in options.only:
            found["cost"] = cost(options)
        with cpu_clock.cpu_time():
            if "shapes" in options.only:
                found["shapes"] = shapes(options)
                machine.write(name, facts, quick=options.quick, seed=0, **found)
            if "peer" in options.only:
                found["peer"] = against_mocogan(options)
                machine.show([as_row(row) for row in found["peer"]["runs"]])
            if "sprites" in options.only:
                found["sprites"] = sprites(options, Path(folder) / "sprites")
    machine.write(name, facts, quick=options.quick, seed=0, **found)


if __name__ == "__main__":
    machine.run(main)
