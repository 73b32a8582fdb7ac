"""A calibration in a model's folder: what is read is what was written; whatever else lies there is one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sparring.core.run import weights_hash
from sparring.modalities import load as load_model
from sparring.model import Model
from sparring.probability import kept
from sparring.probability.calibration import METHODS, fit
from sparring.probability.grid import Grid
from sparring.probability.judge import Judge
from sparring.probability.kept import ABOUT, MOST, WEIGHTS, Calibration

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
WRONG: list[Any] = [
    None, True, -1, 0, 0.5, 10**9, 10**400, 1e308, -1e308, "", "x" * 5000, "\x1b[31m", [], [[]], [1, 2, 3], {},
    {"a": [1]},
]  # fmt: skip


@pytest.fixture(scope="module")
def model(finished_run: Path) -> Model:
    return load_model(finished_run, "cpu")


def calibration_of(model: Model, method: str = "platt", seed: int = 0, grid: bool = True) -> Calibration:
    """A calibration that nothing was learned for."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    return Calibration(
        model=model.hash,
        judge=Judge(model.modality.judge_trunk(model.form, SHAPE), len(model.labels)).eval(),
        calibrator=fit(method, random.normal(1, 1, 60), random.normal(-1, 1, 50)),
        grid=Grid(torch.arange(0, 256, 15, dtype=torch.uint8) if grid else None),
        shape=SHAPE,
        usual=random.random(30),
        real=random.normal(size=30),
        made=random.normal(size=50),
        labels=random.integers(-1, 4, 30),
        temperature=1.7,
        facts={
            "counts": {"unseen": 30, "generated": 70},
            "separation": {"auc": 0.9},
            "accuracy": {"value": 0.8, "error": 0.1},
            "divergence": {"value": -0.1, "error": 0.1},
            "discriminator": {"unseen": 0.6},
            "truth": [0.1, None],
        },
    )


