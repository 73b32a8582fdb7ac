"""Examples that a caller in Python gives in place of paths and names, on their way into a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sparring.core.errors import UserError
from sparring.core.recipe import Recipe
from sparring.core.run import DATA, Run
from sparring.core.terminal import shortened
from sparring.modalities import ENTRIES, modality_of


def are_places(data: Any, most: int) -> bool:
    """Whether ``data`` say where examples are, by ``most`` paths or names at most, and are none themselves."""
    if data is None or isinstance(data, str | os.PathLike):
        return True
    is_list = isinstance(data, Sequence) and 0 < len(data) <= most
    return is_list and all(isinstance(place, str | os.PathLike) for place in data)


def recipe_of_examples(data: Any) -> Recipe:
    """The recipe for a caller's own examples: that of the modality that takes them. Raises :class:`UserError` where
    none does."""
    for kind, entry in ENTRIES.items():
        if modality_of(kind).takes(data):
            return next(iter(entry.presets.values()))
    shape = getattr(data, "shape", None)
    what = f"of shape {tuple(shape)}" if shape is not None else shortened(data)
    raise UserError(
        f"data: {type(data).__name__} {what} tells no kind of data; give an array of pictures (n, height, width, "
        "channels), a list of Pillow pictures, a data set, or name the recipe: sparring.train(RECIPE, data=...)"
    )


def kept(recipe: Recipe, data: Any, run: Run) -> Recipe:
    """The recipe on examples that are written into the folder of its new ``run``, once. Raises :class:`UserError` for
    what are none of its kind."""
    if len(recipe.data_settings) > 1:
        raise UserError(f"data: {recipe.kind} are read from {len(recipe.data_settings)} folders; give their paths")
    folder = (run.folder / DATA).resolve()
    return recipe.changed({"data": str(modality_of(recipe.kind).keep(data, folder))})


@contextmanager
def unless_used(run: Run) -> Iterator[None]:
    """Inside, a new run begins; where it cannot, nothing of it is left. Raises what is raised inside."""
    try:
        yield
    except UserError:
        if not run.journal.exists():
            shutil.rmtree(run.folder, ignore_errors=True)
        raise
