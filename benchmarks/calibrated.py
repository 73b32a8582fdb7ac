"""Runs that are trained and calibrated, and what a calibration says of itself."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import sparring
from sparring.probability.calibration import sigmoid
from sparring.probability.decisions import limit_of, p_values
from sparring.probability.truth import truth_of

SETTINGS = {"sample_every": "1h", "checkpoint_every": "10m", "measure_every": 0}
REPEATS = 500  # of outcomes that are drawn by true probabilities
WANTED = {"error": 0.0005, "z": 2.0, "brier": 0.15, "auc": 0.93}  # the last two of digits


def calibrated_run(recipe: str, seed: int, seconds: float, steps: int | None, **settings: Any) -> dict[str, Any]:
    """Train a recipe for so many seconds of CPU time and calibrate it, with the command's own number of ``steps`` where
    this is None; a row of what was found."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        training: dict[str, Any] = {**SETTINGS, **settings, "seed": seed, "time": f"{seconds:g}s"}
        outcome = sparring.train(recipe, out=run, **training)
        began = time.process_time()
        calibrating: dict[str, Any] = {"seed": seed} if steps is None else {"seed": seed, "steps": steps}
        found = sparring.calibrate(run, **calibrating)
        spent = time.process_time() - began
        calibration = sparring.load(run).calibration()
        assert calibration is not None
    truth = found["truth"]
    return {
        "recipe": recipe, "seed": seed, "train_cpu_seconds": round(outcome.seconds), "examples": outcome.examples,
        "cpu_seconds": round(spent, 1), "auc": found["separation"]["auc"], "accuracy": found["accuracy"]["value"],
        "divergence": found["divergence"]["value"], "brier": truth["brier"], "nats": truth["nats"],
        "error": truth["error"], "error_of_true": error_of_true(truth["bins"]),
        "z": truth["z"], "counts": found["counts"], "judge_steps": found["judge"]["steps"],
        "discriminator": found["discriminator"], "bins": truth["bins"], **false_alarms(calibration.usual),
    }  # fmt: skip


def error_of_true(bins: Sequence[Mapping[str, Any]]) -> float:
    """The standard deviation of the squared error of probabilities that are true, of as many examples in bins of these
    probabilities: how far from 0 it lies by itself."""
    random = np.random.default_rng(0)
    log_odds = np.repeat([math.log(each["probability"] / (1 - each["probability"])) for each in bins],
                         [each["count"] for each in bins])  # fmt: skip
    drawn = (random.random(len(log_odds)) < sigmoid(log_odds) for _ in range(REPEATS))
    return statistics.stdev(truth_of(log_odds, outcomes).error for outcomes in drawn)


def false_alarms(usual: np.ndarray) -> dict[str, float]:
    """Of real examples that nobody learned from, split into halves 200 times: the share of one half that is called odd
    at .05 by the scores of the other, on average, and the share of splits in which it is above .05 although .9 was
    promised."""
    random, rates, broken = np.random.default_rng(0), [], []
    for _ in range(200):
        one, other = np.array_split(random.permutation(usual), 2)
        values = p_values(other, one)
        rates.append((values <= limit_of(len(one), 0.05)).mean())
        broken.append((values <= limit_of(len(one), 0.05, 0.9)).mean() > 0.05)
    return {"false alarms": float(np.mean(rates)), "above with confidence": float(np.mean(broken))}


def targets(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Which of the targets each recipe's runs meet: all of them, or the mean over seeds where that is said."""
    result: dict[str, Any] = {}
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        own = [row for row in rows if row["recipe"] == recipe]
        result[recipe] = {
            "error": all(row["error"] < WANTED["error"] for row in own),
            "error, mean": statistics.fmean(row["error"] for row in own) < WANTED["error"],
            "z": all(abs(row["z"]) < WANTED["z"] for row in own),
        }
        if recipe == "digits":
            result[recipe]["brier"] = all(row["brier"] <= WANTED["brier"] for row in own)
            result[recipe]["auc"] = all(row["auc"] >= WANTED["auc"] for row in own)
    return result
