"""One image file, of any size and mode, to one uint8 array of the shape wanted; or a reason why not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sparring.core.reading import regular
from sparring.media.pictures.deep import FULL, Range, give_lower_bytes, is_deep, mode_of, scaled, to_8_bits
from sparring.media.pictures.formats import ENDINGS as ENDINGS
from sparring.media.pictures.formats import FORMATS

READ = tuple(dict.fromkeys(FORMATS.values()))  # nothing else of Pillow's meets strangers' files
GREY_MODES = ("1", "L", "LA", "La")  # and all deep ones
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
LARGEST = 1 << 29  # bytes of a file: Pillow reads some parts of one, such as texts, as a whole
REDUCING_GAP = 3.0  # shrink by whole factors first, down to 3 times the size wanted: quicker, no visible difference

# Pillow warns of pictures beyond MAX_IMAGE_PIXELS and refuses those beyond twice that; we refuse both.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class BadImage(Exception):
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
        if shape.range and mode_of(image) != image.mode:
            return bring_to(ImageOps.exif_transpose(_colours_in_8_bits(image, file, shape.range)), shape)
        side = 2 * max(shape.height, shape.width)
        image.draft(None, (side, side))  # lets JPEG decode at 1/2, 1/4 or 1/8 of its size
        return bring_to(ImageOps.exif_transpose(image), shape)


def read_values(file: Path | bytes) -> np.ndarray:
    """The values of a deep picture as they lie in its file, ``(height, width)`` or, of colours, ``(height, width, 3)``,
    without transparency. Raises :class:`BadImage` for a file that gives none."""
    with opened(file) as image:
        return _colours(image, file) if mode_of(image) != image.mode else np.asarray(image)


def _colours(image: Image.Image, file: Path | bytes) -> np.ndarray:
    """The 16-bit colours ``(height, width, 3)`` of a picture that was just opened from ``file``."""
    with _open(file) as twin:
        give_lower_bytes(twin)
        upper, lower = (np.asarray(each)[..., :3].astype(np.uint16) for each in (image, twin))
    return upper * 256 + lower


def _colours_in_8_bits(image: Image.Image, file: Path | bytes, limits: Range) -> Image.Image:
    """A picture of 16-bit colours in 8 bits, by its range, with its transparency and what it says of its rotation."""
    made = Image.fromarray(to_8_bits(_colours(image, file), limits))
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    made.info = {"exif": image.info["exif"]} if "exif" in image.info else {}
    return made


@contextmanager
def opened(file: Path | bytes) -> Iterator[Image.Image]:
    """A picture to look at. Raises :class:`BadImage` for whatever goes wrong with it inside."""
    try:
        with _open(file) as image:
            yield image
    except Exception as problem:  # a broken file may trip Pillow's parsers up in any way at all
        raise BadImage(_reason(problem)) from None


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
    if size > LARGEST:
        raise BadImage(f"larger than {LARGEST >> 20} MiB")
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
        image = image.convert("RGBA")
        if shape.alpha != "drop":
            image = Image.alpha_composite(Image.new("RGBA", image.size, shape.alpha), image)
        image = image.convert("RGB")
    return image.convert("RGB" if shape.channels == 3 else "L")


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
