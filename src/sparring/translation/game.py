"""The game between two worlds of pictures: what ties a translation to its original."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparring.translation.contrast import ContrastGame
from sparring.translation.cycle import CycleGame
from sparring.translation.directions import Translation
from sparring.translation.recipes import TranslationRecipe
from sparring.translation.recycle import RecycleGame

GAMES: dict[str, type[CycleGame] | type[ContrastGame]] = {"cycle": CycleGame, "contrast": ContrastGame}


def build(recipe: TranslationRecipe, form: Mapping[str, Any]) -> Translation:
    """The game that ``recipe`` describes, on pictures of this form."""
    if recipe.recycle:
        return RecycleGame(recipe, form)
    return GAMES[recipe.method](recipe, form)
