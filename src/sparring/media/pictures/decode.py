"""One image file, of any size and mode, to one uint8 array of the shape wanted; or a reason why not."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sparring.core.reading import UNPACKED, regular
from sparring.data.source import BadContent
from sparring.media.pictures.deep import (
    FULL,
    Range,
    bands,
    give_lower_bytes,
    is_deep,
    mode_of,
    scaled,
    to_8_bits,
    values_of,
)
from sparring.media.pictures.formats import ENDINGS as ENDINGS
from sparring.media.pictures.formats import FORMATS

READ = tuple(dict.fromkeys(FORMATS.values()))  # nothing else of Pillow's meets strangers' files
GREY_MODES = ("1", "L", "LA", "La")  # and all deep ones
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
HUGE = 1 << 24  # pixels of a picture that is decoded while no other one of its kind is
DECODED = 1 << 29  # bytes that a picture may take while it is decoded and brought to its shape
PLAIN = ("1", "L", "P", "RGB")  # modes that need nothing but their pixels for that
STRIP = 1 << 22  # pixels of one whose transparency is dealt with at a time
REDUCING_GAP = 3.0  # shrink by whole factors first, down to 3 times the size wanted: quicker, no visible difference

# Pillow warns of pictures beyond MAX_IMAGE_PIXELS and refuses those beyond twice that; we refuse both.
warnings.simplefilter("error", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # thousands of lines on one damaged file

one_huge_at_a_time = threading.Lock()


class BadImage(BadContent):
    """A file that gives no picture; the message is the reason, in one line."""


@dataclass(frozen=True)
class Shape:
    """The shape of every picture, and how pictures of other shapes are brought to it."""

    height: int
    width: int
    channels: int
    fit: str = "crop"
    alpha: str = "white"
    range: Range = FULL
    """Black and white of deep pictures."""

    @property
    def size(self) -> int:
        """Bytes of one picture."""
        return self.height * self.width * self.channels


@dataclass(frozen=True)
class Header:
    """What is known of a picture before any pixel is decoded."""

    height: int  # as seen: EXIF rotation undone
    width: int
    mode: str  # Pillow's name: "L", "RGB", "P", ...
    colour: bool
    transparent: bool  # has an alpha channel or a transparent colour

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits a value."""
        return is_deep(self.mode)


def read_header(file: Path | bytes) -> Header:
    """What is known of a picture without decoding it. Raises :class:`BadImage` for a file that gives none."""
    with opened(file) as image:
        height, width = image.height, image.width
        if _orientation(image) in SIDEWAYS:
            height, width = width, height
        return Header(height, width, mode_of(image), _has_colour(image), image.has_transparency_data)


def read_image(file: Path | bytes, shape: Shape) -> np.ndarray:
    """The pixels of a file, uint8 ``(channels, height, width)`` in [0, 255]. Raises :class:`BadImage` for a file that
    gives none."""
    with opened(file) as image:
        side = 2 * max(shape.height, shape.width)
        image.draft(None, (side, side))  # lets JPEG decode at 1/2, 1/4 or 1/8 of its size
        with in_turn(image):
            if shape.range and mode_of(image) != image.mode:
                _colours_in_8_bits(image, file, shape.range)
            ImageOps.exif_transpose(image, in_place=True)
            return bring_to(image, shape)


def read_values(file: Path | bytes) -> np.ndarray:
    """The values of a deep picture as they lie in its file, ``(height, width)`` or, of colours, ``(height, width, 3)``,
    without transparency. Raises :class:`BadImage` for a file that gives none."""
    with opened(file) as image, in_turn(image):
        if mode_of(image) != image.mode:
            values = np.empty((image.height, image.width, 3), np.uint16)
            for rows, part in _colours(image, file):
                values[rows] = part
            return values
        image.load()  # may turn a TIFF
        values = np.empty((image.height, image.width), values_of(image, slice(0, 1)).dtype)
        for rows in bands(image.height, image.width):
            values[rows] = values_of(image, rows)
        return values


def _colours(image: Image.Image, file: Path | bytes) -> Iterator[tuple[slice, np.ndarray]]:
    """The 16-bit colours of a picture that was just opened from ``file``: some rows and these, ``(rows, width, 3)``."""
    with _open(file) as twin:
        give_lower_bytes(twin)
        image.load()  # may turn a TIFF
        for rows in bands(image.height, image.width):
            upper, lower = (values_of(each, rows)[..., :3].astype(np.uint16) for each in (image, twin))
            yield rows, upper * 256 + lower


