"""A folder of pictures as a video: in the order a person would give them, all of one size."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from sparring.core.errors import UserError
from sparring.core.reading import reason, regular
from sparring.media.films.animations import as_frame
from sparring.media.films.film import RATE, CutShort, Film, too_large
from sparring.media.films.sound import silent
from sparring.media.pictures.decode import BadImage, read_values
from sparring.media.pictures.deep import Range, is_deep, mode_of, range_of
from sparring.media.pictures.files import read_picture
from sparring.media.pictures.notes import as_png, stamped

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
FRAME = re.compile(r"\d{6,}\.png")  # the names of frames that are written


class Extent(NamedTuple):
    """How far the values of a frame go, and of what type they are."""

    low: float
    high: float
    dtype: np.dtype


def open_folder(folder: Path) -> Film:
    """The pictures in a folder as a video, ``frame2`` before ``frame10``, at 25 a second.

    Raises :class:`UserError` when there is none, one is no picture, or one has another size than the first.
    """
    try:
        files = sorted((file for file in folder.iterdir() if _is_picture(file)), key=natural)
    except OSError as problem:
        raise UserError(f"{folder}: cannot be read ({reason(problem)}); mend its permissions") from None
    if not files:
        raise UserError(f"{folder}: holds no pictures ({', '.join(ENDINGS)}); give a folder of frames, or a video")
    size, transparent, _ = _look(files[0])
    deep = []
    for file in files:
        other, has_alpha, is_deep = _look(file)
        transparent |= has_alpha
        deep += [file] if is_deep else []
        if other != size:
            raise UserError(
                f"{file}: is {other[1]}x{other[0]} where {files[0].name} is {size[1]}x{size[0]}; "
                "the frames of a video must have one size"
            )

    ranges = _ranges(deep)

    def decode() -> Iterator[np.ndarray]:
        """Each frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``."""
        for file in files:
            yield _frame(file, ranges.get(file))

    return Film(folder, size[0], size[1], RATE, len(files), False, "frames", decode, transparent=transparent)


def natural(file: Path) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts numbers in names as numbers."""
    parts = re.findall(r"\d+|\D+", file.stem.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], file.name


def _is_picture(file: Path) -> bool:
    """Whether a file is taken for a frame, by its name."""
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and not file.is_dir()


def _look(file: Path) -> tuple[tuple[int, int], bool, bool]:
    """The height and width of a picture as seen, whether it has transparency, and whether more than 8 bits. Raises
    :class:`UserError` where it cannot be read."""
    try:
        with Image.open(regular(file), formats=FORMATS) as image:
            deep = is_deep(mode_of(image))  # before EXIF is looked for, which may decode the picture
            turned = image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            size = image.size if turned else (image.height, image.width)  # Pillow turns a TIFF by itself
            if why := too_large(*size):
                raise ValueError(why)
            return size, image.has_transparency_data, deep
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        why = "not a picture" if "cannot identify" in str(problem) else reason(problem)
        raise UserError(f"{file}: cannot be read ({why}); remove it from the folder or mend it") from None


def _ranges(files: list[Path]) -> dict[Path, Range]:
    """Black and white of each of the frames with more than 8 bits: what all of them together fill, whole numbers and
    floating point each by themselves, so that a video does not flicker. A frame that cannot be read has none."""
    extents: dict[Path, Extent] = {}
    for file in files:
        try:
            values = read_values(file)
        except BadImage:  # told when it is its turn
            continue
        if np.isfinite(values).all():
            extents[file] = Extent(float(values.min()), float(values.max()), values.dtype)
    of_kind: dict[str, list[Extent]] = {}
    for extent in extents.values():
        of_kind.setdefault(extent.dtype.kind, []).append(extent)
    ranges = {
        kind: range_of(min(each.low for each in found), max(each.high for each in found), found[0].dtype)
        for kind, found in of_kind.items()
    }
    return {file: ranges[extent.dtype.kind] for file, extent in extents.items()}


def _frame(file: Path, limits: Range | None) -> np.ndarray:
    """A picture as a frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``; of one with more than 8 bits ``limits`` are
    black and white. Raises :class:`CutShort` where it cannot be read."""
    try:
        if limits is not None:
            picture = read_picture(file, 3, limits)
            pixels = np.rint(picture.pixels).astype(np.uint8)
            return pixels if picture.alpha is None else np.dstack([pixels, np.asarray(picture.alpha)])
        with Image.open(regular(file), formats=FORMATS) as image:
            return as_frame(image)
    except Exception as problem:  # see _look
        raise CutShort(f"{file.name}: {reason(problem)}") from None


# Writing


class FolderWriter:
    """Writes a folder of PNGs at ``temporary``, ``000000.png`` and on; ``notes`` tells what was lost."""

    def __init__(self, temporary: Path, like: Film) -> None:
        self._temporary, self._count, self._note = temporary, 0, like.note
        self.notes = silent(like, "a folder of frames")

    def add(self, frame: np.ndarray) -> None:
        """Take the next frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``."""
        picture = as_png(Image.fromarray(np.array(frame)))
        if self._note:
            picture = stamped(picture, "image/png", {**self._note, "frame": self._count})
        (self._temporary / f"{self._count:06}.png").write_bytes(picture)
        self._count += 1

    def finish(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        """Do nothing: no file is open."""


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``path`` on success and vanishes on failure; what was at ``path`` before
    stays whole until then. Raises :class:`UserError` when it cannot be written."""
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rename(old)
        try:
            temporary.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    except OSError as problem:
        raise UserError(
            f"{path}: cannot be written ({reason(problem)}); free some space or choose another place"
        ) from None
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
