"""Picture files read and written so that nothing but the pixels of a file changes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.media.pictures.decode import opened, read_values
from sparring.media.pictures.deep import FULL, Range, is_deep, mode_of, range_of, shares
from sparring.media.pictures.deep_files import LEVELS, as_png, as_tiff, as_values, holds
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
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue, as Pillow's grey has
QUALITY = 95  # of JPEG and WebP


@dataclass(frozen=True)
class Picture:
    """A picture as it is seen, and what its file says besides."""

    pixels: np.ndarray
    """``(height, width, channels)``, upright: uint8, or float32 in [0, 255] of a picture with more than 8 bits."""
    alpha: Image.Image | None
    exif: Image.Exif
    orientation: int
    """1 to 8, as in EXIF."""
    profile: bytes | None
    """ICC profile."""
    dtype: np.dtype | None = None
    """The type of the values in the file, where they have more than 8 bits."""
    limits: Range = FULL
    """Black and white of these."""


OPAQUE = ("JPEG", "BMP", "PPM")  # formats that know no transparency


def read_picture(path: Path, channels: int, limits: Range | None = None) -> Picture:
    """A file as a picture of 1 channel, grey, or 3, colour. ``limits`` are black and white of one with more than 8
    bits; None finds them in its values. Raises :class:`BadImage` for one that gives none."""
    with opened(path) as image:
        mode = mode_of(image)
        exif, profile = image.getexif(), image.info.get("icc_profile")
        orientation = int(exif.get(ExifTags.Base.Orientation, 1))  # Pillow turns a TIFF when it loads it, and forgets
        if image.format == "TIFF":
            exif = Image.Exif()  # the others of a TIFF's tags say how its pixels lie
            exif[ExifTags.Base.Orientation] = orientation
        turn = 1 if image.format == "TIFF" else orientation
        image.load()  # turns a TIFF
        upright = image if turn == 1 else ImageOps.exif_transpose(image)
        alpha = alpha_of(upright)
        if is_deep(mode):
            values = turned(read_values(path), turn)
            if limits is None:
                limits = range_of(float(values.min()), float(values.max()), values.dtype)
            pixels = as_channels(np.float32(255) * shares(values, limits).astype(np.float32), channels)
            return Picture(pixels, alpha, exif, orientation, profile, values.dtype, limits)
        pixels = np.asarray(upright.convert("L" if channels == 1 else "RGB"))
    return Picture(pixels[..., None] if channels == 1 else pixels, alpha, exif, orientation, profile)


def alpha_of(image: Image.Image) -> Image.Image | None:
    """The alpha channel of a picture of any mode; None where all of it is seen."""
    if not image.has_transparency_data:
        return None
    return (image if image.mode in ("RGBA", "LA") else image.convert("RGBA")).getchannel("A")


def as_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Greys ``(height, width)`` or colours ``(height, width, 3)`` as ``(height, width, channels)``, by their luma."""
    if pixels.ndim == 2:
        return pixels[..., None].repeat(channels, axis=2)
    return pixels if channels == 3 else (pixels @ LUMA)[..., None]


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """An array ``(height, width)`` or ``(height, width, channels)`` turned as pictures of that EXIF orientation are."""
    if orientation not in TURNS:
        return values
    if orientation > 4:
        values = values.swapaxes(0, 1)
    return values[:: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1]


def write_picture(pixels: np.ndarray, like: Picture, path: Path, limits: Range | None = None) -> str:
    """Write ``pixels`` ``(height, width, channels)``, upright, as a file that is turned and tagged as ``like`` was.

    The ending decides the format. Pixels of a picture with more than 8 bits, float32 in [0, 255], have as many in a
    file that can hold them, with ``limits`` for black and white (None: those of ``like``); returns a line where they
    have not, or nothing. Raises :class:`UserError` for an ending that is not known.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"{path}: no picture can be written as {path.suffix or 'that'}; use {', '.join(FORMATS)}")
    channels = pixels.shape[2]
    profile = like.profile if like.profile and like.profile[16:20] == SPACES[channels] else None
    lost = ""
    if like.dtype is not None:
        if holds(kind, like.dtype, channels):
            values = as_values(pixels, like.dtype, like.limits if limits is None else limits)
            write_atomically(path, deep_file(values, like, kind, profile), durable=False)
            return ""
        what = "floating-point values" if like.dtype.kind == "f" else "16 bits"
        lost = f"its {what} become 8 bits in this file; .png and .tif keep 16 bits, and .tif floating point of greys"
        pixels = np.rint(pixels).astype(np.uint8)
    image = to_picture(pixels)
    if like.alpha is not None and kind in OPAQUE:
        image = Image.composite(image, Image.new(image.mode, image.size, "white"), like.alpha)
        if like.alpha.getextrema() != (255, 255):
            lost += (
                f"{'; ' if lost else ''}its transparency is lost in this file, and white; .png, .webp and .tif keep it"
            )
    elif like.alpha is not None:
        image.putalpha(like.alpha)
    if like.orientation in BACK:
        image = image.transpose(TURNS[BACK[like.orientation]])
    options: dict[str, object] = {"exif": like.exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    if profile and options:
        options["icc_profile"] = profile
    if kind in ("JPEG", "WEBP"):
        options["quality"] = QUALITY
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    write_atomically(path, buffer.getvalue(), durable=False)
    return lost


def deep_file(values: np.ndarray, like: Picture, kind: str, profile: bytes | None) -> bytes:
    """The bytes of a PNG or a TIFF of values ``(height, width, channels)`` with more than 8 bits, upright, turned and
    tagged as ``like`` was."""
    if like.alpha is not None and (kind == "PNG" or values.shape[2] == 3):
        values = np.dstack([values, np.asarray(like.alpha).astype(np.uint16) * (LEVELS // 255)])
    values = np.ascontiguousarray(turned(values, BACK.get(like.orientation, 1)))
    if kind == "TIFF":
        return as_tiff(values, like.exif, profile)
    return as_png(values, like.exif.tobytes() if like.exif else b"", profile)
