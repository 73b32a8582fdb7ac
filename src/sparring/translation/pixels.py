"""Pictures as arrays, brought to what a translator takes and back."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sparring.media.pictures.sheets import to_picture


def grey(frame: np.ndarray) -> np.ndarray:
    """A frame ``(height, width, 3)`` as ``(height, width, 1)``."""
    return np.asarray(Image.fromarray(frame).convert("L"))[..., None]


def smaller(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture ``(height, width, channels)`` with a shorter side of ``side`` pixels; as it is for 0, or where it is no
    larger."""
    height, width = pixels.shape[:2]
    if not side or min(height, width) <= side:
        return pixels
    scale = side / min(height, width)
    return resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def as_large(made: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """``made`` as high and wide as ``pixels``, both ``(height, width, channels)``."""
    return made if made.shape[:2] == pixels.shape[:2] else resized(made, *pixels.shape[:2])


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture ``(height, width, channels)``, uint8 or float32 in [0, 255], brought to another height and width by
    Lanczos."""
    if pixels.dtype == np.uint8:
        picture = to_picture(pixels).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(picture).reshape(height, width, pixels.shape[2])
    planes = [
        Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS) for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2).clip(0, 255)
