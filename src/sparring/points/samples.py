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
    if points.shape[1] == 1:
        points = np.concatenate([points, np.zeros_like(points)], 1)
    middle = (points[:, :2].min(0) + points[:, :2].max(0)) / 2
    reach = max(float(np.ptp(points[:, :2], axis=0).max()), 1e-9) / (1 - 2 * MARGIN)
    places = ((points[:, :2] - middle) / reach + 0.5) * (PIXELS - 1)
    columns, rows = places[:, 0].round().astype(int), (PIXELS - 1 - places[:, 1]).round().astype(int)
    ink = np.zeros((PIXELS, PIXELS))
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            np.add.at(ink, (np.clip(rows + down, 0, PIXELS - 1), np.clip(columns + right, 0, PIXELS - 1)), 1.0)
    grey = 255 * (1 - ink / (ink + 2.0))
    return Image.fromarray(grey.astype(np.uint8))
