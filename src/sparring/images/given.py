"""Pictures that a caller in Python gives, written as what is read: arrays as an ``.npz``, others as a folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.core.files import make_folder, write_atomically, write_text
from sparring.data.given import as_array, is_array, keep_arrays, pairs, parts

KEYS = ("image", "images", "img", "picture", "pixel_values", "x")
"""What an example that is a mapping calls its picture, best first."""
WRITTEN = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
"""Pillow's modes that a PNG holds as they are."""


def are_pictures(data: Any) -> bool:
    """Whether data given in Python are pictures: an array ``(n, height, width)`` or with channels, or a data set or a
    list of such arrays without the first axis, or of Pillow pictures."""
    examples, _ = parts(data)
    if isinstance(data, Mapping):
        return False
    if is_array(examples):
        return examples.ndim in (3, 4)
    if not hasattr(examples, "__len__") or not hasattr(examples, "__getitem__") or not len(examples):
        return False
    first = next(pairs(examples, KEYS))[0]
    return isinstance(first, Image.Image) or (is_array(first) and first.ndim in (2, 3))


def keep(data: Any, folder: Path) -> Path:
    """Write pictures, alone or with labels, into a new ``folder``; the file or folder to read. Raises
    :class:`UserError` for what is no picture, for arrays of several shapes, and where it cannot be written."""
    make_folder(folder)
    examples, labels = parts(data)
    if is_array(examples):
        named = {} if labels is None else {"labels": np.array([*map(str, as_array(labels).tolist())], dtype=np.str_)}
        return keep_arrays(folder / "images.npz", images=as_array(examples), **named)
    each = pairs(data, KEYS)
    first = next(each, None)
    if first is None:
        raise UserError("data: holds no examples; give some")
    if isinstance(first[0], Image.Image):
        return keep_pictures(chain([first], each), folder)
    if not is_array(first[0]):
        kind = type(first[0]).__name__
        raise UserError(f"data: {kind} is no picture; give arrays, Pillow pictures, or one path of a folder")
    found = [(as_array(picture), label) for picture, label in chain([first], each)]
    shapes = sorted({picture.shape for picture, _ in found})
    if len(shapes) > 1:
        raise UserError(f"data: arrays of shapes {shapes[0]} and {shapes[-1]}; give one shape, or Pillow pictures")
    stacked = np.stack([picture for picture, _ in found])
    names = [label or "" for _, label in found] if first[1] is not None else None
    return keep(stacked if names is None else (stacked, np.array(names)), folder)


def keep_pictures(each: Iterable[tuple[Any, str | None]], folder: Path) -> Path:
    """Write Pillow pictures with their labels, None without, as PNGs and a table; the folder. Raises
    :class:`UserError` for what is no picture."""
    rows = []
    for number, (picture, label) in enumerate(each):
        if not isinstance(picture, Image.Image):
            kind = type(picture).__name__
            raise UserError(f"data: example {number} is of type {kind}, the first is a picture of Pillow's")
        buffer, name = io.BytesIO(), f"{number:06d}.png"
        (picture if picture.mode in WRITTEN else picture.convert("RGB")).save(buffer, format="PNG")
        write_atomically(folder / name, buffer.getvalue(), durable=False)
        rows.append((name, label))
    if any(label is not None for _, label in rows):
        table = io.StringIO()
        csv.writer(table).writerows([("file", "label"), *((name, label or "") for name, label in rows)])
        write_text(folder / "labels.csv", table.getvalue())
    return folder
