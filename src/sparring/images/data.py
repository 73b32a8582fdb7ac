"""Pictures to train on: from whatever ``data`` names, in one shape, with what is wrong with the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, TypeVar

from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.files.file_set import FileSet, SingleFile, ends_as, files_at
from sparring.data.files.labels import given_form
from sparring.data.files.places import opened_place
from sparring.data.files.splits import kept_of, to_learn_from
from sparring.data.source import Source
from sparring.images.options import Reading, as_text, read_range
from sparring.images.reading.arrays import ImageArrays, read_numpy
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.official_files import idx_images, is_cifar
from sparring.images.reading.sets import NAMES, is_set, local_arrays, open_set
from sparring.images.reading.shape import MINIMUM, ImageForm, ImageSettings, Survey
from sparring.images.recipes import ImageRecipe
from sparring.media.pictures.formats import ENDINGS

Reads = TypeVar("Reads", bound=Reading)


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
            f"put a labels.csv (file,label) beside them, or say with label_pattern where their names have them"
        )
    if settings.label_pattern and least > 1 and not isinstance(source, ImageFiles):
        raise UserError(f"label_pattern: {settings.data} has no files whose names could have labels; leave it out")
    return source


def open_in_form(recipe: ImageRecipe, form: ImageForm) -> ImageSource:
    """The pictures that ``recipe.data`` names, one or more, brought to the size and channels of ``form``; their labels,
    where they have any and the recipe is conditioned on them, are numbered as in ``form``.

    Raises :class:`UserError` as :func:`open_source` does, and for a label that ``form`` does not know.
    """
    return given_form(open_source(_in_form(recipe, form).changed({"split": "all"}), least=1), form)


def open_kept(recipe: ImageRecipe, form: ImageForm) -> ImageSource | None:
    """The pictures beside those that are learned from, which are kept to be evaluated with, as
    :func:`open_in_form` gives them; None where there are none, or none with the labels that the recipe needs. Raises
    :class:`UserError` as that does."""
    path = Path(os.path.expanduser(recipe.data))
    found = kept_of(None if is_set(recipe.data) or recipe.split == "all" else _files_at(path), recipe.data)
    if found is None:
        return None
    kept, place = found
    source = ImageFiles(kept, _in_form(recipe, form).changed({"data": place}), least=1)
    return given_form(source, form) if source.form.labels or not recipe.conditional else None


def _in_form(recipe: ImageRecipe, form: ImageForm) -> ImageRecipe:
    """The recipe that reads pictures in the size, channels and range of ``form``."""
    alpha = "white" if recipe.alpha == "keep" and form.channels < 4 else recipe.alpha  # no channel to keep it in
    shape = {"size": f"{form.height}x{form.width}", "channels": form.channels, "alpha": alpha}
    limits = {} if form.range is None else {"range": as_text(form.range)}
    return recipe.changed({**shape, **limits, "labelled": "auto" if recipe.conditional else "no"})


def as_trained(recipe: Reads, form: ImageForm) -> Reads:
    """The recipe with the channels and the range that the data decided on when a model of ``form`` was trained."""
    decided = {}
    if recipe.channels == "auto" and recipe.alpha != "keep" and form.channels == 3:
        decided["channels"] = "3"  # of greys stored as colour a version of today would decide on 1
    if recipe.range == "auto" and form.range is not None:
        decided["range"] = as_text(form.range)
    return recipe.changed(decided)


def _open_path(settings: ImageSettings, least: int) -> ImageSource:
    with opened_place(settings.data, NAMES) as path:
        return _by_kind(path, settings, least)


def _files_at(path: Path) -> FileSet | None:
    """The image files in a zip, or in a folder of them; None for anything else."""
    official = path.is_dir() and (idx_images(path) or is_cifar(path))
    return None if official else files_at(path, ENDINGS)


def _by_kind(path: Path, settings: ImageSettings, least: int) -> ImageSource:
    """MNIST's and CIFAR-10's own files are known by their names; any other folder is one of images."""
    if path.suffix in (".npy", ".npz"):
        arrays, limits, said = read_numpy(path, read_range(settings.range))
        return ImageArrays(arrays, settings, least, limits, said)
    whole = _files_at(path)
    if whole is not None:
        chosen, said = (whole, list[str]()) if settings.split == "all" else to_learn_from(whole)
        return ImageFiles(chosen, settings, least, said)
    if idx_images(path) or is_cifar(path):
        return ImageArrays(local_arrays(path), settings, least)
    if ends_as(path.name, ENDINGS) and least == 1:
        return ImageFiles(SingleFile(path), settings, least)
    hint = "; give the folder that it is in" if ends_as(path.name, ENDINGS) else ""
    raise UserError(f"{path}: not a folder, .zip, .npy, .npz, *-idx3-ubyte[.gz] or CIFAR-10 tar{hint}")
