"""Recipes for points in the plane: the field's smallest test of whether every mode is found. No torch in here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.recipe import METRICS, setting
from sparring.core.schedules import schedule

SETS = ("gaussians-25", "gaussians-8")  # that data can name


@dataclass(frozen=True, kw_only=True)
class PointRecipe(AdversarialRecipe):
    """A game on points in the plane."""

    kind: ClassVar[str] = "points"

    metric: str = setting("sliced", "distance by which the best weights are kept", choices=METRICS)
    measure_every: int = setting(250_000, "examples between two measurements of that distance (0: never)", low=0)
    width: int = setting(128, "of both players' hidden layers", low=1, high=8192)
    depth: int = setting(4, "hidden layers of the discriminator", low=1, high=32)
    generator_depth: int = setting(
        8, "hidden layers of the generator: depth makes the borders between modes sharp", low=1, high=32
    )


grid = PointRecipe(
    name="gaussians",
    about="25 Gaussians in a grid (-4..4, step 2, sigma 0.05): does every mode get found?",
    data="gaussians-25",
    batch=128,
    latent=2,
    learning_rate=schedule("1e-3:3e-5@2M"),
    r1=schedule("0.5:0.0003@800k"),
    r2=schedule("0.5:0.0003@800k"),
    average_half_life=schedule("0:100k@500k"),
    steps=22_000,
    time=170.0,
)

ring = dataclasses.replace(
    grid,
    name="gaussians-ring",
    about="8 Gaussians in a ring (radius 2, sigma 0.05)",
    data="gaussians-8",
    learning_rate=schedule("1e-3:3e-5@1M"),
    r1=schedule("0.5:0.0003@400k"),
    r2=schedule("0.5:0.0003@400k"),
    steps=11_000,
    time=85.0,
)

RECIPES = {recipe.name: recipe for recipe in (grid, ring)}
