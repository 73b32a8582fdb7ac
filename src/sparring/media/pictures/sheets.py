"""Pictures as bytes, and many of them side by side on one sheet."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError

SHEET_SIDE = 960  # small pictures are enlarged up to this, in pixels, gaps not counted


def to_bytes(images: Tensor) -> Tensor:
    """Images ``(n, ...)`` in [-1, 1] as uint8 in [0, 255], on the CPU; values outside are clamped."""
    return images.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255).byte().cpu()  # one copy, not four


def to_uint8(images: Tensor) -> np.ndarray:
    """``(n, channels, height, width)`` in [-1, 1] to bytes ``(n, height, width, channels)`` in [0, 255].

    1, 3 or 4 channels are grey, RGB and RGBA.
    """
    return channels_last(to_bytes(images))


def channels_last(images: Tensor) -> np.ndarray:
    """Bytes ``(n, channels, height, width)`` as an array ``(n, height, width, channels)``."""
    pixels: np.ndarray = images.permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def to_picture(pixels: np.ndarray) -> Image.Image:
    """One picture ``(height, width, channels)`` uint8."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def sheet(
    pictures: np.ndarray, columns: int | None = None, gap: int | None = None, scale: int | None = None
) -> Image.Image:
    """Pictures ``(n, height, width, channels)`` uint8 side by side, row after row, about as wide as high.

    Each pixel becomes ``scale`` x ``scale`` ones, by default so many that the sheet fills a screen; ``gap``
    pixels of the sheet (default: a twentieth of a picture) lie between two: white, or transparent where there
    is alpha. Raises :class:`UserError` when the sheet would be larger than image software opens.
    """
    count, height, width, channels = pictures.shape
    columns = columns or max(1, min(count, round(math.sqrt(count * height / width))))
    rows = math.ceil(count / columns)
    scale = scale or max(1, SHEET_SIDE // max(rows * height, columns * width))
    gap = max(1, max(height, width) * scale // 20) if gap is None else gap
    tall, wide = height * scale + gap, width * scale + gap
    if rows * tall * columns * wide > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise UserError(
            f"out: a sheet of {count:,} pictures is too large to open; use .npz, .npy, .zip, no ending for a folder"
        )

    blank = [255, 255, 255, 0] if channels == 4 else [255] * channels
    canvas = np.full((rows * tall - gap, columns * wide - gap, channels), blank, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * tall, index % columns * wide
        enlarged = picture.repeat(scale, axis=0).repeat(scale, axis=1)
        canvas[top : top + height * scale, left : left + width * scale] = enlarged
    return to_picture(canvas)
