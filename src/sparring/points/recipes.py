"""Recipes for points in the plane: the field's smallest test of whether every mode is found. No torch in here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.recipe import setting

SETS = ("gaussians-25", "gaussians-8")  # that data can name


@dataclass(frozen=True, kw_only=True)
class PointRecipe(AdversarialRecipe):
    """A game on points in the plane."""

    kind: ClassVar[str] = "points"

    width: int = setting(256, "of both players' hidden layers", low=1, high=8192)
    depth: int = setting(3, "hidden layers of both players", low=1, high=32)


grid = PointRecipe(
    name="gaussians",
    about="25 Gaussians in a grid (-4..4, step 2, sigma 0.05): does every mode get found?",
    data="gaussians-25",
    batch=256,
    time=120.0,
)

ring = dataclasses.replace(
    grid, name="gaussians-ring", about="8 Gaussians in a ring (radius 2, sigma 0.05)", data="gaussians-8"
)

RECIPES = {recipe.name: recipe for recipe in (grid, ring)}
