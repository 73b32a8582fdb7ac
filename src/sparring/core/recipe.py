"""Recipes: the settings of a game and of its training, written and read as YAML. No torch in here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from sparring.core.errors import UserError
from sparring.core.install import NEWER
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import Settings, setting, settings
from sparring.core.terminal import one_line, quoted, shortened

FORMAT = 2  # of recipe.yaml, of the run folder around it and of models; raised when an older Sparring could not read it
READABLE = (1, 2)
LONG_NUMBER = re.compile(r"[-+.]?[0-9][-+.:_0-9a-fx]{300,}", re.IGNORECASE)
CHANGEABLE = (
    "steps", "time", "learning_rate", "device", "workers", "checkpoint_every", "sample_every", "keep_checkpoints",
    "rollbacks", "patience",
)  # fmt: skip
"""What a resumed run may be told anew; everything else was decided when it began."""

MOST = 10**12  # steps, examples: more than anybody will see
LONGEST = 3e8  # seconds of any time, ten years
HEAVIEST = 1e9  # weight of a loss or a penalty

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
    before: ClassVar[Mapping[str, Any]] = {}
    """What was done before settings were there, by their names, where that is not their default."""

    name: str = setting("", "the recipe this one started from")
    about: str = setting("", "one line on what it is for")

    data: str = setting("", "a folder, a file, or the name of a set", "data", unit="path", common=True)
    held_out: int = setting(
        256,
        "real examples never trained on, to notice overfitting (at most a tenth)",
        "measuring",
        low=0,
        high=1_000_000,
    )
    time: float = setting(
        0.0, "train this long in total, over all sessions (0: no such limit)", "budget", low=0, high=LONGEST,
        unit="time", common=True,
    )  # fmt: skip
    steps: int = setting(
        0, "train this many steps in total, over all sessions (0: no such limit)", "budget", low=0, high=MOST,
        common=True,
    )  # fmt: skip
    patience: int = setting(
        0, "stop after this many measurements without a better one (0: never)", "budget", low=0, high=1_000_000
    )
    batch: int = setting(64, "examples per step, over all processes", "optimiser", low=2, high=65536, common=True)
    learning_rate: Schedule = setting(schedule(2e-4), "of Adam", "optimiser", above=0, high=1, common=True)
    beta1: float = setting(0.0, "Adam's first momentum", "optimiser", low=0, high=0.999)
    beta2: Schedule = setting(schedule(0.99), "Adam's second momentum", "optimiser", low=0, high=0.9999)
    clip_gradients: float = setting(
        0.0, "shorten gradients to this norm before each step (0: off)", "optimiser", low=0, high=HEAVIEST
    )
    average_half_life: Schedule = setting(
        schedule(10_000),
        "examples after which weights count half in the average that is sampled",
        "optimiser",
        low=0,
        high=MOST,
    )
    rollbacks: int = setting(
        3, "times to go back to a checkpoint, with half the learning rate, after a NaN", "optimiser", low=0, high=1000
    )
    metric: str = setting("frechet", "distance by which the best weights are kept", "measuring", choices=METRICS)
    measure_every: int = setting(50_000, MEASURE_EVERY, "measuring", low=0, high=MOST)
    checkpoint_every: float = setting(
        60.0, "time between checkpoints, at least", "logging", above=0, high=LONGEST, unit="time"
    )
    keep_checkpoints: int = setting(3, "checkpoints to keep", "logging", low=1, high=10_000)
    sample_every: float = setting(
        15.0, "time between previews of samples, at least", "logging", above=0, high=LONGEST, unit="time"
    )
    tensorboard: bool = setting(False, "write every number for TensorBoard too (pip install tensorboard)", "logging")
    seed: int = setting(0, "decides weights, data order and latents", "machine", low=0, high=2**31 - 1, common=True)
    device: str = setting("auto", "where to train", "machine", choices=("auto", "cpu", "cuda", "mps"), common=True)
    precision: str = setting("auto", "of the networks' passes", "machine", choices=("auto", "float32", "bfloat16"))
    workers: int = setting(
        2, "processes that decode examples when they do not fit in memory", "machine", low=0, high=256
    )

    def title(self) -> str:
        """What these settings belong to, for messages."""
        return f"recipe {quoted(self.name or self.kind)}"

    def as_stored(self, stored: Mapping[str, Any]) -> Self:
        """This recipe of a run or a model, as read from all its ``stored`` settings: an older version did what it did
        where these lack one that came later."""
        came_later = {name: value for name, value in self.before.items() if name not in stored}
        without_effect = {
            name for name, (other, values) in self.only_with.items() if getattr(self, other) not in values
        }
        return self.changed({name: value for name, value in came_later.items() if name not in without_effect})

    def to_yaml(self) -> str:
        """The text of a ``recipe.yaml``."""
        import yaml  # here, so that the command line's help does not wait for it

        head = {"sparring": FORMAT, "kind": self.kind}
        return yaml.safe_dump({**head, **self.to_dict()}, sort_keys=False, allow_unicode=True)


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """The mapping in a recipe file, its format checked. Raises :class:`UserError` naming the file."""
    try:
        content = flat_mapping(text)
    except ValueError as problem:
        raise UserError(f"{where}: not a readable recipe ({one_line(problem)}); restore it or train anew") from None
    if "sparring" not in content or "kind" not in content:
        raise UserError(f"{where}: not a recipe of Sparring's (it must name 'sparring' and 'kind')")
    if type(content["sparring"]) is not int or content["sparring"] not in READABLE:
        raise UserError(
            f"{where}: written in format {shortened(content['sparring'])}, this Sparring reads {READABLE[-1]} and "
            f"older; {NEWER}"
        )
    return content


def flat_mapping(text: str) -> dict[str, Any]:
    """The values in a YAML text by name, each a scalar or a list of scalars; empty where the text is something else.

    Raises ValueError for what is no YAML, and, before anything of it is built, for all that could grow beyond its text:
    anchors, tags, nesting, numbers of hundreds of digits. A name that is there twice is a mistake too.
    """
    import yaml  # here, so that the command line's help does not wait for it

    try:
        parts = count_parts(yaml.parse(text, Loader=yaml.SafeLoader))
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as problem:
        raise ValueError(problem) from None
    if not isinstance(content, dict):
        return {}
    if parts != 2 * len(content):
        raise ValueError("a name is there twice")
    return {name if isinstance(name, str) else shortened(name): value for name, value in content.items()}


def count_parts(events: Iterable[Any]) -> int:
    """How many names and values a flat YAML mapping has. Raises ValueError for one that is not flat, at its first event
    that shows it."""
    depth = parts = 0
    for event in events:
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise ValueError(f"line {line}: anchors and aliases have no place in a recipe")
        if getattr(event, "tag", None):
            raise ValueError(f"line {line}: tags have no place in a recipe")
        if kind == "ScalarEvent" and LONG_NUMBER.fullmatch(event.value):
            raise ValueError(f"line {line}: a number of {len(event.value):,} digits")
        parts += depth == 1 and kind in ("ScalarEvent", "SequenceStartEvent")
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            depth += 1
            if depth > 1 + (kind == "SequenceStartEvent"):
                raise ValueError(f"line {line}: nested; a recipe holds values and flat lists")
        depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
    return parts
