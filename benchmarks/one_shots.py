"""The recipe `audio` without labels on a folder of sounds: distance to real ones, collapse, copies."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from torch import Tensor

import sparring
from sparring.audio.data import open_source
from sparring.audio.features.find import find_features
from sparring.audio.form import FULL
from sparring.audio.recipes import audio
from sparring.metrics.neighbours import nearest

SAMPLES = 1000  # of which the nearest training sounds are looked for
QUICK = 140  # sounds: features are learned from them in seconds
ROWS = ("frechet", "precision", "recall", "memorisation", "duplicates", "silent", "clicking", "clipped", "spectrum")
PERCENTILES = (5, 50, 95)


def evaluated(sounds: Path, seconds: float, settings: dict[str, str], quick: bool) -> dict[str, Any]:
    """Train so many seconds; what ``sparring evaluate`` says, the warnings of the journal, and distances to the nearest
    training sound. ``shown`` is what a table needs of it."""
    with tempfile.TemporaryDirectory() as folder:
        data = linked(sounds, Path(folder) / "sounds", QUICK) if quick else sounds.resolve()
        recipe = audio.changed({"data": str(data), "labelled": "no", "time": str(seconds), **settings})
        outcome = sparring.train(recipe, out=Path(folder) / "run")
        result = sparring.evaluate(outcome.run, say=lambda line: print(line, flush=True))
        warnings = warned(outcome.run / "journal.jsonl")
        source = open_source(recipe)
        features = find_features(source, "auto", torch.device("cpu"), print)
        real = features(source.batch(np.arange(len(source)))["sounds"].float() / FULL)
        made = features(sparring.load(outcome.run).sample(SAMPLES, seed=1).clamp(-1, 1))
    scores = {row["name"]: row for row in result["scores"]}
    apart = {
        "samples_to_training": percentiles(nearest(made, real, 1)[0]),
        "real_to_real": percentiles(nearest(real, real, 1, same=True)[0]),
    }
    return {
        "sounds": len(source),
        "form": source.form.to_dict(),
        "cpu_seconds": outcome.seconds,
        "examples": outcome.examples,
        "warnings": warnings,
        "distances": apart,
        "verdicts": result["verdicts"],
        "features": result["features"],
        "scores": {name: scores[name] for name in ROWS if name in scores},
        "shown": shown(scores, apart, warnings),
        "recipe": machine.settings(recipe),
    }


def shown(scores: dict[str, Any], apart: dict[str, list[float]], warnings: list[str]) -> dict[str, str]:
    """What the table has of it."""
    pairs = {name: scores[name] for name in ("frechet", "memorisation")}
    numbers = {
        name: "" if row["value"] is None else f"{row['value']:.3f} (real: {row['floor']:.3f})"
        for name, row in pairs.items()
    }
    nearest_ones = f"{apart['samples_to_training'][1]:.3f} (real to real: {apart['real_to_real'][1]:.3f})"
    return {**numbers, "to the nearest training sound": nearest_ones, "warnings": ", ".join(warnings) or "none"}


def linked(sounds: Path, folder: Path, count: int) -> Path:
    """A folder of links to some of the sounds."""
    folder.mkdir()
    files = sorted(path for path in sounds.rglob("*") if path.suffix in (".flac", ".wav"))
    for path in files[:count]:
        (folder / path.name).symlink_to(path.resolve())
    return folder


def warned(journal: Path) -> list[str]:
    """The kinds of all warnings of a run."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    return [entry["kind"] for entry in entries if entry["event"] == "warning"]


def percentiles(distances: Tensor) -> list[float]:
    """The 5th, 50th and 95th percentile of distances ``(n, 1)``."""
    return [float(value) for value in np.percentile(distances.numpy(), PERCENTILES)]
