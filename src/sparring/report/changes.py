"""The settings of a run, those first that are not its recipe's, and the command that trains it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.reading import WORDS, read_text
from sparring.core.recipe import Recipe, flat_mapping
from sparring.core.settings import as_typed, fields
from sparring.modalities import ENTRIES, RECIPES, from_dict

HEAD = ("sparring", "kind", "name", "about")  # of a recipe's file: no settings that anybody types


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe's fields, data by name and not by their place on this machine; empty if unreadable."""
    try:
        recipe = flat_mapping(read_text(path, WORDS))
    except (OSError, ValueError):
        return {}
    entry = ENTRIES.get(str(recipe.get("kind")))
    for name in entry.recipe.data_settings if entry else ("data",):
        if recipe.get(name):
            recipe[name] = Path(str(recipe[name])).name
    return recipe


def typed(content: Mapping[str, Any]) -> Recipe | None:
    """The recipe in a file's fields; None for one that is of an unknown kind or damaged. Samples name their recipe
    without its kind."""
    preset = RECIPES.get(str(content.get("name")))
    kind = content.get("kind", preset.kind if preset else None)
    if not isinstance(kind, str) or kind not in ENTRIES:
        return None
    try:
        return from_dict({**content, "kind": kind}, "recipe.yaml")
    except UserError:
        return None


def origin(recipe: Recipe) -> Recipe:
    """The recipe of Sparring's that this one started from; where it is none of these, one as it is without settings."""
    preset = RECIPES.get(recipe.name)
    return preset if preset is not None and type(preset) is type(recipe) else type(recipe)()


def changes(recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    """The settings that differ from those of :func:`origin`, each with its value there."""
    began, now = origin(recipe).to_dict(), recipe.to_dict()
    return {name: (value, began[name]) for name, value in now.items() if name not in HEAD and value != began[name]}


def command(recipe: Recipe) -> str:
    """The command that trains a run of this recipe from the beginning; data stand in it as the recipe names them."""
    known, words = fields(type(recipe)), ["sparring", "train", origin(recipe).name or recipe.kind]
    for name in changes(recipe):
        value = as_typed(getattr(recipe, name), known[name].metadata["unit"])
        words += [f"--{name.replace('_', '-')}", value]
    return shlex.join(words)


def as_text(value: Any) -> str:
    """A setting's value as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
