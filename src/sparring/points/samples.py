"""Points as files: arrays, tables, or a picture of where they lie."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.core.files import may_write, write_atomically
from sparring.media.pictures.notes import save_png

PIXELS = 512  # side of a scatter picture
MARGIN = 0.08  # of it, left free on each side
ORANGE, BLUE = (217, 101, 11), (43, 102, 217)  # of samples, of real points
ENDINGS = (".png", ".npy", ".npz", ".csv")


def write_samples(samples: Tensor, out: Path, note: Mapping[str, Any], *, overwrite: bool = False) -> list[Path]:
    """Write points ``(n, dimensions)`` to ``out``, whose ending is one of ``ENDINGS``.

    Raises :class:`UserError` for another ending, and for a file that exists unless ``overwrite``.
    """
    may_write(out, ENDINGS, "points are", overwrite)
    points = samples.float().cpu().numpy()
    if out.suffix == ".png":
        save_png(scatter(points), out, dict(note))
        return [out]
    buffer = io.BytesIO()
    if out.suffix == ".npy":
        np.save(buffer, points)
    elif out.suffix == ".npz":
        np.savez(buffer, points=points, note=json.dumps(dict(note)))
    else:
        np.savetxt(buffer, points, delimiter=",", fmt="%.6g")
    write_atomically(out, buffer.getvalue())
    return [out]


def scatter(points: np.ndarray) -> Image.Image:
    """The first two coordinates of ``points (n, dimensions)``, darker where there are more, axes of equal scale."""
    return Image.fromarray((255 * (1 - inked(points, points))).astype(np.uint8))


def scatter_among(points: np.ndarray, real: np.ndarray) -> Image.Image:
    """``points (n, dimensions)`` in orange over ``real`` ones ``(m, dimensions)`` in blue, darker where there are more;
    the picture reaches as far as all of them."""
    around = np.concatenate([points, real])
    paper = np.full((PIXELS, PIXELS, 3), 255.0)
    for drawn, colour in ((real, BLUE), (points, ORANGE)):
        share = inked(drawn, around)[..., None]
        paper = paper * (1 - share) + np.array(colour) * share
    return Image.fromarray(paper.astype(np.uint8))


def inked(points: np.ndarray, around: np.ndarray) -> np.ndarray:
    """How much ink, from 0 to 1, ``points (n, dimensions)`` leave at each pixel of a picture that reaches as far as the
    first two coordinates of ``around (m, dimensions)``: ``(PIXELS, PIXELS)``."""
    flat, edge = (np.pad(each, ((0, 0), (0, max(0, 2 - each.shape[1]))))[:, :2] for each in (points, around))
    middle = (edge.min(0) + edge.max(0)) / 2
    reach = max(float(np.ptp(edge, axis=0).max()), 1e-9) / (1 - 2 * MARGIN)
    places = ((flat - middle) / reach + 0.5) * (PIXELS - 1)
    columns, rows = places[:, 0].round().astype(int), (PIXELS - 1 - places[:, 1]).round().astype(int)
    ink = np.zeros((PIXELS, PIXELS))
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            np.add.at(ink, (np.clip(rows + down, 0, PIXELS - 1), np.clip(columns + right, 0, PIXELS - 1)), 1.0)
    return ink / (ink + 2.0)