def _colours_in_8_bits(image: Image.Image, file: Path | bytes, limits: Range) -> None:
    """Make a picture of 16-bit colours that was just opened from ``file`` one in 8 bits, by its range."""
    for rows, part in _colours(image, file):
        strip = Image.fromarray(to_8_bits(part, limits))
        if image.mode == "RGBA":
            strip.putalpha(image.crop((0, rows.start, image.width, rows.stop)).getchannel("A"))
        image.paste(strip, (0, rows.start))
    image.info.pop("transparency", None)  # a colour of 16 bits


@contextmanager
def opened(file: Path | bytes) -> Iterator[Image.Image]:
    """A picture to look at. Raises :class:`BadImage` for whatever goes wrong with it inside."""
    try:
        with _open(file) as image:
            if (takes := bytes_a_pixel(image) * image.width * image.height) > DECODED:
                raise BadImage(f"takes {takes >> 20:,} MiB to decode, {DECODED >> 20} are allowed; make it smaller")
            yield image
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        raise BadImage(_reason(problem)) from None


def in_turn(image: Image.Image) -> AbstractContextManager[Any]:
    """Inside, no other large picture is decoded where this is one."""
    return one_huge_at_a_time if image.width * image.height > HUGE else nullcontext()


def bytes_a_pixel(image: Image.Image) -> int:
    """How many bytes each pixel of a picture may take until it is in its shape, for all copies that are made of it."""
    if image.format == "WEBP" or mode_of(image) != image.mode:
        return 16
    return 4 if image.mode in PLAIN and not image.has_transparency_data and _orientation(image) == 1 else 8


def bring_to(image: Image.Image, shape: Shape) -> np.ndarray:
    """A picture of any mode and size as uint8 ``(channels, height, width)``."""
    pixels = np.asarray(_resize(_flatten(scaled(image, shape.range), shape), shape))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _open(file: Path | bytes) -> Image.Image:
    if isinstance(file, bytes):
        if not file:
            raise BadImage("empty: zero bytes")
        return Image.open(BytesIO(file), formats=READ)
    size = regular(file).stat().st_size
    if size == 0:
        raise BadImage("empty: zero bytes")
    if size > UNPACKED:  # Pillow reads some parts of a file, such as texts, as a whole
        raise BadImage(f"larger than {UNPACKED >> 20} MiB")
    return Image.open(file, formats=READ)


def _orientation(image: Image.Image) -> int:
    """1 to 8. PNG may carry EXIF behind its pixels, where looking for it would decode them all: not done. Of a TIFF
    Pillow tells the size as seen, and turns it by itself."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _has_colour(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = image.getpalette("RGB") or []
        return not palette[0::3] == palette[1::3] == palette[2::3]
    return not (image.mode in GREY_MODES or is_deep(image.mode))


def _flatten(image: Image.Image, shape: Shape) -> Image.Image:
    """To mode ``L``, ``RGB`` or ``RGBA``, with the transparency dealt with."""
    if shape.channels == 4:
        return image.convert("RGBA")
    if image.has_transparency_data:
        image = _without_transparency(image, shape.alpha)
    mode = "RGB" if shape.channels == 3 else "L"
    return image if image.mode == mode else image.convert(mode)


def _without_transparency(image: Image.Image, alpha: str) -> Image.Image:
    """To mode ``RGB``, on the colour that ``alpha`` names unless that is ``drop``; strip by strip, for a whole picture
    of RGBA is several times as large."""
    page = Image.new("RGB", image.size)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        if alpha != "drop":
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, alpha), strip)
        page.paste(strip.convert("RGB"), (0, top))
    return page


def _resize(image: Image.Image, shape: Shape) -> Image.Image:
    """By Lanczos; RGBA is weighted by its alpha (Pillow's ``resize`` does that)."""
    size = (shape.width, shape.height)
    if image.size == size:
        return image
    across, down = shape.width / image.width, shape.height / image.height
    if shape.fit == "stretch":
        return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)

    if shape.fit == "crop":
        width, height = shape.width / max(across, down), shape.height / max(across, down)
        left, top = (image.width - width) / 2, (image.height - height) / 2
        box = (max(left, 0), max(top, 0), min(left + width, image.width), min(top + height, image.height))
        return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)

    inner = (max(1, round(image.width * min(across, down))), max(1, round(image.height * min(across, down))))
    page = Image.new(image.mode, size, "white" if shape.alpha == "white" and shape.channels != 4 else 0)
    small = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    page.paste(small, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return page


def _reason(problem: Exception) -> str:
    if isinstance(problem, UnidentifiedImageError):
        return "not an image"
    if isinstance(problem, PermissionError):
        return "no permission to read it"
    if isinstance(problem, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: may be a decompression bomb"
    system = problem.strerror if isinstance(problem, OSError) else None
    return " ".join((system or str(problem)).split()) or type(problem).__name__
