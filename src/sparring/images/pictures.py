"""Pictures that Sparring writes: sheets and single ones, each with a note of where it came from.

The note is compact JSON in an international text chunk (iTXt, keyword ``sparring``) of the PNG, or the array
``note`` of an ``.npz``.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import aside, write_atomically

KEYWORD = "sparring"  # of the PNG chunk
SHEET_SIDE = 1024  # small pictures are enlarged until the sheet would be longer than this
KINDS = (".png (one sheet)", ".npz", ".npy", ".zip", "no ending for a folder")


def to_uint8(images: Tensor) -> np.ndarray:
    """``(n, channels, height, width)`` in [-1, 1] to bytes ``(n, height, width, channels)`` in [0, 255].

    Values outside are clamped; 1, 3 or 4 channels are grey, RGB and RGBA.
    """
    scaled = ((images.detach().float() + 1) * 127.5).round().clamp(0, 255)
    pixels: np.ndarray = scaled.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def to_picture(pixels: np.ndarray) -> Image.Image:
    """One picture ``(height, width, channels)`` uint8."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def sheet(
    pictures: np.ndarray, columns: int | None = None, gap: int = 2, scale: int | None = None
) -> Image.Image:
    """Pictures ``(n, height, width, channels)`` uint8 side by side, row after row, about as wide as high.

    Each pixel becomes ``scale`` x ``scale`` ones (chosen to fill a screen comfortably); ``gap`` is in pixels
    of the sheet: white, and transparent where there is an alpha channel. Raises :class:`UserError` when the
    sheet would be larger than image software opens.
    """
    count, height, width, channels = pictures.shape
    columns = columns or max(1, min(count, round(math.sqrt(count * height / width))))
    rows = math.ceil(count / columns)
    scale = scale or max(1, (SHEET_SIDE - gap * max(rows, columns)) // max(rows * height, columns * width))
    tall, wide = height * scale + gap, width * scale + gap
    if rows * tall * columns * wide > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise UserError(
            f"out: a sheet of {count:,} pictures is too large to open; use {', '.join(KINDS[1:])}"
        )

    blank = [255, 255, 255, 0] if channels == 4 else [255] * channels
    canvas = np.full((rows * tall - gap, columns * wide - gap, channels), blank, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * tall, index % columns * wide
        enlarged = picture.repeat(scale, axis=0).repeat(scale, axis=1)
        canvas[top : top + height * scale, left : left + width * scale] = enlarged
    return to_picture(canvas)


def encode_png(picture: Image.Image, note: Mapping[str, Any]) -> bytes:
    """The bytes of a PNG with its note."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(KEYWORD, compact(note))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=chunks)
    return buffer.getvalue()


def save_png(picture: Image.Image, path: Path, note: Mapping[str, Any]) -> None:
    """Write a PNG with its note, whole or not at all. Raises :class:`UserError` when it cannot be written."""
    write_atomically(path, encode_png(picture, note))


def read_note(path: Path) -> dict[str, Any]:
    """The note in a PNG that Sparring wrote. Raises :class:`UserError` when there is none, or no picture."""
    try:
        with Image.open(path) as picture:
            text = picture.info.get(KEYWORD)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture that can be read; give a PNG that Sparring wrote") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise UserError(f"{path}: cannot be read ({getattr(problem, 'strerror', None) or problem})") from None
    try:
        note = json.loads(text or "")
    except ValueError:
        note = None
    if not isinstance(note, dict):
        raise UserError(f"{path}: carries no note of Sparring's; only PNGs as Sparring wrote them do")
    return note


def write_samples(
    images: Tensor, labels: Sequence[str] | None, out: Path, note: Mapping[str, Any], overwrite: bool = False
) -> list[Path]:
    """Write images ``(n, channels, height, width)`` in [-1, 1]; the ending of ``out`` decides as what.

    ``.png`` is one sheet; ``.npz`` holds ``images`` uint8 ``(n, height, width)`` or ``(n, height, width,
    channels)``, ``labels`` if there are any, and ``note``; ``.npy`` is the images alone; ``.zip`` and a folder
    (no ending) hold a PNG each, named ``000000.png`` or ``000000-<label>.png``. Returns the files written.
    Raises :class:`UserError` when something is there already and ``overwrite`` is not set, when the ending is
    another, and when nothing can be written there.
    """
    kind = "" if out.is_dir() else out.suffix.lower()
    if kind not in ("", ".png", ".npz", ".npy", ".zip"):
        raise UserError(f"{out}: cannot write {kind} files; use {', '.join(KINDS)}")
    make_room(out, kind, overwrite)
    pixels = to_uint8(images)
    if kind == ".png":
        save_png(sheet(pixels), out, {**note, **({"labels": list(labels)} if labels else {})})
    elif kind == ".zip":
        write_zip(out, pixels, labels, note)
    elif kind:
        write_arrays(out, pixels, labels, note)
    else:
        return write_folder(out, pixels, labels, note)
    return [out]


def make_room(out: Path, kind: str, overwrite: bool) -> None:
    """The folders that ``out`` needs. Raises :class:`UserError` when something is there already."""
    try:
        (out.parent if kind else out).mkdir(parents=True, exist_ok=True)
        taken = out.exists() if kind else any(out.iterdir())
    except OSError as problem:
        raise UserError(f"{out}: cannot be written ({problem.strerror}); choose another --out") from None
    if taken and not overwrite:
        what = "exists" if kind else "exists and is not empty"
        raise UserError(f"{out}: {what}; choose another --out, or add --overwrite")


def write_arrays(
    out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]
) -> None:
    """An ``.npz`` or ``.npy`` of bytes, grey without an axis for channels."""
    images = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    named = {"labels": np.array(labels, dtype=np.str_)} if labels is not None else {}
    with aside(out) as temporary, temporary.open("wb") as file:
        if out.suffix.lower() == ".npy":
            np.save(file, images)
        else:
            np.savez_compressed(
                file, allow_pickle=False, images=images, note=np.array(compact(note)), **named
            )


def write_zip(out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]) -> None:
    """A zip of PNGs, the same bytes whenever it is written."""
    with aside(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for index, picture in enumerate(pixels):
            name, own = describe(index, labels, note)
            archive.writestr(zipfile.ZipInfo(name), encode_png(to_picture(picture), own))


def write_folder(
    out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]
) -> list[Path]:
    """A PNG each: thousands of files, so none waits for the disk."""
    written = []
    for index, picture in enumerate(pixels):
        name, own = describe(index, labels, note)
        write_atomically(out / name, encode_png(to_picture(picture), own), durable=False)
        written.append(out / name)
    return written


def describe(index: int, labels: Sequence[str] | None, note: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The file name and the note of one of many pictures."""
    if labels is None:
        return f"{index:06d}.png", {**note, "index": index}
    label = re.sub(r"[^\w.-]+", "_", labels[index])[:40]
    return f"{index:06d}-{label}.png", {**note, "index": index, "label": labels[index]}


def compact(note: Mapping[str, Any]) -> str:
    """JSON without spaces, in ASCII."""
    return json.dumps(note, separators=(",", ":"))