def read(folder: Path, model: Model) -> Calibration | None:
    return kept.load(folder, model.modality, model.form, model.hash, CPU)


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    """A folder with a calibration by isotonic regression, of all kinds of numbers."""
    kept.save(tmp_path, calibration_of(model, "isotonic"))
    return tmp_path


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change what is told of a calibration."""
    about = json.loads((folder / ABOUT).read_text())
    change(about)
    (folder / ABOUT).write_text(json.dumps(about))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grid", [True, False])
def test_what_is_read_is_what_was_written(method: str, grid: bool, model: Model, tmp_path: Path) -> None:
    written = calibration_of(model, method, grid=grid)
    assert kept.save(tmp_path, written) == [tmp_path / WEIGHTS, tmp_path / ABOUT]
    found = read(tmp_path, model)
    assert found is not None
    examples = torch.randint(256, (20, *SHAPE), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(found.judge(examples), written.judge(examples))
        assert torch.equal(found.judge.of_labels(examples), written.judge.of_labels(examples))
    assert not found.judge.training
    logits = np.linspace(-9, 9, 30)
    np.testing.assert_array_equal(found.calibrator.log_odds(logits), written.calibrator.log_odds(logits))
    for name in ("usual", "real", "made"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    np.testing.assert_array_equal(found.labels, written.labels)
    assert torch.equal(found.grid.snap(examples), written.grid.snap(examples))
    assert (found.model, found.shape, found.temperature) == (model.hash, SHAPE, 1.7)
    assert found.facts == written.facts
    assert found.calibrator.certain == written.calibrator.certain


def test_a_second_calibration_takes_the_place_of_the_first(model: Model, folder: Path) -> None:
    kept.save(folder, calibration_of(model, seed=1))
    found = read(folder, model)
    assert found is not None
    assert found.calibrator.method == "platt"
    assert sorted(path.name for path in folder.iterdir()) == [ABOUT, WEIGHTS]


def test_no_calibration(model: Model, tmp_path: Path) -> None:
    assert read(tmp_path, model) is None


def test_files_are_no_pickles(folder: Path) -> None:
    for name in (ABOUT, WEIGHTS):
        content = (folder / name).read_bytes()
        assert content[:2] not in (b"PK", b"\x80\x02", b"\x80\x04")
        assert b"pickle" not in content
    assert set(load_file(folder / WEIGHTS)) >= {"usual", "labels", "real", "made", "grid", "judge.real.weight"}


@pytest.mark.parametrize("name", [ABOUT, WEIGHTS])
def test_a_pickle_in_its_place(name: str, folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    torch.save({"weight": torch.ones(3)}, folder / name)
    line = mistake(read, folder, model)
    assert line.startswith(f"{folder / name}: ")
    assert line.endswith("run sparring calibrate again") or "a pickle can run code" in line


NONE = [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b"{}", b"\xff\xfe", b'{"sparring": NaN}', b"[" * 100_000,
    b'{"sparring": 1, "sparring": 1}', b'{"sparring": 2}',
]  # fmt: skip


@pytest.mark.parametrize("content", NONE)
def test_what_is_no_calibration(content: bytes, folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    (folder / ABOUT).write_bytes(content)
    line = mistake(read, folder, model)
    assert line.startswith(f"{folder / ABOUT}: ")
    assert line.endswith("; run sparring calibrate again")
    assert len(line) < 500


FIELDS = (
    "sparring", "model", "weights", "method", "numbers", "certain", "temperature", "shape", "counts", "grid", "facts",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_every_wrong_value_is_one_line(field: str, folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    whole = json.loads((folder / ABOUT).read_text())
    assert set(FIELDS) == set(whole)
    absent = {name: value for name, value in whole.items() if name != field}
    for value in [*WRONG, "absent"]:
        if (field, value) in (("certain", 10**9), ("temperature", 10**9), ("certain", 0.5), ("temperature", 0.5)):
            continue  # may be
        if field in ("certain", "temperature", "sparring") and value is True:
            continue  # one
        (folder / ABOUT).write_text(json.dumps(absent if value == "absent" else {**whole, field: value}))
        line = mistake(read, folder, model)
        assert line.startswith(f"{folder}{os.sep}judge."), value
        assert line.count(str(folder)) == 1
        assert line.endswith("; run sparring calibrate again"), value
        assert line.isprintable()
        assert len(line) < 500


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["counts"].update(usual=MOST + 1),
        lambda about: about["counts"].update(made=10**15),
        lambda about: about["counts"].update(labels=29),
        lambda about: about["counts"].update(real=29),
        lambda about: about["counts"].update(made=None),
        lambda about: about["counts"].pop("real"),
        lambda about: about.update(shape=[1 << 20, 1 << 20]),
        lambda about: about.update(shape=[1, 8]),
        lambda about: about.update(shape=[1, 8, 1 << 27]),
        lambda about: about.update(shape=[3, 8, 8]),
        lambda about: about["facts"].pop("accuracy"),
        lambda about: about["facts"]["counts"].update(unseen=0),
        lambda about: about["facts"]["separation"].update(auc="high"),
        lambda about: about["facts"].update(discriminator={"unseen": None}),
        lambda about: about["facts"].update(discriminator=[0.6]),
        lambda about: about.update(grid=[10**9, "uint8"]),
        lambda about: about.update(grid=[18, "object"]),
        lambda about: about.update(grid=None),
        lambda about: about.update(method="temperature"),
        lambda about: about.update(method="platt"),
        lambda about: about.update(numbers=about["numbers"][:-1]),
        lambda about: about.update(numbers=["nan"] * len(about["numbers"])),
        lambda about: about.update(numbers=about["numbers"][::-1]),
        lambda about: about.update(temperature=-1.0),
        lambda about: about.update(certain=-1.0),
        lambda about: about.update(weights="0" * 16),
    ],
)
def test_what_cannot_be(
    change: Callable[[dict[str, Any]], Any], folder: Path, model: Model, mistake: Callable[..., str]
) -> None:
    rewrite(folder, change)
    line = mistake(read, folder, model)
    assert line.startswith(f"{folder}{os.sep}judge.")
    assert line.endswith("; run sparring calibrate again")


def test_a_discriminator_that_was_not_asked(folder: Path, model: Model) -> None:
    rewrite(folder, lambda about: about["facts"].update(discriminator=None))
    found = read(folder, model)
    assert found is not None
    assert found.facts["discriminator"] is None


def test_of_other_weights(folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    line = mistake(kept.load, folder, model.modality, model.form, "f" * 16, CPU)
    assert line.startswith(f"{folder / ABOUT}: calibrates other weights than the model has now; ")


def test_swapped_files(folder: Path, model: Model, tmp_path: Path, mistake: Callable[..., str]) -> None:
    """The weights of another calibration of the same model."""
    (tmp_path / "other").mkdir()
    kept.save(tmp_path / "other", calibration_of(model, "isotonic", seed=1))
    shutil.copy(tmp_path / "other" / WEIGHTS, folder / WEIGHTS)
    assert mistake(read, folder, model).startswith(f"{folder / ABOUT}: does not belong to the {WEIGHTS} beside it; ")


@pytest.mark.parametrize("name", ["usual", "judge.real.weight", "judge.trunk.body.1.running_var"])
def test_numbers_that_are_none(name: str, folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    """With the right hash, as somebody else may write it."""
    tensors = load_file(folder / WEIGHTS)
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, folder / WEIGHTS)
    rewrite(folder, lambda about: about.update(weights=weights_hash(tensors)))
    line = mistake(read, folder, model)
    assert line.startswith(f"{folder / WEIGHTS}: {name} holds numbers that are not finite")
    assert line.endswith("; run sparring calibrate again")


@pytest.mark.parametrize("change", ["missing", "cut", "flipped", "empty", "folder", "pipe", "more", "less"])
def test_damaged_weights(change: str, folder: Path, model: Model, mistake: Callable[..., str]) -> None:
    path = folder / WEIGHTS
    content, tensors = path.read_bytes(), load_file(path)
    path.unlink()
    if change in ("cut", "flipped", "empty"):
        last = bytes([content[-1] ^ 1])
        path.write_bytes({"cut": content[:-5], "flipped": content[:-1] + last, "empty": b""}[change])
    if change == "folder":
        path.mkdir()
    if change == "pipe":
        os.mkfifo(path)
    if change == "more":
        save_file({**tensors, "another": torch.ones(2)}, path)
    if change == "less":
        save_file({name: value for name, value in tensors.items() if name != "usual"}, path)
    line = mistake(read, folder, model)
    assert line.startswith(f"{folder}{os.sep}judge.")
    assert line.endswith("; run sparring calibrate again")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_something_else_in_the_place_of_what_is_told(
    kind: str, folder: Path, model: Model, mistake: Callable[..., str]
) -> None:
    (folder / ABOUT).unlink()
    (folder / ABOUT).mkdir() if kind == "folder" else os.mkfifo(folder / ABOUT)
    assert mistake(read, folder, model).startswith(f"{folder / ABOUT}: ")
