"""Pictures to train on: from whatever ``data`` names, in one shape, with what is wrong with the rest."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.recipe import nearest
from sparring.data.source import Source
from sparring.images.reading.arrays import ImageArrays
from sparring.images.reading.file_set import Archive, Folder, is_image
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.numpy_files import read_numpy
from sparring.images.reading.official_files import idx_images, is_cifar
from sparring.images.reading.sets import NAMES, is_set, local_arrays, open_set
from sparring.images.reading.shape import ImageSettings, Survey

CHECKED = 256  # pictures read at a time by check
TOP = 5  # most frequent sizes that check tells


class ImageSource(Source, Protocol):
    """Yields ``images`` uint8 ``(n, channels, height, width)`` and, if any, ``labels`` int64 ``(n,)``."""

    survey: Survey
    labels: Tensor | None


def open_source(recipe: ImageSettings) -> ImageSource:
    """The pictures that ``recipe.data`` names: a set, a folder, a zip, an array or one of the official files.

    Raises :class:`UserError` when there are none to be had, or no labels where ``labelled`` asks for them.
    """
    source = open_set(recipe) if is_set(recipe.data) else _open_path(recipe)
    if recipe.labelled == "yes" and not source.form["labels"]:
        raise UserError(
            f"{recipe.data}: no labels found; sort the images into a sub-folder for each label, "
            f"or put a labels.csv (file,label) beside them"
        )
    return source


def check(recipe: ImageSettings) -> dict[str, Any]:
    """What training on ``recipe.data`` would meet, JSON-able; reads every pixel.

    ``good`` (count), ``bad`` (``{"path", "reason"}`` each), ``sizes`` (the most frequent, ``"HEIGHTxWIDTH"``
    to count), ``modes`` (Pillow's names to count), ``labels`` (name to count), ``form``, ``in_memory``, and
    ``duplicates``: how many pictures equal an earlier one, byte for byte, once brought to shape. Raises as
    :func:`open_source` does.
    """
    source = open_source(recipe)
    dead: set[int] = source.dead if isinstance(source, ImageFiles) else set()
    pictures: set[bytes] = set()
    labels: Counter[int] = Counter()
    good = 0
    for start in range(0, len(source), CHECKED):
        indices = np.arange(start, min(start + CHECKED, len(source)))
        images = source.batch(indices)["images"].numpy()
        rows = [row for row, index in enumerate(indices.tolist()) if index not in dead]  # the others are stand-ins
        good += len(rows)
        pictures.update(hashlib.blake2b(images[row].tobytes(), digest_size=16).digest() for row in rows)
        if source.labels is not None:
            labels.update(source.labels[indices[rows]].tolist())
    return {
        "data": source.name,
        "good": good,
        "bad": [{"path": bad.path, "reason": bad.reason} for bad in source.bad_files],
        "sizes": {f"{height}x{width}": count for (height, width), count in source.survey.sizes.most_common(TOP)},
        "modes": dict(source.survey.modes.most_common()),
        "labels": {name: labels[index] for index, name in enumerate(source.form["labels"])},
        "form": source.form,
        "in_memory": source.in_memory,
        "duplicates": good - len(pictures),
    }


def _open_path(recipe: ImageSettings) -> ImageSource:
    path = Path(os.path.expanduser(recipe.data))  # Path.expanduser raises where there is no such user
    try:
        if not recipe.data or not path.exists():
            raise UserError(
                f"data: no file, folder or set called '{recipe.data}'{nearest(recipe.data, NAMES)} "
                f"(sets: {', '.join(NAMES)})"
            )
        return _by_kind(path, recipe)
    except OSError as problem:
        raise UserError(f"{path}: cannot be read ({problem.strerror}); check its permissions") from None


def _by_kind(path: Path, recipe: ImageSettings) -> ImageSource:
    """MNIST's and CIFAR-10's own files are known by their names; any other folder is one of images."""
    if path.suffix in (".npy", ".npz"):
        return ImageArrays(read_numpy(path), recipe)
    if path.suffix == ".zip":
        return ImageFiles(Archive(path), recipe)
    if idx_images(path) or is_cifar(path):
        return ImageArrays(local_arrays(path), recipe)
    if path.is_dir():
        return ImageFiles(Folder(path), recipe)
    hint = "; give the folder that it is in" if is_image(path.name) else ""
    raise UserError(f"{path}: not a folder, .zip, .npy, .npz, *-idx3-ubyte[.gz] or CIFAR-10 tar{hint}")
