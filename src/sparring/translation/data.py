"""Two worlds of pictures as one source: a picture of each at a time, unpaired, brought to one shape."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.processes import is_first
from sparring.data.order import held_out_count, split
from sparring.data.source import BadFile
from sparring.images.data import ImageSource
from sparring.images.data import open_source as open_pictures
from sparring.images.reading.arrays import ImageArrays
from sparring.images.reading.folder import ImageFiles
from sparring.translation.clips import Clips
from sparring.translation.drawn import draw, truth
from sparring.translation.inversion import upright
from sparring.translation.recipes import SETS, TranslationRecipe

PAIRS = (("trainA", "trainB"), ("train_A", "train_B"), ("A", "B"), ("a", "b"))  # names of the two inside one folder
TESTS = (("testA", "testB"), ("test_A", "test_B"), *PAIRS)  # the same for what is evaluated
COMPARED = 256  # pictures of each world whose luminance is looked at
STREAM = 3  # sets the order of the two worlds apart from every other use of the seed


World = ImageSource | Clips


class Worlds:
    """Yields ``a`` and ``b``, uint8 ``(n, channels, height, width)`` each; of films ``a later`` and ``b later`` too.

    There are as many examples as the larger world has pictures; those of the smaller come again and again. No picture
    of a held-out example is ever trained on: each world is split by itself, and the indices that training holds out
    are given to what the worlds hold out.
    """

    def __init__(self, name: str, a: World, b: World, recipe: TranslationRecipe) -> None:
        self.name = name
        self.worlds: dict[str, World] = {"a": a, "b": b}
        self.in_memory = a.in_memory and b.in_memory
        count = max(len(a), len(b))
        members, held_out = split(count, recipe.seed, held_out_count(recipe.held_out, count))
        self.index = {
            world: indices_for(len(source), members, held_out, recipe, stream)
            for stream, (world, source) in enumerate(self.worlds.items())
        }
        looks = [source.batch(np.arange(min(len(source), COMPARED)))["images"] for source in (a, b)]
        size = {name: a.form[name] for name in ("height", "width", "channels")}
        self.form: dict[str, Any] = {**size, "labels": [], "counts": [len(a), len(b)], "upright": upright(*looks)}
        self.bad_files: list[BadFile] = []  # those of both worlds, and what workers find
        self.note_bad_files()

    def note_bad_files(self) -> None:
        """Take over what the worlds have found."""
        found = [bad for source in self.worlds.values() for bad in source.bad_files]
        self.bad_files += [bad for bad in found if bad not in self.bad_files]

    def __len__(self) -> int:
        return len(self.index["a"])

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The pictures that these indices stand for."""
        found = {}
        for name, source in self.worlds.items():
            batch = source.batch(self.index[name][indices])
            found[name] = batch["images"]
            if "later" in batch:
                found[f"{name} later"] = batch["later"]
        self.note_bad_files()
        return found


def indices_for(
    count: int, members: np.ndarray, held_out: np.ndarray, recipe: TranslationRecipe, stream: int
) -> np.ndarray:
    """Which of a world's ``count`` pictures each example shows; a world of fewer than ten holds none out."""
    ours, kept = split(count, recipe.seed, held_out_count(recipe.held_out, count))
    random = np.random.default_rng((recipe.seed, STREAM, stream))
    index = np.empty(len(members) + len(held_out), np.int64)
    index[members] = np.resize(random.permutation(ours), len(members))
    index[held_out] = np.resize(random.permutation(kept if len(kept) else ours), len(held_out))
    return index


def open_source(recipe: TranslationRecipe) -> Worlds:
    """The two worlds that the recipe names. Raises :class:`UserError` when one of them cannot be had."""
    if recipe.data in SETS:
        if recipe.data_b:
            raise UserError(f"data_b: {recipe.data} holds both worlds already; leave data_b out")
        a, b = draw(recipe)
        return Worlds(recipe.data, a, b, recipe)
    places = find_worlds(recipe.data, recipe.data_b)
    if os.path.samefile(*map(os.path.expanduser, places)) and is_first():
        print(f"sparring: warning: both worlds are {places[0]}; nothing will be learned", file=sys.stderr, flush=True)
    if recipe.recycle:
        return Worlds(
            recipe.data, Clips(replace(recipe, data=places[0])), Clips(replace(recipe, data=places[1])), recipe
        )
    a, b = in_one_shape(*(replace(recipe, data=place, labelled="no") for place in places))
    return Worlds(recipe.data, a, b, recipe)


