"""A calibration as it is kept beside a model: ``judge.safetensors`` and ``judge.json``, which can run no code."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import aside, write_text
from sparring.core.reading import read_json, reason
from sparring.core.run import weights_hash
from sparring.core.terminal import one_line
from sparring.core.weights import Unfilled, read_weights
from sparring.data.source import Form
from sparring.kind import Kind
from sparring.probability.calibration import METHODS, Calibrator
from sparring.probability.grid import MOST as MOST_VALUES
from sparring.probability.grid import Grid
from sparring.probability.judge import Judge

FORMAT = 1
WEIGHTS, ABOUT = "judge.safetensors", "judge.json"
MOST = 1_000_000  # examples that tell what is usual
LARGEST = 1 << 28  # numbers of an example
ARRAYS = {"usual": torch.float64, "labels": torch.int64, "real": torch.float64, "made": torch.float64}
LARGE = 1e30  # a number of a calibrator: with larger ones, sums are none any more
POSITIVE = ("certain", "temperature")
MEASURED = (
    ("separation", "auc"), ("accuracy", "value"), ("accuracy", "error"), ("divergence", "value"),
    ("divergence", "error"),
)  # fmt: skip
AGAIN = "run sparring calibrate again"
DTYPES = {"uint8": torch.uint8, "float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Calibration:
    """All that single examples are scored with.

    ``model`` names the generator's weights that the judge learned from; ``shape`` is that of an example. ``usual`` is
    the oddness of real examples that nobody learned from, float64 ``(n,)``, and ``labels`` are theirs, ``(n,)``, -1
    where there is none; ``real`` and ``made`` are calibrated log odds of these and of generated examples, ``(n,)`` and
    ``(m,)``. ``temperature`` divides the judge's logits of labels (Guo et al. 2017). ``facts`` are plain
    values that tell how it was made and how true it is.
    """

    model: str
    judge: Judge
    calibrator: Calibrator
    grid: Grid
    shape: tuple[int, ...]
    usual: np.ndarray
    labels: np.ndarray
    real: np.ndarray
    made: np.ndarray
    temperature: float
    facts: Mapping[str, Any]


def save(folder: Path, calibration: Calibration) -> list[Path]:
    """Write a calibration into a model's folder, whole or not at all. Returns its files."""
    values = calibration.grid.values
    tensors = {
        f"judge.{name}": value.detach().cpu().contiguous() for name, value in calibration.judge.state_dict().items()
    }
    for name in ARRAYS:
        tensors[name] = torch.from_numpy(getattr(calibration, name))
    if values is not None:
        tensors["grid"] = values.contiguous()
    about = {
        "sparring": FORMAT,
        "model": calibration.model,
        "weights": weights_hash(tensors),
        "method": calibration.calibrator.method,
        "numbers": list(calibration.calibrator.numbers),
        "certain": calibration.calibrator.certain,
        "temperature": calibration.temperature,
        "shape": list(calibration.shape),
        "counts": {name: len(getattr(calibration, name)) for name in ARRAYS},
        "grid": None if values is None else [len(values), str(values.dtype).removeprefix("torch.")],
        "facts": calibration.facts,
    }
    with aside(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_text(folder / ABOUT, json.dumps(about, indent=2, ensure_ascii=False))
    return [folder / WEIGHTS, folder / ABOUT]


def load(folder: Path, modality: Kind, form: Form, model: str, device: torch.device) -> Calibration | None:
    """The calibration in the folder of the ``model`` of that hash; None where there is none. Raises :class:`UserError`
    for one that is damaged, or of other weights."""
    path = folder / ABOUT
    try:
        about = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise UserError(f"{path}: cannot be read ({reason(problem)}); {AGAIN}") from None
    try:
        if about["sparring"] != FORMAT:
            raise UserError(f"{path}: not a calibration of format {FORMAT}; {AGAIN}")
        if about["model"] != model:
            raise UserError(f"{path}: calibrates other weights than the model has now; {AGAIN}")
        expected, calibrator, temperature = read_about(about, modality, form)
    except UserError:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as problem:
        raise UserError(f"{path}: damaged ({one_line(problem)}); {AGAIN}") from None
    tensors = read_weights(folder / WEIGHTS, expected, about=ABOUT, mend=AGAIN)
    if about.get("weights") != weights_hash(tensors):
        raise UserError(f"{path}: does not belong to the {WEIGHTS} beside it; {AGAIN}")
    judge = Judge(modality.judge_trunk(form, about["shape"]), len(form.labels))
    judge.load_state_dict({name.removeprefix("judge."): tensors[name] for name in tensors if name.startswith("judge.")})
    return Calibration(
        model=model,
        judge=judge.to(device).eval(),
        calibrator=calibrator,
        grid=Grid(tensors.get("grid")),
        shape=tuple(about["shape"]),
        **{name: tensors[name].numpy() for name in ARRAYS},
        temperature=temperature,
        facts=about["facts"],
    )


def read_about(about: Mapping[str, Any], modality: Kind, form: Form) -> tuple[dict[str, Tensor], Calibrator, float]:
    """The tensors ``(...)`` that a calibration holds, on the meta device, its calibrator and temperature. Raises
    ValueError, TypeError or LookupError for what cannot be."""
    if math.prod(within(side, 1, LARGEST) for side in about["shape"]) > LARGEST:
        raise ValueError("its examples are too large")
    with torch.device("meta"), Unfilled():
        network = Judge(modality.judge_trunk(form, about["shape"]), len(form.labels))
    expected = {f"judge.{name}": value for name, value in network.state_dict().items()}
    for name, dtype in ARRAYS.items():
        expected[name] = torch.empty(within(about["counts"][name], 1, MOST), dtype=dtype, device="meta")
    if about["grid"] is not None:
        values, kind = about["grid"]
        expected["grid"] = torch.empty(within(values, 1, MOST_VALUES), dtype=DTYPES[kind], device="meta")
    numbers = tuple(float(number) for number in about["numbers"])
    wanted = {"platt": len(numbers) == 2, "beta": len(numbers) == 3, "isotonic": len(numbers) > 0 == len(numbers) % 2}
    limited = all(abs(each) < LARGE for each in numbers) and all(0 < about[name] < LARGE for name in POSITIVE)
    rising = about["method"] != "isotonic" or all(np.diff(np.split(np.array(numbers), 2)).ravel() >= 0)
    if about["method"] not in METHODS or not wanted[about["method"]] or not limited or not rising:
        raise ValueError("its numbers calibrate nothing")
    if about["counts"]["labels"] != about["counts"]["usual"]:
        raise ValueError("not every usual example has its label")
    check_facts(about["facts"])
    return expected, Calibrator(about["method"], numbers, float(about["certain"])), float(about["temperature"])


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raise ValueError, TypeError or LookupError where what an evaluation tells of a calibration is not there."""
    for name in ("unseen", "generated"):
        within(facts["counts"][name], 1, MOST)
    told = [facts[group][name] for group, name in MEASURED]
    own = facts["discriminator"]
    told += [] if own is None else [own[name] for name in own]
    if not all(type(value) in (int, float) and abs(value) < LARGE for value in told):
        raise ValueError("what it measured is no number")


def within(value: Any, low: int, high: int) -> int:
    """A whole number. Raises ValueError for one outside of its limits, and for what is none."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{one_line(value)[:40]} is no whole number from {low} to {high:,}")
    return value
