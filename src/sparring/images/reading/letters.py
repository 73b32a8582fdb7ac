"""Capital letters that Sparring draws itself: each in a colour, turned a little, over its soft shadow on a pale ground.

Drawn in the font that Pillow carries. What is right is known: a generated letter can be read and compared with the one
asked for.
"""

from __future__ import annotations

import math
from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

COUNT, SIZE, SEED = 5200, 32, 0  # pictures, 200 of each letter; pixels a side
LARGE = 3 * SIZE  # pixels a side that a letter is drawn at, to be made smaller
HEIGHT, WEIGHT = 0.62, 0.045  # of a letter, and by how much its strokes are thickened to each side, of the picture
TURN, SCALE, SHIFT = 14.0, (0.86, 1.14), 0.06  # degrees to either side; times the height; of the picture, each way
SHADOW, SHARE = (0.045, 0.05), 0.45  # how far down a shadow falls and how soft it is, of the picture; how dark it is
DARKER = 0.1  # by how much of its light a ground is darker on one side
VIVID, PALE = (0.12, 0.85), (0.86, 1.0)  # the least and the most of a letter's red, green and blue; of a ground's


def letters(count: int = COUNT, seed: int = SEED) -> tuple[np.ndarray, list[str]]:
    """``count`` pictures, uint8 ``(count, 32, 32, 3)``, and the letter that each shows, every letter in turn."""
    random = np.random.default_rng(seed)
    names = [ascii_uppercase[index % len(ascii_uppercase)] for index in range(count)]
    glyphs = {name: glyph(name) for name in ascii_uppercase}
    masks = (
        np.stack([[np.asarray(mask) for mask in placed(glyphs[name], random)] for name in names]).astype(np.float32)
        / 255
    )
    inks, shadows = masks[:, 0, ..., None], SHARE * masks[:, 1, ..., None]
    turns = random.random(count)
    apart = random.uniform(0.2, 0.8, count)  # of the circle of hues, from a letter's to its ground's
    colours = hues(turns, VIVID)[:, None, None]
    ground = grounds((turns + apart) % 1, random)
    pictures = ground * (1 - shadows * (1 - colours))  # a shadow has some of its letter's colour
    pictures += inks * (colours - pictures)
    return np.rint(255 * pictures).astype(np.uint8), names


def glyph(name: str) -> Image.Image:
    """A letter in white on black, in the middle, 96x96."""
    font = ImageFont.load_default(HEIGHT * LARGE / 0.71)  # capitals are 0.71 of the font's size
    picture = Image.new("L", (LARGE, LARGE))
    left, top, right, bottom = font.getbbox(name)
    corner = ((LARGE - left - right) / 2, (LARGE - top - bottom) / 2)
    ImageDraw.Draw(picture).text(corner, name, fill=255, font=font, stroke_width=WEIGHT * LARGE)
    return picture


def placed(large: Image.Image, random: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The letter turned, scaled and moved at random, and its shadow, both 32x32 in grey."""
    angle, scale = math.radians(random.uniform(-TURN, TURN)), random.uniform(*SCALE)
    x, y = LARGE * (0.5 + random.uniform(-SHIFT, SHIFT, 2))
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    middle = LARGE / 2
    back = (cos, sin, middle - cos * x - sin * y, -sin, cos, middle + sin * x - cos * y)  # from here to the glyph
    turned = large.transform((LARGE, LARGE), Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    small = turned.reduce(LARGE // SIZE)
    fall, soft = (share * SIZE for share in SHADOW)
    shadow = small.transform((SIZE, SIZE), Image.Transform.AFFINE, (1, 0, 0, 0, 1, -fall), Image.Resampling.BILINEAR)
    return small, shadow.filter(ImageFilter.GaussianBlur(soft))


def hues(turns: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Colours ``(n, 3)`` around the circle of hues, from turns ``(n,)`` in [0, 1), between these limits."""
    waves = 0.5 + 0.5 * np.cos(2 * np.pi * (turns[:, None] - np.array([0, 1, 2]) / 3))
    colours: np.ndarray = limits[0] + (limits[1] - limits[0]) * waves
    return colours.astype(np.float32)


def grounds(turns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Pale grounds ``(n, 32, 32, 3)`` in [0, 1] of these hues ``(n,)``, each a little darker on one side."""
    angle = random.uniform(0, 2 * np.pi, (len(turns), 1, 1)).astype(np.float32)
    line = np.linspace(-0.5, 0.5, SIZE, dtype=np.float32)
    slope = np.cos(angle) * line + np.sin(angle) * line[:, None]
    pale: np.ndarray = hues(turns, PALE)[:, None, None] * (1 - DARKER * (0.5 + slope[..., None])).clip(0, 1)
    return pale
