"""Pictures to train on: from whatever ``data`` names, in one shape, with what is wrong with the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.settings import nearest
from sparring.core.terminal import quoted, shortened
from sparring.data.source import Source
from sparring.images.reading.arrays import ImageArrays, read_numpy
from sparring.images.reading.file_set import Archive, Folder, SingleFile, is_image
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.official_files import idx_images, is_cifar
from sparring.images.reading.sets import NAMES, is_set, local_arrays, open_set
from sparring.images.reading.shape import MINIMUM, ImageForm, ImageSettings, Survey
from sparring.images.recipes import ImageRecipe


class ImageSource(Source, Protocol):
    """Yields ``images`` uint8 ``(n, channels, height, width)`` and, if any, ``labels`` int64 ``(n,)``."""

    form: ImageForm
    survey: Survey
    labels: Tensor | None


def open_source(settings: ImageSettings, least: int = MINIMUM) -> ImageSource:
    """The pictures that ``settings.data`` names: a set, a folder, a zip, an array or one of the official files; where
    one picture is enough, a file of it too.

    Raises :class:`UserError` when there are fewer than ``least`` to be had, or no labels where ``labelled`` asks for
    them.
    """
    source = open_set(settings) if is_set(settings.data) else _open_path(settings, least)
    if settings.labelled == "yes" and not source.form.labels:
        raise UserError(
            f"{settings.data}: no labels found; sort the images into a sub-folder for each label, "
            f"or put a labels.csv (file,label) beside them"
        )
    return source


def open_in_form(recipe: ImageRecipe, form: ImageForm) -> ImageSource:
    """The pictures that ``recipe.data`` names, one or more, brought to the size and channels of ``form``; their labels,
    where they have any and the recipe is conditioned on them, are numbered as in ``form``.

    Raises :class:`UserError` as :func:`open_source` does, and for a label that ``form`` does not know.
    """
    labelled = "auto" if recipe.conditional else "no"
    alpha = "white" if recipe.alpha == "keep" and form.channels < 4 else recipe.alpha  # no channel to keep it in
    shape = {"size": f"{form.height}x{form.width}", "channels": form.channels, "alpha": alpha}
    source = open_source(recipe.changed({**shape, "labelled": labelled}), least=1)
    if source.labels is not None:
        source.labels = _numbers(source, form)[source.labels]
    source.form = form
    return source


def _numbers(source: ImageSource, form: ImageForm) -> Tensor:
    """The number, in ``form``, of each label that the source has, int64 ``(labels,)``."""
    number = {label: index for index, label in enumerate(form.labels)}
    for label in source.form.labels:
        if label not in number:
            raise UserError(
                f"{source.name}: its label {quoted(label)}{nearest(label, number)} is none of those that the model "
                f"knows ({', '.join(map(shortened, form.labels[:20]))}); give its folder by itself, or rename it"
            )
    return torch.tensor([number[label] for label in source.form.labels], dtype=torch.int64)


def _open_path(settings: ImageSettings, least: int) -> ImageSource:
    path = Path(os.path.expanduser(settings.data))  # Path.expanduser raises where there is no such user
    try:
        if not settings.data or not path.exists():
            raise UserError(
                f"data: no file, folder or set called {quoted(settings.data)}{nearest(settings.data, NAMES)} "
                f"(sets: {', '.join(NAMES)})"
            )
        return _by_kind(path, settings, least)
    except OSError as problem:
        raise UserError(f"{path}: cannot be read ({problem.strerror}); check its permissions") from None


def _by_kind(path: Path, settings: ImageSettings, least: int) -> ImageSource:
    """MNIST's and CIFAR-10's own files are known by their names; any other folder is one of images."""
    if path.suffix in (".npy", ".npz"):
        return ImageArrays(read_numpy(path), settings, least)
    if path.suffix == ".zip":
        return ImageFiles(Archive(path), settings, least)
    if idx_images(path) or is_cifar(path):
        return ImageArrays(local_arrays(path), settings, least)
    if path.is_dir():
        return ImageFiles(Folder(path), settings, least)
    if is_image(path.name) and least == 1:
        return ImageFiles(SingleFile(path), settings, least)
    hint = "; give the folder that it is in" if is_image(path.name) else ""
    raise UserError(f"{path}: not a folder, .zip, .npy, .npz, *-idx3-ubyte[.gz] or CIFAR-10 tar{hint}")
