"""Arrays of pictures as a source, in memory, and those in ``.npy`` and ``.npz`` files.

Never unpickles: an array of objects is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.reading import reason
from sparring.data.arrays import Npz, read_npy
from sparring.data.files.labels import encode
from sparring.data.source import BadFile
from sparring.images.reading import remarks
from sparring.images.reading.shape import MINIMUM, ImageSettings, choose_shape, form_of, survey
from sparring.images.reading.values import extent_of, is_grey, told, told_of_grey
from sparring.media.pictures.decode import Header, bring_to
from sparring.media.pictures.deep import Range, range_of, to_8_bits

IMAGE_KEYS = ("images", "x_train", "x", "arr_0")
LABEL_KEYS = ("labels", "y_train", "y", "label")
TOLERANCE = 1e-4  # by which floating-point pixels may miss their range
LARGEST_LABEL = 2**53  # floating-point numbers beyond it are no whole ones
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # by number of channels

Arrays = tuple[np.ndarray, list[str] | None]
"""Pixels uint8 ``(n, height, width, channels)`` and, where there are any, ``n`` labels."""


class ImageArrays:
    """Pictures in memory, of one shape. Arrays are kept there whatever ``cache_mb`` says.

    ``limits`` are black and white of what had more than 8 bits, where there was any. Raises :class:`UserError` when
    there are fewer than ``least`` pictures.
    """

    in_memory = True

    def __init__(
        self,
        arrays: Arrays,
        settings: ImageSettings,
        least: int = MINIMUM,
        limits: Range | None = None,
        said: Sequence[str] = (),
    ) -> None:
        self.said = list(said)
        pixels, labels = arrays
        if len(pixels) < least:
            raise UserError(f"{settings.data}: {len(pixels)} images, at least {least} are needed; add more")
        self.name = settings.data
        self.bad_files: list[BadFile] = []
        mode = MODES[pixels.shape[3]]
        colour = mode.startswith("RGB") and not (settings.channels == "auto" and is_grey(pixels))
        header = Header(pixels.shape[1], pixels.shape[2], mode, colour, mode.endswith("A"))
        self.survey = survey([header] * len(pixels))
        self.shape = choose_shape(settings, self.survey)
        if mode.startswith("RGB") and self.shape.channels == 1 and settings.channels == "auto":
            self.said.append(told_of_grey(f"all {len(pixels):,}"))

        if (*pixels.shape[1:3], mode) == (self.shape.height, self.shape.width, MODES[self.shape.channels]):
            images = np.array(pixels.transpose(0, 3, 1, 2), order="C")  # a copy of our own
        else:
            squeezed = pixels[..., 0] if mode == "L" else pixels
            images = np.stack([bring_to(Image.fromarray(picture), self.shape) for picture in squeezed])
        self.images = torch.from_numpy(images)
        names: list[str] = []
        self.labels: Tensor | None = None
        if labels and settings.labelled != "no":
            names, self.labels = encode(labels)
        self.form = form_of(self.shape, names, limits)

    def remarks(self) -> list[str]:
        """What a person should know about these pictures, a line each."""
        labels = remarks.of_labels(self.form.labels, self.labels)
        return [*self.said, *remarks.of_crop(self.shape, self.survey), *labels, *remarks.of_copies(self.images)]

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``images`` uint8 ``(n, channels, height, width)`` in [0, 255]; ``labels`` int64 ``(n,)`` if any."""
        chosen = torch.from_numpy(indices)
        images = self.images.index_select(0, chosen)  # ten times as quick as [chosen]
        if self.labels is None:
            return {"images": images}
        return {"images": images, "labels": self.labels[chosen]}


# Files of arrays


def read_numpy(path: Path, asked: Range | None = None) -> tuple[Arrays, Range | None, list[str]]:
    """Pixels ``(n, height, width, channels)`` and labels from a file, with the range that was asked for, or else found,
    where they have more than 8 bits, and what is to be said of it. Raises :class:`UserError` when they are not there or
    not pictures."""
    try:
        if path.suffix == ".npz":
            return _from_npz(path, Npz(path), asked)
        pixels, limits, said = to_pixels(read_npy(path), str(path), asked)
        return (pixels, None), limits, said
    except (UserError, PermissionError):
        raise
    except Exception as problem:  # a broken file may trip parsers up in any way at all
        raise UserError(
            f"{path}: cannot be read ({reason(problem)}); save plain arrays with numpy.save or numpy.savez"
        ) from None


