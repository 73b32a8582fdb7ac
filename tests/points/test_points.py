"""Points: mixtures as published, arrays of one's own, files that can be read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.pictures.notes import read_note
from sparring.points.data import grid_centres, mixture, open_source, ring_centres
from sparring.points.game import PointGame
from sparring.points.recipes import RECIPES, SETS, is_array_of_points
from sparring.points.samples import PIXELS, scatter, write_samples


def test_the_mixtures_are_the_published_ones() -> None:
    grid = {(x, y) for x, y in grid_centres().tolist()}
    assert grid == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert np.allclose(np.linalg.norm(ring_centres(), axis=1), 2)
    points = mixture(grid_centres(), 20_000, seed=1)
    nearest = np.linalg.norm(points[:, None] - grid_centres()[None], axis=2)
    assert (nearest.min(1) < 0.15).mean() == pytest.approx(1 - np.exp(-4.5), abs=0.003)  # within 3 sigma in the plane
    assert np.bincount(nearest.argmin(1)).min() > 20_000 / 25 * 0.8


@pytest.mark.parametrize("name", SETS)
def test_the_game_plays_on_unit_scale_and_answers_in_the_datas_own(name: str) -> None:
    recipe = RECIPES["gaussians"].changed({"data": name})
    source = open_source(recipe)
    game = PointGame(recipe, source.form)
    batch = source.batch(np.arange(5000))
    scaled = game.real(batch)
    assert scaled.std().item() == pytest.approx(1, abs=0.05)
    assert torch.allclose(game.finish(scaled), batch["examples"], atol=1e-5)


def test_an_array_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    np.save(path, np.random.default_rng(0).normal(size=(50, 3)))
    source = open_source(RECIPES["gaussians"].changed({"data": str(path)}))
    assert (len(source), source.form.dimensions) == (50, 3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (np.zeros(5), "at least 16 points"),
        (np.zeros((3, 2)), "at least 16 points"),
        (np.full((20, 2), np.nan), "not finite"),
        (np.array([["a", "b"]] * 20), "array of numbers"),
        (np.array([[object()]] * 20), "not a .npy array"),
    ],
)
def test_arrays_that_cannot_be_used(content: np.ndarray, told: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    np.save(path, content, allow_pickle=True)
    with pytest.raises(UserError, match=told):
        open_source(RECIPES["gaussians"].changed({"data": str(path)}))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff", b"0.1,0.2\n"])
def test_damaged_files_are_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.npy: not a \.npy array of points"):
        open_source(RECIPES["gaussians"].changed({"data": str(path)}))
    assert not is_array_of_points(str(path))


def test_an_array_of_two_dimensions_is_one_of_points(tmp_path: Path) -> None:
    for name, shape, expected in (("a", (20, 2), True), ("b", (20, 8, 8), False), ("c", (20,), False)):
        np.save(tmp_path / f"{name}.npy", np.zeros(shape))
        assert is_array_of_points(str(tmp_path / f"{name}.npy")) is expected
    assert not is_array_of_points(str(tmp_path / "nowhere.npy"))


def test_files_hold_the_points(tmp_path: Path) -> None:
    points = torch.tensor([[0.0, 1.0], [2.0, -3.5]])
    for ending in (".npy", ".npz", ".csv", ".png"):
        write_samples(points, tmp_path / f"points{ending}", {"seed": 3})
    assert np.array_equal(np.load(tmp_path / "points.npy"), points)
    with np.load(tmp_path / "points.npz") as arrays:
        assert np.array_equal(arrays["points"], points)
        assert json.loads(str(arrays["note"])) == {"seed": 3}
    assert np.allclose(np.loadtxt(tmp_path / "points.csv", delimiter=","), points)
    assert read_note(tmp_path / "points.png") == {"seed": 3}
    with pytest.raises(UserError, match="exists"):
        write_samples(points, tmp_path / "points.npy", {})
    with pytest.raises(UserError, match="written as one of"):
        write_samples(points, tmp_path / "points.docx", {})


def test_a_scatter_has_ink_where_the_points_are() -> None:
    picture = np.asarray(scatter(np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, 1.0]])))
    assert picture.shape == (PIXELS, PIXELS)
    rows, columns = np.nonzero(picture < 255)
    top_right = (rows < PIXELS / 2) & (columns > PIXELS / 2)
    bottom_left = (rows > PIXELS / 2) & (columns < PIXELS / 2)
    assert (top_right | bottom_left).all()
    assert picture[rows[top_right], columns[top_right]].min() < picture[rows[bottom_left], columns[bottom_left]].min()
    assert isinstance(scatter(np.zeros((3, 1))), Image.Image)


def test_points_of_half_precision_are_measured_without_overflow(tmp_path: Path) -> None:
    """A RuntimeWarning of NumPy's fails this test."""
    points = (30_000 * np.random.default_rng(0).standard_normal((64, 2)).clip(-2, 2)).astype(np.float16)
    np.save(tmp_path / "half.npy", points)
    source = open_source(RECIPES["gaussians"].changed({"data": str(tmp_path / "half.npy")}))
    assert source.form.scale == pytest.approx(points.astype(np.float64).std())
