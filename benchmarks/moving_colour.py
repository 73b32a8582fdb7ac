"""What clips of one moving shape are measured by: whether its colour stays, whether it moves as asked, how fast.

Colour-ACD (Tulyakov et al. 2018, section 4): the mean distance of the shape's mean colour between all pairs of frames
of a clip. The shape is what lies more than ``APART`` from the clip's median colour.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

APART = 20.0  # sum over red, green and blue of the difference to the ground, 0 to 765
STILL = 1.0  # of 255: a clip that changes less from frame to frame is frozen
PART = 128  # clips at a time


class Shapes(NamedTuple):
    """``colour`` ``(n, frames, 3)`` in [0, 255], the mean of the shape's pixels; ``centre`` ``(n, frames, 2)``, across
    then down, in pixels; ``seen`` ``(n, frames)``, whether there is any such pixel."""

    colour: np.ndarray
    centre: np.ndarray
    seen: np.ndarray


def shapes_in(clips: np.ndarray) -> Shapes:
    """The shape in each frame of clips uint8 ``(n, frames, 3, height, width)``."""
    parts = [found_in(clips[start : start + PART].astype(np.float32)) for start in range(0, len(clips), PART)]
    return Shapes(*map(np.concatenate, zip(*parts, strict=True)))


def found_in(clips: np.ndarray) -> Shapes:
    """The same of some clips at a time, as numbers."""
    ground = np.median(clips.transpose(0, 2, 1, 3, 4).reshape(len(clips), 3, -1), axis=2)
    far = np.abs(clips - ground[:, None, :, None, None]).sum(2) > APART
    count = np.maximum(far.sum((2, 3)), 1)
    colour = (clips * far[:, :, None]).sum((3, 4)) / count[..., None]
    height, width = far.shape[2:]
    across, down = (far.sum(2) * np.arange(width)).sum(2) / count, (far.sum(3) * np.arange(height)).sum(2) / count
    return Shapes(colour, np.stack([across, down], 2), far.any((2, 3)))


def measured(clips: np.ndarray, labels: np.ndarray | None = None) -> dict[str, float]:
    """Scores of clips uint8 ``(n, frames, 3, height, width)``: ``acd`` on the scale 0 to 255, the share in which a
    shape is ``seen`` in every frame, the share that is ``frozen``, the mean ``speed`` in pixels a frame; ``motion``,
    where ``labels`` ``(n,)`` are 0 for mainly vertical and 1 for mainly horizontal: how often the range of the centre
    says the same."""
    shapes = shapes_in(clips)
    frames = clips.shape[1]
    apart = np.linalg.norm(shapes.colour[:, :, None] - shapes.colour[:, None], axis=3).sum((1, 2))
    change = np.stack([np.abs(np.diff(clip.astype(np.int16), axis=0)).mean() for clip in clips])
    scores = {
        "acd": float((apart / (frames * (frames - 1))).mean()),
        "seen": float(shapes.seen.all(1).mean()),
        "frozen": float((change < frozen_below(clips)).mean()),
        "speed": float(np.linalg.norm(np.diff(shapes.centre, axis=1), axis=2).mean()),
    }
    if labels is not None:
        ranges = np.ptp(shapes.centre, axis=1)
        scores["motion"] = float(((ranges[:, 0] > ranges[:, 1]) == labels).mean())
    return scores


def frozen_below(clips: np.ndarray) -> float:
    """The mean difference from frame to frame below which a clip is frozen: ``STILL`` where the whole picture changes;
    of a small shape on a ground the share of the pixels that it covers of that."""
    shapes = clips[:PART].astype(np.float32)
    ground = np.median(shapes.transpose(0, 2, 1, 3, 4).reshape(len(shapes), 3, -1), axis=2)
    covered = (np.abs(shapes - ground[:, None, :, None, None]).sum(2) > APART).mean()
    return STILL * float(covered)


def drift(clips: np.ndarray, window: int) -> dict[str, float]:
    """How long clips ``(n, frames, 3, height, width)`` differ at their end from their start, each ``window`` frames:
    the distance of the shape's mean ``colour``, and the ``speeds`` of both."""
    first, last = shapes_in(clips[:, :window]), shapes_in(clips[:, -window:])
    apart = np.linalg.norm(first.colour.mean(1) - last.colour.mean(1), axis=1)
    speeds = [float(np.linalg.norm(np.diff(each.centre, axis=1), axis=2).mean()) for each in (first, last)]
    return {"colour_drift": float(apart.mean()), "speed_first": speeds[0], "speed_last": speeds[1]}
