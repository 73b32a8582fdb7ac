"""Two domains with a hidden truth: handwritten digits as coloured ink on dark paper, and as neon on a dark wall.

Drawn from scikit-learn's digits, each smoothed to a stroke. A digit's hue is the same in both domains, so for every
picture of one there is exactly one right picture in the other; training never sees the two together. The domains
share no digit: the first holds the first half of scikit-learn's, the second the other half but the last 297, which are
kept for tests, where both pictures of each are known (:func:`truth`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from sparring.images.data import ImageSource
from sparring.images.reading.arrays import ImageArrays
from sparring.translation.recipes import TranslationRecipe

SIZE = 32  # pixels, of a picture
FIRST, SECOND = slice(0, 750), slice(750, 1500)  # of scikit-learn's digits
KEPT = slice(1500, 1797)  # for tests
PAPER, INK = np.array([0.22, 0.20, 0.17]), 0.70  # colour; brightness of a hue
WALL = np.array([0.10, 0.08, 0.14])
THRESHOLD, STEEP = 0.45, 12.0  # where a stroke ends, and how sharply
GLOW = 3.0  # pixels


def draw(recipe: TranslationRecipe) -> tuple[ImageSource, ImageSource]:
    """Both domains, unlabelled, in the shape that the recipe wants."""
    return ImageArrays((ink(FIRST), None), recipe), ImageArrays((neon(SECOND), None), recipe)


def truth() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures ``(297, 32, 32, 3)`` uint8 that neither domain holds, as ink and as neon, and the digits they show."""
    return ink(KEPT), neon(KEPT), labels(KEPT)


def labels(part: slice) -> list[str]:
    """The digits that a part of the pictures show."""
    return [str(label) for label in _digits().target[part].tolist()]


def ink(part: slice) -> np.ndarray:
    """Flat strokes of their hue on brown paper, uint8 ``(n, 32, 32, 3)``."""
    strokes, hues = _strokes(part), _hues(part)
    colours = INK * hues[:, None, None, :]
    return _bytes(PAPER + strokes[..., None] * (colours - PAPER))


def neon(part: slice) -> np.ndarray:
    """Tubes that shine in their hue, white hot in the middle, and light up the wall around them, uint8 ``(n, 32, 32,
    3)``."""
    strokes, hues = _strokes(part), _hues(part)
    blurred = ImageFilter.GaussianBlur(GLOW)
    glow = np.stack([np.asarray(Image.fromarray(_grey(stroke)).filter(blurred)) for stroke in strokes]) / 255
    light = (1.2 * glow + 0.8 * strokes)[..., None] * hues[:, None, None, :]
    return _bytes(WALL + light + 0.5 * (strokes**4)[..., None])


def _strokes(part: slice) -> np.ndarray:
    """``(n, 32, 32)`` in [0, 1]: 1 in the middle of a stroke, 0 beside it."""
    field = np.stack([_larger(image) for image in _digits().images[part]]) / 16
    strokes: np.ndarray = 1 / (1 + np.exp(-STEEP * (field - THRESHOLD)))
    return strokes


def _larger(image: np.ndarray) -> np.ndarray:
    """An 8x8 digit four times as large, smoothly: float32 ``(32, 32)``."""
    small = Image.fromarray(image.astype(np.float32))
    return np.array(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def _hues(part: slice) -> np.ndarray:
    """A saturated colour in [0, 1] for each digit, ``(n, 3)``."""
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, len(_digits().images))[part]
    hues: np.ndarray = 0.5 + 0.5 * np.cos(angles[:, None] - np.array([0, 2, 4]) * np.pi / 3)
    return hues


def _grey(stroke: np.ndarray) -> np.ndarray:
    """A stroke in [0, 1] as bytes of its shape."""
    grey: np.ndarray = np.rint(255 * stroke).astype(np.uint8)
    return grey


def _bytes(colours: np.ndarray) -> np.ndarray:
    """Colours of any shape, clipped to [0, 1], as bytes."""
    pixels: np.ndarray = np.rint(255 * colours.clip(0, 1)).astype(np.uint8)
    return pixels


@cache
def _digits() -> Any:
    """The digits of scikit-learn."""
    from sklearn.datasets import load_digits  # takes a second: only who asks for these domains pays

    return load_digits()
