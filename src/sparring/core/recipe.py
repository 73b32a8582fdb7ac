"""Recipes: the settings of a game and of its training, written and read as YAML. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sparring.core.errors import UserError
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import Settings, setting, settings

FORMAT = 2  # of recipe.yaml, of the run folder around it and of models; raised when an older Sparring could not read it
READABLE = (1, 2)
CHANGEABLE = (
    "steps", "time", "learning_rate", "device", "workers", "checkpoint_every", "sample_every", "keep_checkpoints",
    "rollbacks", "patience",
)  # fmt: skip
"""What a resumed run may be told anew; everything else was decided when it began."""

METRICS = ("frechet", "kernel", "sliced")
MEASURE_EVERY = "examples between two measurements of that distance (0: never)"


@settings
class Recipe(Settings):
    """What every game needs to be trained. Modalities add their own fields."""

    kind: ClassVar[str] = ""
    """The modality's name."""
    data_settings: ClassVar[tuple[str, ...]] = ("data",)
    """The settings that name data."""
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_checkpoints"}

    name: str = setting("", "the recipe this one started from")
    about: str = setting("", "one line on what it is for")

    data: str = setting("", "a folder, a file, or the name of a set", "data", unit="path", common=True)
    held_out: int = setting(
        256, "real examples never trained on, to notice overfitting (at most a tenth)", "measuring", low=0
    )
    time: float = setting(
        0.0, "train this long in total, over all sessions (0: no such limit)", "budget", low=0, unit="time", common=True
    )
    steps: int = setting(
        0, "train this many steps in total, over all sessions (0: no such limit)", "budget", low=0, common=True
    )
    patience: int = setting(0, "stop after this many measurements without a better one (0: never)", "budget", low=0)
    batch: int = setting(64, "examples per step, over all processes", "optimiser", low=2, high=65536, common=True)
    learning_rate: Schedule = setting(schedule(2e-4), "of Adam", "optimiser", above=0, high=1, common=True)
    beta1: float = setting(0.0, "Adam's first momentum", "optimiser", low=0, high=0.999)
    beta2: Schedule = setting(schedule(0.99), "Adam's second momentum", "optimiser", low=0, high=0.9999)
    clip_gradients: float = setting(0.0, "shorten gradients to this norm before each step (0: off)", "optimiser", low=0)
    average_half_life: Schedule = setting(
        schedule(10_000), "examples after which weights count half in the average that is sampled", "optimiser", low=0
    )
    rollbacks: int = setting(
        3, "times to go back to a checkpoint, with half the learning rate, after a NaN", "optimiser", low=0
    )
    metric: str = setting("frechet", "distance by which the best weights are kept", "measuring", choices=METRICS)
    measure_every: int = setting(50_000, MEASURE_EVERY, "measuring", low=0)
    checkpoint_every: float = setting(60.0, "time between checkpoints", "logging", above=0, unit="time")
    keep_checkpoints: int = setting(3, "checkpoints to keep", "logging", low=1)
    sample_every: float = setting(15.0, "time between previews of samples", "logging", above=0, unit="time")
    tensorboard: bool = setting(False, "write every number for TensorBoard too (needs the 'log' extra)", "logging")
    seed: int = setting(0, "decides weights, data order and latents", "machine", low=0, high=2**31 - 1, common=True)
    device: str = setting("auto", "where to train", "machine", choices=("auto", "cpu", "cuda", "mps"), common=True)
    precision: str = setting("auto", "of the networks' passes", "machine", choices=("auto", "float32", "bfloat16"))
    workers: int = setting(
        2, "processes that decode examples when they do not fit in memory", "machine", low=0, high=256
    )

    def title(self) -> str:
        """What these settings belong to, for messages."""
        return f"recipe '{self.name or self.kind}'"

    def to_yaml(self) -> str:
        """The text of a ``recipe.yaml``."""
        import yaml  # here, so that the command line's help does not wait for it

        head = {"sparring": FORMAT, "kind": self.kind}
        return yaml.safe_dump({**head, **self.to_dict()}, sort_keys=False, allow_unicode=True)


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """The mapping in a recipe file, its format checked. Raises :class:`UserError` naming the file."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:  # a date that is none, brackets without end
        line = str(problem).replace("\n", " ")
        raise UserError(f"{where}: not a readable recipe ({line}); restore it or train anew") from None
    if not isinstance(content, dict) or "sparring" not in content or "kind" not in content:
        raise UserError(f"{where}: not a recipe of Sparring's (it must name 'sparring' and 'kind')")
    if content["sparring"] not in READABLE or isinstance(content["sparring"], bool):
        raise UserError(
            f"{where}: written in format {content['sparring']}, this Sparring reads {READABLE[-1]} and older; "
            "upgrade with: pip install --upgrade sparring"
        )
    return content
