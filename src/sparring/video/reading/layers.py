"""Whether clips can be made of layers: before a ground of one colour something moves that stays as it is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

APART = 8  # of 255: colours that differ by no more are taken for one
GROUND = 0.75  # of the pixels of a frame, at least, have the colour of a plain ground
FRAMES = 0.9  # of the frames, at least, have one
ALIKE = 3 * APART  # colours of one thing in two frames, at pixels that only nearly are the same place of it
KEPT = 2 / 3  # of what is before the ground, on the mean at least, stays as it is


def layered(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether of pairs of frames uint8 ``(channels, height, width)`` of a clip each nearly all have a plain ground, and
    most of what is before it is the same in both but for its place. That is so of shapes and figures that are pushed
    around; not of those that act, nor of several that go their own ways, nor hardly ever of filmed scenes. False where
    nothing is before the ground."""
    plain, kept = [], []
    for pair in pairs:
        shown = [before_ground(frame) for frame in pair]
        plain += [places.mean() <= 1 - GROUND for places in shown]
        if all(places.any() for places in shown):
            kept.append(kept_share(pair, shown))
    return bool(kept) and float(np.mean(plain)) >= FRAMES and float(np.mean(kept)) >= KEPT


def before_ground(frame: np.ndarray) -> np.ndarray:
    """Where a frame ``(channels, height, width)`` has another colour than that of its median, ``(height, width)``."""
    colour = np.median(frame, axis=(1, 2), keepdims=True)
    shown: np.ndarray = (np.abs(frame - colour) > APART).any(0)
    return shown


def kept_share(pair: tuple[np.ndarray, np.ndarray], shown: list[np.ndarray]) -> float:
    """The share of what is before the ground in either of two frames that is alike in both, the second moved so that
    their middles meet."""
    middles = [np.argwhere(places).mean(0) for places in shown]
    moved = tuple(np.rint(middles[0] - middles[1]).astype(int).tolist())
    frame, places = np.roll(pair[1], moved, (1, 2)), np.roll(shown[1], moved, (0, 1))
    alike = (np.abs(pair[0].astype(np.int16) - frame) <= ALIKE).all(0)
    either = shown[0] | places
    return float((alike & either).sum() / either.sum())
