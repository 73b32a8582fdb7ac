"""Clips to train on: from whatever ``data`` names, in one form, with what is wrong with the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.files.file_set import SingleFile, ends_as, files_at
from sparring.data.files.labels import given_form
from sparring.data.files.places import opened_place
from sparring.data.files.splits import kept_of, to_learn_from
from sparring.data.source import Source
from sparring.video.files import MINIMUM, VideoFiles
from sparring.video.form import VideoForm
from sparring.video.reading.video_set import ALL
from sparring.video.recipes import SETS, VideoRecipe
from sparring.video.shapes import ShapeSource


class VideoSource(Source, Protocol):
    """Yields ``frames`` uint8 ``(n, frames, channels, height, width)`` and, if any, ``labels`` int64 ``(n,)``."""

    form: VideoForm
    labels: Tensor | None


def open_source(recipe: VideoRecipe, least: int = MINIMUM) -> VideoSource:
    """The clips that ``recipe.data`` names: the bundled set, a folder, a zip or a single video.

    Raises :class:`UserError` when there are fewer than ``least`` to be had, or no labels where ``labelled`` asks for
    them.
    """
    source: VideoSource = ShapeSource(recipe) if recipe.data in SETS else _open_path(recipe, least)
    if recipe.labelled == "yes" and not source.form.labels:
        raise UserError(
            f"{recipe.data}: no labels found; sort the videos into a sub-folder for each label, put a labels.csv "
            "(file,label) beside them, or give a --label-pattern"
        )
    return source


def open_in_form(recipe: VideoRecipe, form: VideoForm) -> VideoSource:
    """The clips that ``recipe.data`` names, one or more, brought to ``form``; their labels, where they have any and the
    recipe is conditioned on them, are numbered as in ``form``.

    Raises :class:`UserError` as :func:`open_source` does, and for a label that ``form`` does not know.
    """
    return given_form(open_source(_in_form(recipe, form).changed({"split": "all"}), least=1), form)


def open_kept(recipe: VideoRecipe, form: VideoForm) -> VideoSource | None:
    """The clips beside those that are learned from, which are kept to be evaluated with, as :func:`open_in_form` gives
    them; None where there are none, or none with the labels that the recipe needs. Raises :class:`UserError` as that
    does."""
    path = Path(os.path.expanduser(recipe.data))
    found = kept_of(None if recipe.data in SETS or recipe.split == "all" else files_at(path, ALL), recipe.data)
    if found is None:
        return None
    kept, place = found
    source = VideoFiles(kept, _in_form(recipe, form).changed({"data": place}), least=1)
    return given_form(source, form) if source.form.labels or not recipe.conditional else None


def _in_form(recipe: VideoRecipe, form: VideoForm) -> VideoRecipe:
    """The recipe that reads clips in the size, length and channels of ``form``."""
    size = {"size": f"{form.height}x{form.width}", "channels": str(form.channels), "frames": form.frames}
    labels = {} if recipe.conditional else {"labelled": "no", "label_pattern": ""}
    return recipe.changed({**size, **labels})


def _open_path(recipe: VideoRecipe, least: int) -> VideoFiles:
    with opened_place(recipe.data, SETS) as path:
        whole = files_at(path, ALL)
        if whole is not None:
            chosen, said = (whole, list[str]()) if recipe.split == "all" else to_learn_from(whole)
            return VideoFiles(chosen, recipe, least, said)
        if ends_as(path.name, ALL):
            return VideoFiles(SingleFile(path), recipe, least)
    raise UserError(f"{path}: not a folder or a .zip of videos, nor a video; give one of these")
