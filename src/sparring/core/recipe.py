"""Recipes: everything that decides a run, typed, validated, written and read as YAML. No torch in here.

A recipe is a frozen dataclass. Every field is declared once, by :func:`setting`, with its help and its range;
the command line, the YAML reader, the documentation and a web form all read that one declaration.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_type_hints

import yaml

from sparring.core.errors import UserError
from sparring.core.schedules import Schedule, exact, number, schedule

FORMAT = 1  # of recipe.yaml and of the run folder around it; raised when an older Sparring could not read it
CHANGEABLE = (
    "steps", "time", "learning_rate", "device", "workers", "checkpoint_every", "sample_every", "keep_checkpoints", "rollbacks",
    "patience",
)  # fmt: skip
"""What a resumed run may be told anew; everything else was decided when it began."""

METRICS = ("frechet", "kernel", "sliced")
DURATIONS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: Iterable[str] | None = None,
    unit: str = "",
) -> Any:
    """A recipe's field: its default, its help, and what it may be (bounds include themselves, ``above`` does not)."""
    limits = {"low": low, "high": high, "above": above, "choices": tuple(choices or ()), "unit": unit}
    return dataclasses.field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every game needs to be trained. Rooms add their own fields."""

    kind: ClassVar[str] = ""
    data_settings: ClassVar[tuple[str, ...]] = ("data",)
    """The settings that name data."""
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {}
    """Settings that have an effect only where another has one of these values."""

    name: str = setting("", "the recipe this one started from")
    about: str = setting("", "one line on what it is for")
    data: str = setting("", "a folder, a file, or the name of a set")
    seed: int = setting(0, "decides weights, data order and latents", low=0, high=2**31 - 1)
    batch: int = setting(64, "examples per step, over all processes", low=2, high=65536)
    steps: int = setting(0, "stop after this many steps (0: no such limit)", low=0)
    time: float = setting(0.0, "stop after this much training: 90s, 10m, 2h (0: no such limit)", low=0, unit="time")
    learning_rate: Schedule = setting(schedule(2e-4), "of Adam", above=0, high=1)
    beta1: float = setting(0.0, "Adam's first momentum", low=0, high=0.999)
    beta2: Schedule = setting(schedule(0.99), "Adam's second momentum", low=0, high=0.9999)
    clip_gradients: float = setting(0.0, "shorten gradients to this norm before each step (0: off)", low=0)
    average_half_life: Schedule = setting(
        schedule(10_000), "examples after which weights count half in the average that is sampled", low=0
    )
    held_out: int = setting(256, "real examples never trained on, to notice overfitting (at most a tenth)", low=0)
    precision: str = setting("auto", "of the networks' passes", choices=("auto", "float32", "bfloat16"))
    device: str = setting("auto", "where to train", choices=("auto", "cpu", "cuda", "mps"))
    workers: int = setting(2, "processes that decode examples when they do not fit in memory", low=0, high=256)
    checkpoint_every: float = setting(60.0, "time between checkpoints", above=0, unit="time")
    sample_every: float = setting(15.0, "time between sample sheets", above=0, unit="time")
    keep_checkpoints: int = setting(3, "checkpoints to keep", low=1)
    metric: str = setting("frechet", "distance by which the best weights are kept", choices=METRICS)
    measure_every: int = setting(50_000, "examples between two measurements of that distance (0: never)", low=0)
    patience: int = setting(0, "stop after this many measurements without a better one (0: never)", low=0)
    tensorboard: bool = setting(False, "write every number for TensorBoard too (needs the 'log' extra)")
    rollbacks: int = setting(3, "times to go back to a checkpoint, with half the step, on NaN", low=0)

    def __post_init__(self) -> None:
        for name, field in fields(type(self)).items():
            check_range(name, getattr(self, name), field.metadata)
        for name, (other, values) in self.only_with.items():
            if getattr(self, other) not in values and getattr(self, name) != fields(type(self))[name].default:
                raise UserError(
                    f"{name}: has no effect with {other} {getattr(self, other)}, only with {' and '.join(values)}"
                )

    def changed(self, settings: Mapping[str, Any]) -> Self:
        """This recipe with other settings, each given as text or in its own type; what has no effect any more by them
        is forgotten. Raises :class:`UserError`."""
        known = fields(type(self))
        stale = {
            name: known[name].default
            for name, (other, values) in self.only_with.items()
            if settings.get(other, getattr(self, other)) not in (*values, getattr(self, other))
        }
        settings = {**stale, **settings}
        values: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise UserError(f"unknown setting '{name}' of recipe '{self.name or self.kind}'{nearest(name, known)}")
            values[name] = read_value(name, value, known[name])
        return dataclasses.replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON/YAML values: schedules as text, or as numbers where they are constant."""
        return {name: plain(getattr(self, name)) for name in fields(type(self))}

    def to_yaml(self) -> str:
        """The text of a ``recipe.yaml``."""
        head = {"sparring": FORMAT, "kind": self.kind}
        return yaml.safe_dump({**head, **self.to_dict()}, sort_keys=False, allow_unicode=True)