def _from_npz(
    path: Path, loaded: Mapping[str, np.ndarray], asked: Range | None
) -> tuple[Arrays, Range | None, list[str]]:
    key = _find(loaded, IMAGE_KEYS) or (next(iter(loaded)) if len(loaded) == 1 else None)
    if key is None:
        raise UserError(
            f"{path}: holds {', '.join(loaded) or 'nothing'}; call the array of pictures '{IMAGE_KEYS[0]}' "
            f"and its labels, if any, '{LABEL_KEYS[0]}'"
        )
    pixels, limits, said = to_pixels(loaded[key], f"{path}: {key}", asked)
    label_key = _find(loaded, LABEL_KEYS)
    labels = None if label_key is None else _to_labels(loaded[label_key], len(pixels), f"{path}: {label_key}")
    return (pixels, labels), limits, said


def to_pixels(array: np.ndarray, where: str, asked: Range | None = None) -> tuple[np.ndarray, Range | None, list[str]]:
    """uint8 ``(n, height, width, channels)`` from ``(n, h, w)``, ``(n, h, w, c)`` or ``(n, c, h, w)``.

    Takes whole numbers in [0, 255] and floating-point ones in [0, 1] or [-1, 1] as they are; others by the range that
    is asked for, or found, which is given back with what is to be said of it. Raises :class:`UserError` for arrays of
    other shapes, and of values that are no numbers, or outside a full range.
    """
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and array.shape[3] not in MODES and array.shape[1] in MODES:
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in MODES or array.size == 0:
        raise UserError(f"{where}: has shape {array.shape}; needs (n, height, width) or (n, height, width, 1 to 4)")
    if array.dtype == np.uint8:
        return array, None, []
    if array.dtype.kind not in "buif":
        raise UserError(f"{where}: holds {array.dtype}, not numbers; save it as uint8")

    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255), None, []
    if not asked and array.dtype.kind in "ui" and low >= 0 and high <= 255:
        return array.astype(np.uint8), None, []
    if not asked and array.dtype.kind == "f" and low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        offset, scale = (1.0, 127.5) if low < -TOLERANCE else (0.0, 255.0)
        return np.rint((array + offset) * scale).clip(0, 255).astype(np.uint8), None, []
    return _by_range(array, (low, high), where, asked)


def _by_range(
    array: np.ndarray, found: tuple[float, float], where: str, asked: Range | None
) -> tuple[np.ndarray, Range, list[str]]:
    """Deep pixels ``(n, height, width, channels)`` in 8 bits, one picture at a time: they take more memory before."""
    extent = extent_of(array)
    limits = range_of(*found, array.dtype) if asked is None else asked
    pixels = np.empty(array.shape, np.uint8)
    try:
        for picture, into in zip(array, pixels, strict=True):
            into[...] = to_8_bits(picture, limits)
    except ValueError:
        low, high = found
        raise UserError(
            f"{where}: values from {low:g} to {high:g} as {array.dtype}; needs numbers, black and white as --range says"
        ) from None
    return pixels, limits, told(limits, [extent], "all") if asked is None else []


def _find(keys: Iterable[str], wanted: Sequence[str]) -> str | None:
    held = set(keys)
    return next((key for key in wanted if key in held), None)


def _to_labels(array: np.ndarray, count: int, where: str) -> list[str]:
    if array.size != count or array.dtype.kind not in "buifU":
        raise UserError(
            f"{where}: has shape {array.shape} of {array.dtype}; needs one number or name for each of {count} pictures"
        )
    if array.dtype.kind == "f":
        if not (np.abs(array) < LARGEST_LABEL).all() or not (array == np.rint(array)).all():
            raise UserError(f"{where}: labels must be whole numbers or names")
        array = array.astype(np.int64)
    return [str(label) for label in array.reshape(-1).tolist()]
