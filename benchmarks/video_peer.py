"""Sparring's pair on clips and one as MoCoGAN has it, on the same clips for the same time: which is nearer to them?"""

from __future__ import annotations

import argparse
import copy
import time
from typing import Any

import machine
import moving_colour
import numpy as np
import torch
from at_times import models_at
from mocogan_pair import MOTION, MocoganPair
from torch import Tensor

from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.frechet import frechet
from sparring.video.data import open_source
from sparring.video.features.find import find_features
from sparring.video.recipes import VideoRecipe, video

COUNT, AT_ONCE = 1_000, 50  # samples and real clips that are compared, and that are made at once


def against_mocogan(options: argparse.Namespace) -> dict[str, Any]:
    """Both, unconditional, seed by seed, after ``options.time`` seconds; and other real clips in their place."""
    recipe = video.changed({
        "data": str(options.shapes.resolve()), "every": 2, "sample_every": "1h", "checkpoint_every": "1h",
        "measure_every": 0,
    })  # fmt: skip
    assert isinstance(recipe, VideoRecipe)
    source = open_source(recipe)
    features = find_features(source, "auto", torch.device("cpu"), print)
    count = 200 if options.quick else COUNT
    order = np.random.default_rng(0).permutation(len(source))
    real, others = (source.batch(part)["frames"] for part in np.split(order[: 2 * count], 2))
    known = features(as_numbers(real))

    def scores(clips: Tensor) -> dict[str, float]:
        distance = frechet(known, features(as_numbers(clips)))["frechet"].value
        return {"frechet": distance, **moving_colour.measured(clips.numpy())}

    rows: list[dict[str, Any]] = [{"pair": "real", **scores(others)}]
    for seed in range(options.seeds):
        for _, outcome, model in models_at(recipe.changed({"seed": seed}), (), options.time):
            made = to_bytes(model.sample(count, seed=seed + 1))
            rows.append({"pair": "sparring", "seed": seed, "examples": outcome.examples, **scores(made)})
            print(rows[-1], flush=True)
        examples, made = mocogan(recipe.changed({"seed": seed}), source, options.time, count)
        rows.append({"pair": "mocogan", "seed": seed, "examples": examples, **scores(made)})
        print(rows[-1], flush=True)
    return {"samples": count, "seconds": options.time, "runs": rows, "recipe": machine.settings(recipe)}


def mocogan(recipe: VideoRecipe, source: Any, seconds: float, count: int) -> tuple[int, Tensor]:
    """How many clips MoCoGAN's pair learned from in so much time, and samples of its averaged generator, bytes
    ``(count, frames, 3, side, side)``."""
    torch.manual_seed(recipe.seed)
    form, batch = source.form, recipe.batch
    pair = MocoganPair(recipe, form.frames, form.height, recipe.width)
    averaged, random = copy.deepcopy(pair.generator), np.random.default_rng(recipe.seed)
    number, end = 0, time.process_time() + seconds
    while time.process_time() < end:
        pair.play(as_numbers(source.batch(random.integers(len(source), size=batch))["frames"]), number)
        number += 1
        half_life = recipe.average_half_life(number * batch)
        kept = 0.5 ** (batch / half_life) if half_life else 0.0
        for mean, weight in zip(averaged.parameters(), pair.generator.parameters(), strict=True):
            mean.data.lerp_(weight.data, 1 - kept)
    with torch.no_grad():
        made = [
            averaged(torch.randn(AT_ONCE, recipe.latent), torch.randn(AT_ONCE, form.frames, MOTION)).clamp(-1, 1)
            for _ in range(count // AT_ONCE)
        ]
    return number * batch, to_bytes(torch.cat(made))


def as_numbers(clips: Tensor) -> Tensor:
    """Bytes in [-1, 1]."""
    return clips.float() / 127.5 - 1
