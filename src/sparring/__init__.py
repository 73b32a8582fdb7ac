"""Sparring: train a generative adversarial network on your own data.

>>> import sparring
>>> outcome = sparring.train("digits", out="runs/digits", time="5m")
>>> model = sparring.load("runs/digits")
>>> images = model.sample(64, seed=0)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparring.core.errors import UserError as UserError
    from sparring.core.game import Game as Game
    from sparring.core.game import Player as Player
    from sparring.core.game import Step as Step
    from sparring.core.game import Turn as Turn
    from sparring.core.recipe import Recipe as Recipe
    from sparring.verbs.evaluate import evaluate as evaluate
    from sparring.verbs.model import load as load
    from sparring.verbs.score import score as score
    from sparring.verbs.train import resume as resume
    from sparring.verbs.train import train as train
    from sparring.verbs.translate import translate as translate

__version__ = "0.1.0"

PUBLIC = {
    "train": "sparring.verbs.train",
    "resume": "sparring.verbs.train",
    "evaluate": "sparring.verbs.evaluate",
    "translate": "sparring.verbs.translate",
    "score": "sparring.verbs.score",
    "load": "sparring.verbs.model",
    "Game": "sparring.core.game",
    "Player": "sparring.core.game",
    "Turn": "sparring.core.game",
    "Step": "sparring.core.game",
    "Recipe": "sparring.core.recipe",
    "UserError": "sparring.core.errors",
}
"""Where each public name lives: imported when first used, so that ``import sparring`` costs nothing."""

__all__ = [
    "Game",
    "Player",
    "Recipe",
    "Step",
    "Turn",
    "UserError",
    "evaluate",
    "load",
    "resume",
    "score",
    "train",
    "translate",
]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    return getattr(import_module(PUBLIC[name]), name)
