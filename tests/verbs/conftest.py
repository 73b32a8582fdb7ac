"""What tests of verbs share: a tiny run of each kind; made videos and known translators from the tests of those."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
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
