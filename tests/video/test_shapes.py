"""The bundled set: shapes whose motion is known, and told from pixels by nothing but their middles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sparring.video.recipes import RECIPES
from sparring.video.shapes import COUNT, MOTIONS, ShapeSource, hues, motion_of, moving_shapes


@pytest.mark.parametrize(("frames", "height", "width", "every"), [(16, 32, 32, 1), (16, 64, 48, 1), (10, 24, 24, 2)])
def test_the_motion_of_every_clip_is_the_one_that_it_was_drawn_with(
    frames: int, height: int, width: int, every: int
) -> None:
    clips, motions = moving_shapes(200, frames, height, width, every)
    assert clips.shape == (200, frames, 3, height, width)
    assert (motion_of(clips) == motions).all()
    assert sorted(set(motions)) == list(range(len(MOTIONS)))


def test_clockwise_is_as_on_the_face_of_a_clock() -> None:
    """A pixel that goes right along the top, down, left along the bottom and up."""
    way = [(2, 2), (2, 9), (9, 9), (9, 2)] * 2
    clip = np.zeros((1, len(way), 3, 12, 12), np.uint8)
    for time, (top, left) in enumerate(way):
        clip[0, time, :, top, left] = 200
    assert MOTIONS[motion_of(clip)[0]] == "clockwise"
    assert MOTIONS[motion_of(clip[:, ::-1])[0]] == "anticlockwise"
    assert MOTIONS[motion_of(clip[:, [0, 1, 0, 1]])[0]] == "horizontal"
    assert MOTIONS[motion_of(clip[:, [1, 2, 1, 2]])[0]] == "vertical"


def test_what_does_not_move_or_is_not_seen_has_no_motion() -> None:
    clips, _ = moving_shapes(8)
    assert (motion_of(np.repeat(clips[:, :1], 16, 1)) == -1).all()
    clips[:, 5] = 0
    assert (motion_of(clips) == -1).all()


def test_a_shape_keeps_its_colour_and_stays_whole() -> None:
    clips, _ = moving_shapes(100)
    strongest = clips.max((3, 4))  # (n, frames, 3): the colour of a pixel that is covered wholly
    assert (np.ptp(strongest, axis=1) <= 1).all()
    area = clips.max(2).astype(float).sum((2, 3)) / clips.max((1, 2, 3, 4))[:, None]
    assert (np.ptp(area, axis=1) < 0.12 * area.mean(1)).all()
    edges = np.concatenate([clips[..., 0, :], clips[..., -1, :], clips[..., 0], clips[..., -1]], -1)
    assert not edges.any()


def test_hues_are_those_of_the_circle() -> None:
    import colorsys

    turns = np.linspace(0, 0.99, 37)
    np.testing.assert_allclose(hues(turns), [colorsys.hsv_to_rgb(turn, 1, 1) for turn in turns], atol=1e-12)


def test_the_source_gives_what_the_recipe_asks_for() -> None:
    recipe = RECIPES["moving-shapes"].changed({"size": "16x24", "frames": 5, "every": 2})
    source = ShapeSource(recipe)
    assert len(source) == COUNT
    assert (source.form.height, source.form.width, source.form.frames, source.form.rate) == (16, 24, 5, 8)
    assert source.form.labels == MOTIONS
    batch = source.batch(np.array([3, 8]))
    assert batch["frames"].shape == (2, 5, 3, 16, 24)
    assert batch["labels"].tolist() == [3, 0]
    unlabelled = ShapeSource(recipe.changed({"labelled": "no", "conditional": False}))
    assert unlabelled.form.labels == ()
    assert "labels" not in unlabelled.batch(np.array([0]))


@pytest.mark.parametrize("settings", [{"channels": "1"}, {"label_pattern": "{label}_{take}"}, {"size": "1024"}])
def test_other_clips_are_refused(settings: dict[str, Any], mistake: Callable[..., str]) -> None:
    recipe = RECIPES["moving-shapes"].changed(settings)
    assert mistake(ShapeSource, recipe).startswith("moving-shapes: ")
