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
    from sparring.core.callbacks import Callbacks as Callbacks
    from sparring.core.errors import UserError as UserError
    from sparring.core.game import Event as Event
    from sparring.core.game import Game as Game
    from sparring.core.game import Output as Output
    from sparring.core.game import Player as Player
    from sparring.core.game import Step as Step
    from sparring.core.game import Turn as Turn
    from sparring.core.objectives import Objective as Objective
    from sparring.core.own import allow as allow
    from sparring.core.recipe import Recipe as Recipe
    from sparring.core.signals import Stop as Stop
    from sparring.keywords import TrainSettings as TrainSettings
    from sparring.modalities import load as load
    from sparring.modalities import recipes as recipes
    from sparring.model import Model as Model
    from sparring.verbs.calibrate import calibrate as calibrate
    from sparring.verbs.check import check as check
    from sparring.verbs.evaluate import evaluate as evaluate
    from sparring.verbs.info import info as info
    from sparring.verbs.sample import sample as sample
    from sparring.verbs.score import score as score
    from sparring.verbs.session import Outcome as Outcome
    from sparring.verbs.train import resume as resume
    from sparring.verbs.train import train as train
    from sparring.verbs.translate import translate as translate

from sparring.version import __version__ as __version__

PUBLIC = {
    "train": "sparring.verbs.train",
    "resume": "sparring.verbs.train",
    "evaluate": "sparring.verbs.evaluate",
    "translate": "sparring.verbs.translate",
    "score": "sparring.verbs.score",
    "calibrate": "sparring.verbs.calibrate",
    "load": "sparring.modalities",
    "recipes": "sparring.modalities",
    "allow": "sparring.core.own",
    "check": "sparring.verbs.check",
    "info": "sparring.verbs.info",
    "sample": "sparring.verbs.sample",
    "Event": "sparring.core.game",
    "Game": "sparring.core.game",
    "Output": "sparring.core.game",
    "Player": "sparring.core.game",
    "Turn": "sparring.core.game",
    "Step": "sparring.core.game",
    "Recipe": "sparring.core.recipe",
    "UserError": "sparring.core.errors",
    "Callbacks": "sparring.core.callbacks",
    "Model": "sparring.model",
    "Objective": "sparring.core.objectives",
    "Outcome": "sparring.verbs.session",
    "Stop": "sparring.core.signals",
    "TrainSettings": "sparring.keywords",
}
"""Where each public name lives: imported when first used, so that ``import sparring`` costs nothing."""

__all__ = [
    "Callbacks",
    "Event",
    "Game",
    "Model",
    "Objective",
    "Outcome",
    "Output",
    "Player",
    "Recipe",
    "Step",
    "Stop",
    "TrainSettings",
    "Turn",
    "UserError",
    "allow",
    "calibrate",
    "check",
    "evaluate",
    "info",
    "load",
    "recipes",
    "resume",
    "sample",
    "score",
    "train",
    "translate",
]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    """What ``dir(sparring)``, help and notebooks list: the public names, whether they were used already or not."""
    return sorted([*__all__, "__version__"])
