"""Clips that Sparring draws itself: a shape of one colour that goes to and fro, or around in a circle.

What the right answer is, is known: the motion of a generated clip can be measured and compared with the one asked for,
and its colour should never change.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.images.options import read_size
from sparring.video.form import VideoForm

if TYPE_CHECKING:
    from sparring.video.recipes import VideoRecipe

COUNT, RATE, SEED = 2000, 16.0, 0
MOTIONS = ("horizontal", "vertical", "clockwise", "anticlockwise")
"""The labels: to and fro along one axis, or around, as it is seen on the screen."""
SHAPES = ("disc", "square", "triangle")
PERIODS = (12.0, 20.0)  # frames of a turn, or of a way to and fro
RADII = (0.12, 0.2)  # of a shape, of the shorter side
WAYS = (0.18, 0.28)  # that it goes to either side of its middle, of the shorter side
SPACE = 0.47  # of the shorter side, from the middle, that shapes stay within: half a pixel beside them is blurred
DARK, BRIGHT = 100, 255  # of the strongest of a colour's three values; the ground is black
LIGHT = 16  # of the strongest value of a pixel, from which on it belongs to a shape
LEAST = 0.05  # of the shorter side, that a shape has to move by
MOST_PIXELS = 1 << 31  # of all clips: all are made at once, in memory


def moving_shapes(
    count: int = COUNT, frames: int = 16, height: int = 32, width: int = 32, every: int = 1, seed: int = SEED
) -> tuple[np.ndarray, np.ndarray]:
    """``count`` clips, uint8 ``(count, frames, 3, height, width)``, of every so-manieth frame, and the motion of each,
    an index into ``MOTIONS``, int64 ``(count,)``."""
    random = np.random.default_rng(seed)
    motions = np.arange(count) % len(MOTIONS)
    shapes = random.integers(len(SHAPES), size=count)
    colours = hues(random.random(count)) * random.uniform(DARK, BRIGHT, (count, 1))
    tracks = paths(motions, frames, every, random)  # (count, frames, 2)
    side = min(height, width)
    radii = random.uniform(*RADII, count) * side
    centres = np.array([width, height]) / 2 + side * tracks
    clips = np.empty((count, frames, 3, height, width), np.uint8)
    for index in range(count):
        mask = drawn(shapes[index], radii[index], centres[index], height, width)
        clips[index] = np.rint(mask[:, None] * colours[index][:, None, None])
    return clips, motions


def hues(turns: np.ndarray) -> np.ndarray:
    """Saturated colours ``(n, 3)`` in [0, 1] around the circle of hues, from turns ``(n,)`` in [0, 1)."""
    distance = (6 * turns[:, None] + np.array([0, 4, 2])) % 6
    colours: np.ndarray = np.clip(np.abs(distance - 3) - 1, 0, 1)
    return colours


def paths(motions: np.ndarray, frames: int, every: int, random: np.random.Generator) -> np.ndarray:
    """Where shapes are, ``(n, frames, 2)``, across then down, from the middle, as a share of the shorter side."""
    count = len(motions)
    time = np.arange(frames) * every
    angle = 2 * np.pi * (random.random((count, 1)) + time / random.uniform(*PERIODS, (count, 1)))
    way = random.uniform(*WAYS, (count, 1))
    beside = random.uniform(-1, 1, (count, 2)) * (SPACE - max(RADII) - way)
    across = np.where(motions[:, None] == 1, 0.0, way * np.cos(angle))  # down grows downwards: sines turn clockwise
    turn = np.array([0.0, 1.0, 1.0, -1.0])[motions][:, None]
    down = turn * way * np.sin(angle)
    return np.stack([across + beside[:, :1], down + beside[:, 1:]], 2)


def drawn(shape: int, radius: float, centres: np.ndarray, height: int, width: int) -> np.ndarray:
    """How much of each pixel a shape of this radius covers, with its middle at ``centres`` ``(frames, 2)`` in pixels,
    ``(frames, height, width)`` in [0, 1]: one minus the distance to its edge, where that is within half a pixel."""
    x = np.arange(width) + 0.5 - centres[:, :1, None]
    y = np.arange(height)[:, None] + 0.5 - centres[:, 1:, None]
    if SHAPES[shape] == "disc":
        distance = np.hypot(x, y) - radius
    elif SHAPES[shape] == "square":
        distance = np.maximum(np.abs(x), np.abs(y)) - radius * 0.9
    else:
        slope = math.sqrt(3) / 2
        distance = np.maximum(slope * np.abs(x) - y / 2, y) - radius / 2
    covered: np.ndarray = np.clip(0.5 - distance, 0, 1)
    return covered


def motion_of(clips: np.ndarray) -> np.ndarray:
    """The motion of each of clips ``(n, frames, 3, height, width)`` in [0, 255], an index into ``MOTIONS``, int64
    ``(n,)``: from the middle of what is seen in each frame, how far it goes each way and which way around; -1 where
    nothing is seen in some frame, or nothing moves."""
    strength = clips.max(2).astype(np.float64)
    strength[strength < LIGHT] = 0
    total = strength.sum((2, 3))
    height, width = strength.shape[2:]
    safe = np.maximum(total, 1e-9)
    across = (strength.sum(2) * np.arange(width)).sum(2) / safe  # (n, frames)
    down = (strength.sum(3) * np.arange(height)).sum(2) / safe
    ranges = np.stack([np.ptp(across, 1), np.ptp(down, 1)], 1)
    around = ranges.min(1) > 0.5 * ranges.max(1)
    middle = [track - (track.max(1) + track.min(1))[:, None] / 2 for track in (across, down)]
    turned = (middle[0][:, :-1] * middle[1][:, 1:] - middle[0][:, 1:] * middle[1][:, :-1]).sum(1)
    found = np.where(around, np.where(turned > 0, 2, 3), ranges.argmax(1))
    seen = (total > 0).all(1) & (ranges.max(1) > LEAST * min(height, width))
    return np.where(seen, found, -1)


class ShapeSource:
    """The bundled set: 2,000 clips. Raises :class:`UserError` for settings that ask for other clips."""

    in_memory = True

    def __init__(self, recipe: VideoRecipe) -> None:
        height, width = read_size(recipe.size) or (32, 32)
        if recipe.channels != "3" or recipe.label_pattern:
            raise UserError(f"{recipe.data}: has colours, and labels of its own; leave channels and label_pattern out")
        if COUNT * recipe.frames * height * width * 3 > MOST_PIXELS:
            raise UserError(f"{recipe.data}: frames of this size do not fit; give fewer --frames or less --size")
        self.name = recipe.data
        self.bad_files: list[BadFile] = []
        frames, motions = moving_shapes(frames=recipe.frames, height=height, width=width, every=recipe.every)
        self.frames = torch.from_numpy(frames)
        self.labels: Tensor | None = None if recipe.labelled == "no" else torch.from_numpy(motions)
        labels = () if self.labels is None else MOTIONS
        rate = RATE / recipe.every
        self.form = VideoForm(
            height=height, width=width, frames=recipe.frames, rate=rate, labels=labels,
            timed=recipe.timed == "yes",  # what they do goes on for ever
            hard_edges=recipe.edges == "hard",  # they are smoothed
            layered=recipe.output in ("auto", "layers"),  # their ground is black
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.frames)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``frames`` uint8 ``(n, frames, 3, height, width)``; ``labels`` int64 ``(n,)`` if they are read."""
        chosen = torch.from_numpy(indices)
        frames = {"frames": self.frames.index_select(0, chosen)}
        return frames if self.labels is None else {**frames, "labels": self.labels[chosen]}
