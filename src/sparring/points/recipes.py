"""Recipes for points in the plane: the field's smallest test of whether every mode is found. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.recipe import MEASURE_EVERY, METRICS, MOST
from sparring.core.schedules import schedule
from sparring.core.settings import setting, settings
from sparring.modality import Entry
from sparring.options import LikelihoodOptions

SETS = ("gaussians-25", "gaussians-8")  # that data can name


@settings
class PointRecipe(AdversarialRecipe):
    """A game on points in the plane."""

    kind: ClassVar[str] = "points"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        **AdversarialRecipe.only_with, "couplings": ("network", ("flow",)), "latent": ("network", ("perceptron",)),
        "depth": ("network", ("perceptron",)),
    }  # fmt: skip

    network: str = setting(
        "perceptron", "what makes points: a perceptron that plays against another, or a normalising flow, by likelihood"
        " alone, without a discriminator", "network", choices=("perceptron", "flow"),
    )  # fmt: skip
    couplings: int = setting(8, "couplings of a flow", "network", low=1, high=256)
    metric: str = setting("sliced", "distance by which the best weights are kept", "measuring", choices=METRICS)
    measure_every: int = setting(250_000, MEASURE_EVERY, "measuring", low=0, high=MOST)
    width: int = setting(128, "units of both players' hidden layers", "network", low=1, high=8192, common=True)
    depth: int = setting(4, "hidden layers of the discriminator", "network", low=1, high=32)
    generator_depth: int = setting(
        8, "hidden layers of the generator, or of each of a flow's couplings: depth makes the borders between modes "
        "sharp", "network", low=1, high=32,
    )  # fmt: skip


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

flow = PointRecipe(
    name="gaussians-flow",
    about="the same grid by a normalising flow: the exact likelihood of every point, learned by likelihood alone",
    data="gaussians-25",
    network="flow",
    batch=256,
    width=64,
    generator_depth=2,
    learning_rate=schedule("2e-3:1e-4@1M"),
    beta1=0.9,
    average_half_life=schedule("0:20k@200k"),
    steps=5_000,
    time=120.0,
)

RECIPES = {recipe.name: recipe for recipe in (grid, ring, flow)}


def is_array_of_points(path: str) -> bool:
    """Whether a file is one array of two dimensions: points by coordinates."""
    from pathlib import Path

    from sparring.data.arrays import npy_shape  # here, for recipes must be quick to import

    try:
        return len(npy_shape(Path(path))) == 2
    except Exception:  # a broken file may trip NumPy up in any way at all
        return False


ENTRY = Entry(
    PointRecipe,
    RECIPES,
    SETS,
    (".npy",),
    "sparring.points.modality:Points",
    {"evaluate": LikelihoodOptions},
    claims=is_array_of_points,
)
