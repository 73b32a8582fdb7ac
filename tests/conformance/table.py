"""Every shipped recipe at its smallest: what the conformance tests play, in one process or in two.

Each modality says in a ``smallest.py`` beside its tests how its recipes are made small, on which data, and which of
them learn something else in two processes than in one.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from sparring.core.recipe import Recipe
from sparring.modalities import RECIPES

QUICK = {"batch": 8, "steps": 4, "time": 0, "held_out": 0, "precision": "float32", "device": "cpu"}


def loaded(path: Path) -> ModuleType:
    """A ``smallest.py`` as a module named after its folder."""
    spec = spec_from_file_location(f"smallest_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = [loaded(path) for path in sorted(Path(__file__).parents[1].glob("*/smallest.py"))]
HOME = {name: module for module in MODULES for name in module.SMALLEST}

# How each recipe is made small. A recipe that is not listed fails the tests: list it beside its modality's tests.
SMALLEST: dict[str, dict[str, Any]] = {name: HOME[name].SMALLEST[name] for name in RECIPES if name in HOME}
PER_PROCESS: set[str] = {name for module in MODULES for name in module.PER_PROCESS}


def smallest(name: str, folder: Path, **settings: Any) -> Recipe:
    """The recipe ``name`` at its smallest, on a few examples drawn in ``folder`` where it needs data."""
    recipe = RECIPES[name].changed({**QUICK, **SMALLEST[name], **settings})
    chosen: Recipe = HOME[name].with_data(name, recipe, folder)
    return chosen
