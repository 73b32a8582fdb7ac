"""A loaded model in Python: labels by name, number or list, latents, pictures, what a notebook shows."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.core.errors import UserError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> sparring.Model:
    run = tmp_path_factory.mktemp("model") / "run"
    sparring.train("digits", out=run, steps=2, width=8, quiet=True, conditional=True)
    return sparring.load(run)


@pytest.mark.parametrize(
    ("label", "names"),
    [
        (None, "01234"), ("7", "77777"), (7, "77777"), (np.int64(7), "77777"), ([7, "3"], "73737"),
        (torch.tensor([1, 2]), "12121"),
    ],
)  # fmt: skip
def test_labels_by_name_by_number_and_in_turn(model: sparring.Model, label: Any, names: str) -> None:
    assert model.sample_labels(5, label) == list(names)
    alone = [model.sample(5, seed=3, label=name)[index] for index, name in enumerate(names)]
    assert torch.allclose(model.sample(5, seed=3, label=label), torch.stack(alone), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"label": 12}, "no '12' here"), ({"label": -1}, "no '-1' here"), ({"label": "x"}, "no 'x' here"),
        ({"label": []}, "a list of none"), ({"latents": torch.zeros(2, 3)}, r"shape \(count, 64\), not \(2, 3\)"),
        ({"latents": torch.full((2, 64), torch.nan)}, "finite"),
        ({"judge": "rejection", "latents": torch.zeros(2, 64)}, "judge"),
    ],
)  # fmt: skip
def test_what_a_model_cannot_be_asked_for(model: sparring.Model, options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        model.sample(2, **options)


def test_samples_are_those_of_their_latents(model: sparring.Model) -> None:
    latents = model.latents(6, seed=2)
    assert torch.equal(model.sample(latents=latents, label=1), model.sample(6, seed=2, label=1))
    assert torch.equal(model.sample(latents=latents.flip(0).numpy(), label=1)[0], model.sample(6, seed=2, label=1)[5])


def test_pictures_are_the_samples_pixel_by_pixel(model: sparring.Model) -> None:
    pictures = model.images(3, seed=1)
    bytes_of = model.modality.comparable(model.sample(3, seed=1))
    assert all(np.array_equal(np.asarray(each), made[0]) for each, made in zip(pictures, bytes_of, strict=True))
    grid = model.grid(5, columns=2, seed=1)
    assert grid.size == (2 * 64 + 2, 3 * 64 + 2 * 2)  # 8 pixels enlarged to 64, two between pictures
    assert np.array_equal(np.asarray(grid)[:64:8, :64:8], np.asarray(pictures[0]))


def test_a_notebook_shows_facts_and_samples(model: sparring.Model) -> None:
    assert repr(model).startswith("<sparring.Model recipe: digits (images), makes: 8x8, 1 channel")
    assert "\n" not in repr(model)
    html = model._repr_html_()
    shown = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert shown
    assert Image.open(io.BytesIO(base64.b64decode(shown[1]))).size == (262, 262)
    assert "<th>labels</th><td>0, 1, 2" in html


def test_kinds_without_pictures_say_so(tmp_path: Path) -> None:
    sparring.train("gaussians", out=tmp_path / "points", steps=2, width=8, quiet=True)
    points = sparring.load(tmp_path / "points")
    with pytest.raises(UserError, match="of points there are no pictures"):
        points.images(2)
    assert "<th>makes</th>" in points._repr_html_()


def test_every_verb_is_listed_before_anything_is_imported() -> None:
    code = (
        "import sparring, sys; print(*dir(sparring)); assert 'torch' not in sys.modules; sparring.train; help(sparring)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    verbs = {"train", "resume", "sample", "translate", "evaluate", "calibrate", "score", "check", "info", "recipes"}
    assert verbs <= set(told.splitlines()[0].split())
    assert sparring.recipes()["digits"].kind == "images"
