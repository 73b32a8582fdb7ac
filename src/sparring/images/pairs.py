"""Whether pictures are pairs side by side, A|B in one file, as sets for paired translation are given out."""

from __future__ import annotations

import numpy as np

from sparring.data.source import BadContent
from sparring.images.data import ImageSource
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.values import spread
from sparring.media.pictures.decode import Shape, read_image

LOOKED_AT = 64  # pictures
LEAST = 16  # pictures
SIDE = 32  # pixels that the halves are looked at with
ALIKE = 0.1  # correlation of the edges in both halves
TIMES = 4  # as much as those of halves of different pictures deviate

ADVICE = (
    "the halves of each picture belong together, as pairs side by side (A|B): as they are, both are learned as one; "
    "to translate one into the other, split them into two folders (docs/data.md)"
)


def told_of_pairs(source: ImageSource) -> list[str]:
    """What to do where the pictures of a set look like pairs side by side."""
    return [ADVICE] if are_pairs(source) else []


def are_pairs(source: ImageSource) -> bool:
    """Whether all pictures of a set are twice as wide as high and the edges in both halves lie in the same places, more
    than in halves of different pictures."""
    if any(width != 2 * height for height, width in source.survey.sizes) or not isinstance(source, ImageFiles):
        return False
    pictures = []
    for name in spread(source.files, LOOKED_AT):
        try:
            pictures.append(read_image(source.file_set.read(name), Shape(SIDE, 2 * SIDE, 1, fit="stretch"))[0])
        except BadContent:
            continue
    return len(pictures) >= LEAST and belong_together(np.stack(pictures))


def belong_together(pictures: np.ndarray) -> bool:
    """Whether the halves of pictures ``(n, height, 2 * height)`` are of the same things."""
    half = pictures.shape[2] // 2
    left, right = (edges(part) for part in (pictures[..., :half], pictures[..., half:]))
    correlation = left @ right.T / left.shape[1]  # (n, n), of the left half of each with the right half of each
    own = np.diag(correlation)
    others = correlation[~np.eye(len(own), dtype=bool)]
    return bool(own.mean() - others.mean() > max(ALIKE, TIMES * others.std() / len(own) ** 0.5))


def edges(halves: np.ndarray) -> np.ndarray:
    """Where the edges of each half ``(n, height, width)`` are, beside the mean half and the mean of each row, which
    landscapes have in common: ``(n, pixels)`` of mean 0 and deviation 1."""
    across, down = np.gradient(halves.astype(np.float64), axis=(2, 1))
    strength = np.hypot(across, down)[:, 1:-1, 1:-1]
    strength -= strength.mean(0)
    strength -= strength.mean(2, keepdims=True)
    flat = strength.reshape(len(strength), -1)
    scaled: np.ndarray = flat / np.maximum(flat.std(1, keepdims=True), 1e-9)
    return scaled
