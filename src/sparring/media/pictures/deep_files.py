"""Pictures of more than 8 bits written with all of them: whole numbers into PNGs, floating point into TIFFs.

Pillow writes greys of 16 bits and no such colours, so these are put together here (W3C, "Portable Network Graphics",
third edition; Adobe, "TIFF", revision 6.0).
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.ExifTags import Base

from sparring.media.pictures.deep import Range, unscaled
from sparring.media.pictures.notes import PNG_START, as_chunk

KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # a PNG's number for grey, grey and alpha, colour, colour and alpha, by channels
LEVELS = 65535  # the highest value of 16 bits


def holds(kind: str, dtype: np.dtype, channels: int) -> bool:
    """Whether values of this type and so many channels can be kept in a file of this kind, by Pillow's name."""
    return (kind == "TIFF" and channels == 1) or (kind in ("PNG", "TIFF") and dtype.kind != "f")


def as_values(pixels: np.ndarray, dtype: np.dtype, limits: Range) -> np.ndarray:
    """Pixels ``(...)`` in [0, 255] as values of that type, by their range."""
    values = unscaled(pixels / 255.0, dtype, limits).astype(dtype.newbyteorder("="))
    return values if dtype.kind == "f" else values.clip(0, LEVELS)


def as_png(values: np.ndarray, exif: bytes, profile: bytes | None) -> bytes:
    """A PNG of 16 bits: whole numbers ``(height, width, channels)`` in [0, 65535]; 2 and 4 channels are grey and colour
    with alpha."""
    height, width, channels = values.shape
    rows = np.ascontiguousarray(values, ">u2").view(np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, np.uint8), rows - above])  # each row as the difference to that above
    chunks = [as_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, KINDS[channels], 0, 0, 0))]
    if profile:
        chunks.append(as_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile)))
    if exif:
        chunks.append(as_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    return b"".join(
        [PNG_START, *chunks, as_chunk(b"IDAT", zlib.compress(filtered.tobytes(), 6)), as_chunk(b"IEND", b"")]
    )


def as_tiff(values: np.ndarray, exif: Image.Exif, profile: bytes | None) -> bytes:
    """A TIFF of greys ``(height, width, 1)``, of 16 or 32 bits or floating point; or of 3 colours of 16 bits, 4 with
    alpha."""
    buffer = io.BytesIO()
    if values.shape[2] == 1:
        Image.fromarray(values[..., 0]).save(buffer, format="TIFF", exif=exif, icc_profile=profile)
        return buffer.getvalue()
    height, width, channels = values.shape
    pixels = np.ascontiguousarray(values, "<u2").tobytes()
    tags = TiffImagePlugin.ImageFileDirectory_v2()  # of little endian
    tags.update(dict(exif))
    tags.update({Base.ImageWidth: width, Base.ImageLength: height, Base.BitsPerSample: (16,) * channels})
    tags.update({Base.Compression: 1, Base.PhotometricInterpretation: 2, Base.SamplesPerPixel: channels})
    tags.update({Base.RowsPerStrip: height, Base.StripByteCounts: len(pixels), Base.StripOffsets: 0})
    if channels == 4:
        tags[Base.ExtraSamples] = (2,)  # alpha that the colours are not multiplied by
    if profile:
        tags[Base.InterColorProfile] = profile
    tags.save(buffer)  # Pillow takes the pixels to come behind the tags
    return buffer.getvalue() + pixels
