"""Picture files read and written so that nothing but the pixels of a file changes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.media.pictures.decode import opened
from sparring.media.pictures.deep import scaled
from sparring.media.pictures.formats import FORMATS as FORMATS
from sparring.media.pictures.sheets import to_picture

BACK = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}  # EXIF orientation: the one that undoes it
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # what brings a picture of that orientation upright
SPACES = {1: b"GRAY", 3: b"RGB "}  # what an ICC profile says it is for, by channels
QUALITY = 95  # of JPEG and WebP


@dataclass(frozen=True)
class Picture:
    """A picture as it is seen, and what its file says besides."""

    pixels: np.ndarray
    """uint8 ``(height, width, channels)``, upright."""
    alpha: Image.Image | None
    exif: Image.Exif
    orientation: int
    """1 to 8, as in EXIF."""
    profile: bytes | None
    """ICC profile."""


def read_picture(path: Path, channels: int) -> Picture:
    """A file as a picture of 1 channel, grey, or 3, colour. Raises :class:`BadImage` for one that gives none."""
    with opened(path) as image:
        exif, profile = image.getexif(), image.info.get("icc_profile")
        orientation = int(exif.get(ExifTags.Base.Orientation, 1))  # Pillow turns a TIFF when it loads it, and forgets
        if image.format == "TIFF":
            exif = Image.Exif()  # the others of a TIFF's tags say how its pixels lie
            exif[ExifTags.Base.Orientation] = orientation
        upright = ImageOps.exif_transpose(image)
        alpha = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
        pixels = np.asarray(scaled(upright).convert("L" if channels == 1 else "RGB"))
    return Picture(pixels[..., None] if channels == 1 else pixels, alpha, exif, orientation, profile)


def write_picture(pixels: np.ndarray, like: Picture, path: Path) -> None:
    """Write ``pixels`` ``(height, width, channels)``, upright, as a file that is turned and tagged as ``like`` was.

    The ending decides the format. Raises :class:`UserError` for one that is not known.
    """
    image = to_picture(pixels)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"{path}: no picture can be written as {path.suffix or 'that'}; use {', '.join(FORMATS)}")
    if like.alpha is not None and kind not in ("JPEG", "BMP", "PPM"):
        image.putalpha(like.alpha)
    if like.orientation in BACK:
        image = image.transpose(TURNS[BACK[like.orientation]])
    options: dict[str, object] = {"exif": like.exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    if like.profile and like.profile[16:20] == SPACES[pixels.shape[2]] and options:
        options["icc_profile"] = like.profile
    if kind in ("JPEG", "WEBP"):
        options["quality"] = QUALITY
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    write_atomically(path, buffer.getvalue(), durable=False)
