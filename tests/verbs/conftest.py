"""What tests of verbs share: a tiny run of each kind; made videos and known translators from the tests of those."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calibrated_runs import calibrated
from table import smallest

for name in ("films", "translation"):
    sys.path.append(str(Path(__file__).parents[1] / name))

SMALL = {
    "images": ("images", {"objective": "non-saturating", "r2": "0"}),
    "translation": ("cyclegan", {"frame": False, "batch": 2}),
    "text": ("topics", {"steps": 4, "held_out": 20}),  # of which the discriminator learns in two
    "audio": ("tones", {}),
    "video": ("video", {}),
    "points": ("gaussians-ring", {}),
}
"""The recipe that stands for each kind, and what is changed of its smallest settings."""


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of a few steps by kind. Read them, do not write in them but where verbs do."""
    from sparring.verbs.train import train

    made = {}
    for kind, (recipe, settings) in SMALL.items():
        place = tmp_path_factory.mktemp(kind)
        made[kind] = train(smallest(recipe, place, **{"steps": 2, **settings}), out=place / "run").run
    return made


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The calibrated run of a recipe. Read it, do not write in it."""
    made: dict[str, Path] = {}

    def of(recipe: str) -> Path:
        if recipe not in made:
            made[recipe] = calibrated(recipe, tmp_path_factory.mktemp(recipe))
        return made[recipe]

    return of


@pytest.fixture
def pictures(run_of: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the calibrated run of pictures, with a copy of its data."""
    run = run_of("digits")
    copy, data = shutil.copytree(run, tmp_path / "run"), tmp_path / "pictures.npz"
    shutil.copy(run.parent / "pictures.npz", data)
    settings = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(settings.replace(str(run.parent / "pictures.npz"), str(data)))
    return copy