def fields(recipe: type[Recipe]) -> dict[str, dataclasses.Field[Any]]:
    """A recipe's fields by name, with their types resolved."""
    types = get_type_hints(recipe)
    table = {field.name: field for field in dataclasses.fields(recipe)}
    for field in table.values():
        field.type = types[field.name]
    return table


def read_value(name: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """``value`` in the type of ``field``. Raises :class:`UserError` naming the field and what it wants."""
    try:
        if field.type is bool:
            return read_bool(value)
        if field.type is int:
            return read_whole(value)
        if field.type is float:
            return duration(value) if field.metadata["unit"] == "time" else number(value)
        if field.type is Schedule:
            return schedule(value)
    except UserError as problem:
        raise UserError(f"{name}: {problem}") from None
    if value is None or isinstance(value, list | dict):
        raise UserError(f"{name}: {value} is not a text")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)  # YAML reads a bare no as false


def read_bool(value: Any) -> bool:
    """True or false. Raises :class:`UserError`."""
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    word = str(value).lower()
    if word not in words:
        raise UserError(f"'{value}' is neither true nor false")
    return words[word]


def read_whole(value: Any) -> int:
    """A whole number, with k or M for thousands or millions. Raises :class:`UserError`."""
    amount = number(value)
    if amount != int(amount) or isinstance(value, bool):
        raise UserError(f"'{value}' is not a whole number")
    return int(amount)


def duration(value: Any) -> float:
    """Seconds, from ``90``, ``90s``, ``1h30m``. Raises :class:`UserError`."""
    if isinstance(value, float):
        return number(value)  # as YAML gives it: its text may have an exponent
    text = str(value).strip().lower()
    parts = re.findall(r"([0-9.]+)([smhd]?)", text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise UserError(f"'{value}' is no length of time: write 90s, 10m or 1h30m")
    return number(sum(number(amount) * DURATIONS[unit] for amount, unit in parts))


def check_range(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` unless ``value`` is what its field allows."""
    if limits["choices"] and value not in limits["choices"]:
        raise UserError(
            f"{name}: '{value}' is not one of {', '.join(limits['choices'])}{nearest(value, limits['choices'])}"
        )
    if isinstance(value, str | bool):
        return
    lowest, highest = (value.lowest, value.highest) if isinstance(value, Schedule) else (value, value)
    if limits["low"] is not None and lowest < limits["low"]:
        raise UserError(f"{name}: {value} is too small, the least is {exact(limits['low'])}")
    if limits["above"] is not None and lowest <= limits["above"]:
        raise UserError(f"{name}: {value} must be more than {exact(limits['above'])}")
    if limits["high"] is not None and highest > limits["high"]:
        raise UserError(f"{name}: {value} is too large, the most is {exact(limits['high'])}")


def plain(value: Any) -> Any:
    """A field's value as JSON and YAML can hold it."""
    if isinstance(value, Schedule):
        return value.end if value.start == value.end else str(value)
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean '...'?`` when something known is spelt nearly so, else nothing."""
    close = difflib.get_close_matches(name.replace("-", "_"), list(known), n=1, cutoff=0.6) or (
        difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    )
    return f"; did you mean '{close[0]}'?" if close else ""


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """The mapping in a recipe file, its format checked. Raises :class:`UserError` naming the file."""
    try:
        content = yaml.safe_load(text)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as problem:  # a date that is none, brackets without end
        line = str(problem).replace("\n", " ")
        raise UserError(f"{where}: not a readable recipe ({line}); restore it or train anew") from None
    if not isinstance(content, dict) or "sparring" not in content or "kind" not in content:
        raise UserError(f"{where}: not a recipe of Sparring's (it must name 'sparring' and 'kind')")
    if content["sparring"] != FORMAT:
        raise UserError(
            f"{where}: written in format {content['sparring']}, this Sparring reads {FORMAT}; "
            "upgrade with: pip install --upgrade sparring"
        )
    return content
