"""A folder of pictures as a film: in the order a person would give them, all of one size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from sparring.core.errors import UserError
from sparring.media.films.film import RATE, CutShort, Film, one_line
from sparring.media.films.stills import as_frame

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width


def open_folder(folder: Path) -> Film:
    """The pictures in a folder, ``frame2`` before ``frame10``, at 25 a second.

    Raises :class:`UserError` when there is none, one is no picture, or one has another size than the first.
    """
    try:
        files = sorted((file for file in folder.iterdir() if _is_picture(file)), key=natural)
    except OSError as problem:
        raise UserError(f"{folder}: cannot be read ({one_line(problem)}); mend its permissions") from None
    if not files:
        raise UserError(f"{folder}: holds no pictures ({', '.join(ENDINGS)}); give a folder of frames, or a film")
    size = _size(files[0])
    for file in files:
        if (other := _size(file)) != size:
            raise UserError(
                f"{file}: is {other[1]}x{other[0]} where {files[0].name} is {size[1]}x{size[0]}; "
                "the frames of a film must have one size"
            )

    def decode() -> Iterator[np.ndarray]:
        for file in files:
            yield _frame(file)

    return Film(folder, size[0], size[1], RATE, len(files), False, "frames", decode)


def natural(file: Path) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts numbers in names as numbers."""
    parts = re.findall(r"\d+|\D+", file.stem.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], file.name


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()


def _size(file: Path) -> tuple[int, int]:
    """Height and width as seen."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            turned = image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            return image.size if turned else (image.height, image.width)  # Pillow turns a TIFF by itself
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        reason = "not a picture" if "cannot identify" in str(problem) else one_line(problem)
        raise UserError(f"{file}: cannot be read ({reason}); remove it from the folder or mend it") from None


def _frame(file: Path) -> np.ndarray:
    try:
        with Image.open(file, formats=FORMATS) as image:
            return as_frame(image)
    except Exception as problem:  # see _size
        raise CutShort(f"{file.name}: {one_line(problem)}") from None
