"""Whether drawings with hard edges are told from what was smoothed, resized or filmed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sparring.video.reading.edges import APART, MIXED, hard_edged

SIDE = 64


def discs(count: int = 8) -> list[Image.Image]:
    """A disc and a square of some colours on some ground."""
    random, drawn = np.random.default_rng(0), []
    for _ in range(count):
        ground, one, other = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(3))
        picture = Image.new("RGB", (SIDE, SIDE), ground)
        draw = ImageDraw.Draw(picture)
        draw.ellipse((8, 12, 31, 35), fill=one)
        draw.rectangle((36, 20, 55, 44), fill=other)
        drawn.append(picture)
    return drawn


def as_frames(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


def share_by_pixels(frames: np.ndarray) -> float:
    """The share that is to be MIXED at most, pixel by pixel; 1 where there is no edge."""
    edges = mixed = 0
    for frame in frames.astype(int):
        _, height, width = frame.shape
        for y in range(height):
            for x in range(width):
                own = frame[:, y, x]
                pairs = [[(y - 1, x), (y + 1, x)], [(y, x - 1), (y, x + 1)]]
                near = [[frame[:, v, u] for v, u in pair if 0 <= v < height and 0 <= u < width] for pair in pairs]
                edges += any(abs(own - other).max() > APART for pair in near for other in pair)
                mixed += any(lies_between(own, *pair) for pair in near if len(pair) == 2)
    return mixed / edges if edges else 1.0


def lies_between(own: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
    if any(abs(a - b).max() <= APART for a, b in ((own, one), (own, other), (one, other))):
        return False
    return all(min(a, b) - APART <= c <= max(a, b) + APART for a, b, c in zip(one, other, own, strict=True))


def test_drawings_have_hard_edges() -> None:
    assert hard_edged(as_frames(discs()))


@pytest.mark.parametrize("how", [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
def test_smaller_drawings_have_none(how: Image.Resampling) -> None:
    assert not hard_edged(as_frames([picture.resize((40, 40), how) for picture in discs()]))


@pytest.mark.parametrize("side", [20, 30, 50])
def test_smoothed_squares_have_none(side: int) -> None:
    """Of which all edges run along rows and columns, so that most pixels there are like one above or beside."""
    frame = np.zeros((3, SIDE, SIDE), np.uint8)
    frame[:, 6 : 8 + side, 6 : 8 + side] = 100
    frame[:, 7 : 7 + side, 7 : 7 + side] = 200
    assert not hard_edged([frame])
    frame[frame == 100] = 0
    assert hard_edged([frame])


def test_neither_have_noise_ramps_and_one_colour() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 3, SIDE, SIDE), np.uint8)
    assert not hard_edged(noise)
    ramp = np.arange(0, 4 * SIDE, 4, dtype=np.uint8)
    assert not hard_edged(np.broadcast_to(ramp, (1, 1, SIDE, SIDE)))
    assert not hard_edged(np.broadcast_to(3 * (ramp // 4), (1, 1, SIDE, SIDE)).astype(np.uint8))
    assert not hard_edged(np.full((4, 1, SIDE, SIDE), 7, np.uint8))


@pytest.mark.parametrize("seed", range(30))
def test_as_pixel_by_pixel(seed: int) -> None:
    """Blocks of two colours with a few pixels of a third, so that some are just above the limit and some below."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 2, (2, 1, 6, 7), np.uint8).repeat(4, 2).repeat(4, 3)
    frames = np.concatenate([blocks, 1 - blocks], 1) * 200
    for _ in range(seed):
        frames[random.integers(2), :, random.integers(24), random.integers(28)] = 100
    assert hard_edged(frames) == (share_by_pixels(frames) <= MIXED)
