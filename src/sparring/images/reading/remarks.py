"""What a person should know of pictures before they are trained on, a line each; only what matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from sparring.data.labels import told_of_few
from sparring.images.reading.shape import Survey
from sparring.media.pictures.decode import Shape

KEPT = 0.9  # of a picture, above which nobody misses what crop cuts off
BYTES = 64  # of each picture that are compared first


def of_crop(shape: Shape, survey: Survey) -> list[str]:
    """How much of the pictures of a set is left where they are cropped to a shape."""
    total = survey.sizes.total()
    if shape.fit != "crop" or not total:
        return []
    kept = sum(number * share_kept(size, shape) for size, number in survey.sizes.items()) / total
    mean = " on average" if len(survey.sizes) > 1 else ""
    return [f"crop keeps {kept:.0%} of each picture{mean}; see --fit and --size"] if kept < KEPT else []


def share_kept(size: tuple[int, int], shape: Shape) -> float:
    """The share of a picture of that ``(height, width)`` that is left when it is cropped to a shape."""
    ratio = (size[1] / size[0]) / (shape.width / shape.height)
    return min(ratio, 1 / ratio)


def of_labels(names: Sequence[str], labels: Tensor | None) -> list[str]:
    """Which labels have few pictures, of those with the numbers ``labels`` ``(n,)``."""
    return [] if labels is None else told_of_few(names, labels.tolist(), "pictures")


def of_copies(images: Tensor) -> list[str]:
    """How many pictures ``(n, channels, height, width)`` equal an earlier one, once brought to shape."""
    copies = count_copies(images)
    return [f"{copies:,} of the pictures equal an earlier one, once brought to shape"] if copies else []


def count_copies(images: Tensor) -> int:
    """How many pictures uint8 ``(n, channels, height, width)`` equal an earlier one: those that agree in a few pixels
    are compared in all."""
    pixels = images.reshape(len(images), -1).numpy()
    step = max(1, pixels.shape[1] // BYTES)
    few = np.ascontiguousarray(pixels[:, step // 2 :: step])
    _, group, sizes = np.unique(few.view(f"V{few.shape[1]}").ravel(), return_inverse=True, return_counts=True)
    alike = np.flatnonzero(sizes[group] > 1)
    return len(alike) - len({(int(group[index]), pixels[index].tobytes()) for index in alike})
