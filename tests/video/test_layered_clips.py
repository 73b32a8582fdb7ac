"""Whether clips can be made of layers is told from what moves in them, and from what is behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sparring.video.reading.layers import ALIKE, APART, layered

SIDE = 64
Draw = Callable[[ImageDraw.ImageDraw, int, tuple[int, ...]], None]  # at a time, in a colour


def pairs(draw: Draw, noise: float = 0, textured: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two frames each of some clips, before grounds of some colours."""
    random, made = np.random.default_rng(0), []
    for _ in range(10):
        ground, colour = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(2))
        texture = random.normal(0, 30, (SIDE, SIDE, 1)) if textured else 0
        frames = []
        for time in (4, 8):
            picture = Image.new("RGB", (SIDE, SIDE), ground)
            draw(ImageDraw.Draw(picture), time, colour)
            pixels = np.asarray(picture) + texture + random.normal(0, noise, (SIDE, SIDE, 3))
            frames.append(pixels.clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
        made.append((frames[0], frames[1]))
    return made


def moves(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """A disc goes to the right."""
    draw.ellipse((3 * time, 20, 3 * time + 16, 36), fill=colour)


def stands(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """A disc stays where it is."""
    draw.ellipse((20, 20, 36, 36), fill=colour)


def opens(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """A cross becomes a bar."""
    draw.rectangle((20, 28, 44, 34), fill=colour)
    draw.rectangle((30, 31 - 24 // time, 34, 31 + 24 // time), fill=colour)
    draw.rectangle((20, 31 - 5 * (8 - time), 24, 31), fill=colour)


def changes(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """A disc takes another colour."""
    draw.ellipse((20, 20, 36, 36), fill=tuple((value + 20 * time) % 256 for value in colour))


def part(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """Two discs go two ways."""
    draw.ellipse((3 * time, 10, 3 * time + 16, 26), fill=colour)
    draw.ellipse((50 - 3 * time, 40, 60 - 3 * time, 50), fill=colour)


def nothing(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """There is only the ground."""


def large(draw: ImageDraw.ImageDraw, time: int, colour: tuple[int, ...]) -> None:
    """A third of the frame moves."""
    draw.rectangle((time, 0, time + SIDE // 3, SIDE), fill=colour)


@pytest.mark.parametrize("draw", [moves, stands])
@pytest.mark.parametrize("noise", [0, 1])
def test_what_is_pushed_around_before_a_plain_ground_is_a_layer(draw: Draw, noise: float) -> None:
    assert layered(pairs(draw, noise))


@pytest.mark.parametrize("draw", [opens, changes, part, nothing, large])
def test_what_does_not_keep_its_form_or_hides_most_is_none(draw: Draw) -> None:
    assert not layered(pairs(draw))


def test_nor_is_what_moves_before_a_texture() -> None:
    assert not layered(pairs(moves, textured=True))
    assert not layered([])


def test_nearly_all_frames_have_a_plain_ground() -> None:
    good, bad = pairs(moves), pairs(large)
    assert layered(9 * good + bad)
    assert not layered(8 * good + 2 * bad)


def test_colours_may_differ_by_what_smoothing_does_to_them() -> None:
    """Two of a grey that is far from that of the ground."""
    for apart, same in ((ALIKE, True), (ALIKE + 1, False)):
        one, other = (np.zeros((1, SIDE, SIDE), np.uint8) for _ in range(2))
        one[:, 10:20, 10:20], other[:, 13:23, 30:40] = 10 * APART, 10 * APART + apart
        assert layered([(one, other)]) == same
