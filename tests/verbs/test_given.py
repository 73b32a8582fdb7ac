"""Examples that are given in Python: trained on, kept in the run, gone on with; what is none is told in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.core.errors import UserError
from sparring.data.source import Source
from sparring.modalities import load

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (20, 9, 9, 3), dtype=np.uint8)
POINTS = RANDOM.normal(size=(40, 3))
TINY: dict[str, Any] = {"steps": 2, "width": 8, "quiet": True}


class Numbered(torch.utils.data.Dataset[Any]):
    """Pillow pictures of several sizes with a number each; or as mappings, or as tensors."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return len(PICTURES)

    def __getitem__(self, index: int) -> Any:
        picture, label = Image.fromarray(PICTURES[index]), index % 2
        if self.how == "tensors":
            return torch.from_numpy(PICTURES[index]).permute(2, 0, 1) / 255, torch.tensor(label)
        return {"image": picture, "label": f"number {label}"} if self.how == "mappings" else (picture, label)


def source_of(run: Path) -> Source:
    """The examples that a run in this folder reads again."""
    model = load(run)
    data = sparring.info(run)["recipe"]["data"]
    return model.modality.open_source(model.recipe.changed({"data": data}))


@pytest.mark.parametrize(
    "how", ["array", "floats", "channels first", "pair", "list", "pictures", "pairs", "mappings", "tensors"]
)
def test_pictures_are_read_again_as_they_were_given(how: str, tmp_path: Path) -> None:
    given: Any = (
        {
            "array": PICTURES,
            "floats": torch.from_numpy(PICTURES / np.float32(255)),
            "channels first": PICTURES.transpose(0, 3, 1, 2),
            "pair": (PICTURES, np.arange(20) % 2),
            "list": list(PICTURES),
            "pictures": [Image.fromarray(picture) for picture in PICTURES],
        }.get(how)
        if how in ("array", "floats", "channels first", "pair", "list", "pictures")
        else Numbered(how)
    )
    labels = {"pair": ("0", "1"), "pairs": ("0", "1"), "tensors": ("0", "1"), "mappings": ("number 0", "number 1")}
    outcome = sparring.train(given, out=tmp_path / "run", **TINY)
    source = source_of(outcome.run)
    batch = source.batch(np.arange(20))
    assert np.array_equal(batch["images"].numpy(), PICTURES.transpose(0, 3, 1, 2))
    assert source.form.labels == labels.get(how, ())
    if labels.get(how):
        assert batch["labels"].tolist() == [index % 2 for index in range(20)]


def test_a_run_on_given_examples_is_moved_with_its_folder(tmp_path: Path) -> None:
    sparring.train(PICTURES, out=tmp_path / "run", **TINY)
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    assert sparring.resume(moved, steps=3, quiet=True).steps == 3
    assert (moved / "report.html").exists()


def test_points_and_lines(tmp_path: Path) -> None:
    points = sparring.train(POINTS, out=tmp_path / "points", **TINY)
    assert np.allclose(source_of(points.run).batch(np.arange(40))["examples"], POINTS)
    lines = [(f"the {animal} {verb}", animal) for animal in ("cat", "dog") for verb in ("sat", "ran", "ate")] * 8
    outcome = sparring.train("text", data=lines, out=tmp_path / "text", **TINY)
    assert load(outcome.run).labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("recipe", "data", "told"),
    [
        (None, object(), "tells no kind of data"),
        (None, np.zeros(3), r"of shape \(3,\)"),
        (None, ["a", "b", "c"], "tells no kind of data"),
        (None, [], "tells no kind of data"),
        (None, (PICTURES, [1, 2]), "20 examples with 2 labels"),
        (None, PICTURES[:0], r"shape \(0, 9, 9, 3\)"),
        (None, [Image.new("L", (9, 9)), 4], "example 1 is of type int"),
        (None, [PICTURES[0], PICTURES[0][:4]], "arrays of shapes"),
        ("images", ["a", "b"], "str is no picture"),
        ("images", [{"colour": 1}], "call the example 'image'"),
        ("tones", PICTURES, "read from files"),
        ("ink-neon", PICTURES, "read from 2 folders"),
        ("gaussians", PICTURES, r"an array \(n, dimensions\)"),
        ("text", [1, 2], "no line of text"),
    ],
)
def test_what_cannot_be_trained_on_is_told_in_a_line_and_leaves_nothing(
    recipe: str | None, data: Any, told: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(UserError, match=told) as caught:
        sparring.train(data, out=run, **TINY) if recipe is None else sparring.train(recipe, data=data, out=run, **TINY)
    assert "\n" not in str(caught.value)
    assert not run.exists()


def test_a_caller_hears_of_steps_samples_and_measurements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps: list[Any] = []
    samples: list[Any] = []
    measured: list[Any] = []
    outcome = sparring.train(
        "digits", out=tmp_path / "run", steps=4, width=8, batch=16, measure_every=32, quiet=True,
        on_step=steps.append, on_samples=samples.append, on_metric=measured.append,
    )  # fmt: skip
    assert capsys.readouterr().err == ""
    assert steps[-1]["step"] == 4
    assert steps[-1]["losses"].keys() == {"generator", "discriminator"}
    assert [entry["file"].read_bytes()[:4] for entry in samples] == [b"\x89PNG"] * len(samples)
    assert samples[-1]["examples"] == 64
    assert [entry["examples"] for entry in measured] == [32, 64]
    assert measured[0]["frechet"] > 0
    with pytest.raises(ZeroDivisionError):  # what a callback raises ends training
        sparring.resume(outcome.run, steps=8, quiet=True, on_step=lambda entry: 1 / 0)
    assert sparring.resume(outcome.run, steps=8, quiet=True).finished