@dataclass(frozen=True)
class Tests:
    """Two worlds to evaluate on, of one shape; ``pairs`` ``(n, 2)`` are indices of pictures that belong together."""

    worlds: Mapping[str, ImageSource]
    pairs: np.ndarray | None


def open_tests(recipe: TranslationRecipe, form: Mapping[str, Any]) -> Tests:
    """The worlds that ``recipe`` names, in the shape that a model knows; labelled where they are.

    Inside one folder, ``testA`` and ``testB`` go before what it was trained on. Pictures whose files have one name are
    a pair. Raises :class:`UserError` as :func:`open_source` does.
    """
    shape = replace(recipe, size=f"{form['height']}x{form['width']}", channels=str(form["channels"]))
    if recipe.data in SETS:
        ink, neon, labels = truth()
        worlds = {"a": ImageArrays((ink, labels), shape), "b": ImageArrays((neon, labels), shape)}
        return Tests(worlds, np.arange(len(ink))[:, None].repeat(2, 1))
    places = find_worlds(recipe.data, recipe.data_b, TESTS)
    a, b = (open_pictures(replace(shape, data=place)) for place in places)
    return Tests({"a": a, "b": b}, pairs_of(a, b))


def pairs_of(a: ImageSource, b: ImageSource) -> np.ndarray | None:
    """By the names of their files; None where fewer than nine in ten of the smaller world's have a partner."""
    if not isinstance(a, ImageFiles) or not isinstance(b, ImageFiles):
        return None
    ours, theirs = ([str(Path(name).with_suffix("")) for name in source.files] for source in (a, b))
    index = {name: number for number, name in enumerate(theirs)}
    found = [(number, index[name]) for number, name in enumerate(ours) if name in index]
    return np.array(found) if len(found) >= 0.9 * min(len(a), len(b)) else None


def find_worlds(data: str, data_b: str, pairs: Sequence[tuple[str, str]] = PAIRS) -> tuple[str, str]:
    """Where the two worlds are; inside one folder, by one of these pairs of names, the first found.

    Raises :class:`UserError` when there are not two.
    """
    if data_b:
        for place in (data, data_b):
            if not os.path.exists(os.path.expanduser(place)):
                raise UserError(f"data: no file or folder called '{place}'; give two worlds: --data A_FOLDER B_FOLDER")
        return data, data_b
    root = Path(os.path.expanduser(data))
    if not data or not root.exists():
        raise UserError(f"data: no file or folder called '{data}'; give two worlds: --data A_FOLDER B_FOLDER")
    if not root.is_dir():
        raise UserError(f"{data}: is one world, and two are needed; give them both: --data A_FOLDER B_FOLDER")
    for pair in pairs:
        if all((root / name).is_dir() for name in pair):
            return str(root / pair[0]), str(root / pair[1])
    inside = sorted(place for place in root.iterdir() if place.is_dir() and not place.name.startswith("."))
    if len(inside) == 2:
        return str(inside[0]), str(inside[1])
    raise UserError(
        f"{data}: holds no pair of folders ({' or '.join('/'.join(pair) for pair in PAIRS)}); "
        "give two: --data A_FOLDER B_FOLDER"
    )


def in_one_shape(*recipes: TranslationRecipe) -> Sequence[ImageSource]:
    """Both worlds, opened in one shape: the larger where they differ. Raises :class:`UserError`."""
    opened: list[ImageSource] = [open_pictures(recipe) for recipe in recipes]
    largest = {name: max(source.form[name] for source in opened) for name in ("height", "width", "channels")}
    fitted = {name: -(-largest[name] // 4) * 4 for name in ("height", "width")}
    own = recipes[0].size == "auto"
    wanted = {**largest, **(fitted if own else {})}
    size = f"{fitted['height']}x{fitted['width']}" if own else recipes[0].size
    return [
        source
        if all(source.form[name] == wanted[name] for name in wanted)
        else open_pictures(replace(recipe, size=size, channels=str(largest["channels"])))
        for source, recipe in zip(opened, recipes, strict=True)
    ]
