"""Whether edges in clips are hard: every pixel has the colour of one thing, and none is a mean of two."""

from __future__ import annotations

import numpy as np

HARD = 0.99  # of the pixels at edges, where these are hard


def hard_edged(frames: np.ndarray) -> bool:
    """Whether nearly all pixels of frames uint8 ``(n, channels, height, width)`` that differ from a neighbour are
    exactly like another one. In filmed videos and in drawings that were smoothed, resized or compressed with loss, many
    are like none. False where there is no edge."""
    across = (frames[..., 1:] == frames[..., :-1]).all(1)
    down = (frames[:, :, 1:] == frames[:, :, :-1]).all(1)
    edge = (~like_neighbours(across, down, outside=True)).any(0)
    alike = like_neighbours(across, down, outside=False).any(0)
    edges = int(edge.sum())
    return edges > 0 and int((edge & alike).sum()) >= HARD * edges


def like_neighbours(across: np.ndarray, down: np.ndarray, *, outside: bool) -> np.ndarray:
    """Of each pixel, whether it is like its left, right, upper and lower neighbour, ``(4, n, height, width)``, from
    whether pixels are like the next one across ``(n, height, width - 1)`` and down ``(n, height - 1, width)``;
    ``outside`` where it has none."""
    sides = [(across, (0, 0), (1, 0)), (across, (0, 0), (0, 1)), (down, (1, 0), (0, 0)), (down, (0, 1), (0, 0))]
    return np.stack([np.pad(same, ((0, 0), *more), constant_values=outside) for same, *more in sides])
