"""Whether edges in clips are hard: every pixel has the colour of one thing, and none is a mean of two."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

APART = 8  # of 255: colours that differ by no more are taken for one
MIXED = 0.01  # of the pixels at edges, at most, where edges are hard


def hard_edged(frames: Iterable[np.ndarray]) -> bool:
    """Whether of frames uint8 ``(channels, height, width)`` hardly a pixel at an edge lies between those left and
    right of it, or above and below, in place and in colour. In filmed videos, and in drawings that were smoothed,
    resized or compressed with loss, many do. False where there is no edge."""
    mixed = edges = 0
    for frame in frames:
        across, down = frame.astype(np.int16), frame.astype(np.int16).swapaxes(1, 2)
        edges += int((differs(across) | differs(down).T).sum())
        mixed += int((between(across) | between(down).T).sum())
    return edges > 0 and mixed <= MIXED * edges


def differs(frame: np.ndarray) -> np.ndarray:
    """Of each pixel of ``(channels, height, width)``, whether it differs from one beside it, ``(height, width)``."""
    apart = (np.abs(np.diff(frame, axis=2)) > APART).any(0)
    return np.pad(apart, ((0, 0), (1, 0))) | np.pad(apart, ((0, 0), (0, 1)))


def between(frame: np.ndarray) -> np.ndarray:
    """Of each pixel of ``(channels, height, width)``, whether it differs from both beside it and lies between their
    colours in every channel, or about, ``(height, width)``."""
    left, own, right = frame[..., :-2], frame[..., 1:-1], frame[..., 2:]
    apart = (np.abs(own - left) > APART).any(0) & (np.abs(own - right) > APART).any(0)
    low, high = np.minimum(left, right) - APART, np.maximum(left, right) + APART
    within = ((own >= low) & (own <= high)).all(0) & (np.abs(left - right) > APART).any(0)
    return np.pad(apart & within, ((0, 0), (1, 1)))
