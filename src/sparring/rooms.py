"""The rooms, one a kind of thing to make. Names and recipes are known at once, the rest is imported when used."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sparring.images.recipes as images
import sparring.points.recipes as points
import sparring.text.recipes as text
import sparring.translation.recipes as translation
from sparring.core.errors import UserError
from sparring.core.recipe import Recipe, nearest, read_yaml

if TYPE_CHECKING:
    from torch import Tensor

    from sparring.core.game import Game
    from sparring.data.source import Source


@dataclass(frozen=True)
class Room:
    """What every room offers to the verbs. Adding a room is adding a line to ``ROOMS``."""

    recipe: type[Recipe]
    recipes: Mapping[str, Recipe]
    sets: tuple[str, ...]
    verb: str = "sample"
    """What a trained model is for."""
    asks: tuple[str, ...] = ()
    """In what further ways its models can be asked for samples."""
    words: bool = False
    """Whether its samples are lines of text."""
    sheet: str = ".png"
    """The kind of file that shows samples along the way."""

    def part(self, name: str) -> Any:
        """One of the room's modules."""
        return import_module(f"sparring.{self.recipe.kind}.{name}")

    def names_data(self, name: str) -> bool:
        """Whether ``name`` is the name of a set that the room knows, rather than a path."""
        return name in self.sets

    def open_source(self, recipe: Recipe) -> Source:
        """The examples that the recipe names."""
        source: Source = self.part("data").open_source(recipe)
        return source

    def build(self, recipe: Recipe, form: Mapping[str, Any]) -> Game:
        """The game that the recipe describes, on examples of this form."""
        game: Game = self.part("game").build(recipe, form)
        return game

    def given(self, samples: Tensor) -> Any:
        """Samples as a person wants them in Python: tensors, but lines of text as strings."""
        return self.part("samples").as_texts(samples) if self.words else samples

    def write_samples(
        self,
        samples: Tensor,
        labels: Sequence[str] | None,
        out: Path,
        note: Mapping[str, Any],
        overwrite: bool = False,
    ) -> list[Path]:
        """Write samples as files; ``out``'s ending decides which kind."""
        written: list[Path] = self.part("samples").write_samples(samples, labels, out, note, overwrite=overwrite)
        return written


ROOMS = {room.recipe.kind: room for room in (
    Room(images.ImageRecipe, images.RECIPES, images.SETS),
    Room(translation.TranslationRecipe, translation.RECIPES, translation.SETS, verb="translate"),
    Room(text.TextRecipe, text.RECIPES, text.SETS, asks=("temperature", "top_p", "prompt"), words=True, sheet=".svg"),
    Room(points.PointRecipe, points.RECIPES, points.SETS),
)}  # fmt: skip

RECIPES = {name: recipe for room in ROOMS.values() for name, recipe in room.recipes.items()}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name, or for a path to data the ``images`` recipe on it, for lines of text ``text``. Raises
    :class:`UserError`."""
    if name in RECIPES:
        return RECIPES[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and os.path.isfile(path):
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise UserError(f"{name}: cannot be read ({problem})") from None
        return from_dict(read_yaml(content, name), name)
    if os.path.exists(path):  # where Path.exists would raise: a name too long, a folder closed to us
        return RECIPES["text" if is_text(name) else "images"].changed({"data": name})
    raise UserError(f"no recipe and no data called '{name}'{nearest(name, RECIPES)}; 'sparring recipes' lists them")


def is_text(data: str) -> bool:
    """Whether the name of data tells that they are lines of text."""
    return data in text.SETS or Path(data).suffix.lower() in text.ENDINGS


def from_dict(content: Mapping[str, Any], where: str) -> Recipe:
    """A recipe from its file's mapping. Raises :class:`UserError` naming the file."""
    kind = str(content["kind"])
    if kind not in ROOMS:
        raise UserError(f"{where}: a recipe of kind '{kind}', which this Sparring does not know")
    settings = {str(name): value for name, value in content.items() if name not in ("sparring", "kind")}
    try:
        return ROOMS[kind].recipe().changed(settings)
    except UserError as problem:
        raise UserError(f"{where}: {problem}") from None


def room_of(recipe: Recipe) -> Room:
    """Where a recipe is played."""
    return ROOMS[recipe.kind]
