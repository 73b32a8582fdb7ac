"""How fast sounds are made, and what the iterations that find their phases are worth."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from sparring.audio.data import open_source
from sparring.audio.form import FULL
from sparring.audio.game import AudioGame
from sparring.audio.recipes import audio
from sparring.audio.representation import LogMagnitude
from sparring.model import Model

COUNT, REPEATS = 256, 5
OTHERS = (0, 32)  # phase iterations beside those of the recipe


def speeds(sounds: Path, quick: bool) -> list[dict[str, Any]]:
    """Sounds of one second at 8 kHz per second of one thread, by the number of phase iterations, each measured in turn,
    with the spectral convergence on real sounds, those of a folder."""
    count, repeats = (32, 1) if quick else (COUNT, REPEATS)
    recipe = audio.changed({"data": str(sounds), "labelled": "no", "rate": "8000", "seconds": "1"})
    with tempfile.TemporaryDirectory() as folder:
        outcome = sparring.train(recipe.changed({"steps": 2, "time": 0}), out=Path(folder) / "run")
        model = sparring.load(outcome.run)
    source = open_source(recipe)
    real = source.batch(np.random.default_rng(0).permutation(len(source))[:count])["sounds"].float() / FULL
    chosen = sorted({recipe.phase_iterations, *OTHERS})

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        taken: dict[int, list[float]] = {iterations: [] for iterations in chosen}
        for _ in range(repeats):
            for iterations in chosen:
                taken[iterations].append(seconds_of(with_iterations(model, iterations), count))
        convergence = {iterations: convergence_of(with_iterations(model, iterations), real) for iterations in chosen}
    finally:
        torch.set_num_threads(threads)
    return [
        {
            "iterations": iterations,
            "sounds_per_second": count / statistics.median(taken[iterations]),
            "slowest": count / max(taken[iterations]),
            "fastest": count / min(taken[iterations]),
            "spectral_convergence": convergence[iterations],
        }
        for iterations in chosen
    ]


def representation_of(model: Model) -> LogMagnitude:
    """What the model's players see."""
    assert isinstance(model.game, AudioGame)
    assert isinstance(model.game.representation, LogMagnitude)
    return model.game.representation


def with_iterations(model: Model, iterations: int) -> Model:
    """The same model, which finds phases by so many iterations from now on."""
    representation_of(model).iterations = iterations
    return model


def seconds_of(model: Model, count: int) -> float:
    """CPU seconds that so many samples take."""
    began = time.thread_time()
    model.sample(count)
    return time.thread_time() - began


def convergence_of(model: Model, real: Tensor) -> float:
    """How far the magnitudes of sounds ``(n, channels, samples)`` that are made of those of real ones are from these,
    relative to these (spectral convergence: Sturmel & Daudet 2011), in decibels: lower is better."""
    representation = representation_of(model)
    made = representation.decode(representation.encode(real))
    wanted, found = (representation.transform.forward(each.flatten(0, 1)).abs() for each in (real, made))
    return float(20 * ((found - wanted).norm() / wanted.norm()).log10())
