"""Settings: a typed, validated, serialisable description, every field declared once. No torch in here.

A recipe is a class of settings, and so are the options of every verb. Each field is declared by :func:`setting` with
its help, its group and its range; the command line, the YAML reader, the documentation and a web form all read that one
declaration.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform, get_type_hints

from sparring.core.errors import UserError
from sparring.core.schedules import Schedule, exact, number, schedule
from sparring.core.terminal import LONGEST_VALUE, one_line, quoted, shortened, tell

GROUPS = (
    "data", "budget", "optimiser", "network", "loss", "regularisation", "measuring", "logging", "machine", "output",
)  # fmt: skip
"""The headings under which ``--help`` lists settings, in this order."""

YES_NO = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
DURATIONS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
LONGEST = 4096  # characters of a value
PATHS = tuple[str, ...]
"""The type of a setting that takes several texts, such as paths."""
TYPES: dict[Any, Any] = {
    "bool": bool, "int": int, "float": float, "str": str, "Schedule": Schedule, "tuple[str, ...]": PATHS,
}  # fmt: skip


def setting(
    default: Any,
    help: str,
    group: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: Iterable[str] | None = None,
    aliases: Mapping[str, str] | None = None,
    unit: str = "",
    common: bool = False,
    own: bool = False,
) -> Any:
    """A field of :class:`Settings`. Raises ValueError for a group that there is not.

    ``group`` is one of ``GROUPS``; bounds include themselves, ``above`` does not; ``aliases`` are other words for some
    of the ``choices``; ``unit`` is ``time`` for seconds that may be typed as ``10m``, ``path`` for files and folders;
    ``common`` settings are those that people change first, which ``--help`` shows; beside the ``choices`` of one that
    may be the caller's ``own`` there is code, ``module:name``.
    """
    if group not in ("", *GROUPS):
        raise ValueError(f"'{group}' is no group of settings; choose one of {', '.join(GROUPS)}")
    limits = {"low": low, "high": high, "above": above, "choices": tuple(choices or ())}
    words = {"help": help, "group": group, "aliases": dict(aliases or {}), "unit": unit, "common": common, "own": own}
    return dataclasses.field(default=default, metadata={**words, **limits})


T = TypeVar("T", bound=type)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(declared: T) -> T:
    """Make a class of settings of what its body declares: a frozen dataclass that takes keywords alone.

    It uses the methods of :class:`Settings`: to generate them for each class takes longer than all of ``--help`` may.
    """
    dataclasses.dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)(declared)
    return declared


@settings
class Settings:
    """What recipes and the options of verbs have in common: reading, checking and writing of their fields.

    Made of values by field, each in its own type. Raises :class:`UserError` for a value that its field does not allow,
    TypeError for a field that there is not.
    """

    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {}
    """Settings that have an effect only where another has one of these values."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Names that settings had before, with their present ones."""

    def __init__(self, **values: Any) -> None:
        known = fields(type(self))
        if unknown := values.keys() - known.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name, field in known.items():
            object.__setattr__(self, name, values.get(name, field.default))
        self.__post_init__()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def __post_init__(self) -> None:
        for name, field in fields(type(self)).items():
            if (value := getattr(self, name)) is not field.default:
                check_range(name, value, field.metadata)
        for name, (other, values) in self.only_with.items():
            if getattr(self, other) not in values and getattr(self, name) != fields(type(self))[name].default:
                raise UserError(
                    f"{name}: has no effect with {other} {getattr(self, other)}, only with {' and '.join(values)}"
                )

    def changed(self, settings: Mapping[str, Any]) -> Self:
        """These with other values, each given as text or in its own type; what has no effect any more by them is
        forgotten. Raises :class:`UserError` that names the setting."""
        known = fields(type(self))
        stale = {
            name: known[name].default
            for name, (other, values) in self.only_with.items()
            if settings.get(other, getattr(self, other)) not in (*values, getattr(self, other))
        }
        values: dict[str, Any] = {}
        for name, value in {**stale, **settings}.items():
            if name not in known:
                raise UserError(f"unknown setting {quoted(name)} of {self.title()}{nearest(name, known)}")
            values[name] = read_value(name, value, known[name])
        return dataclasses.replace(self, **values)

    def title(self) -> str:
        """What these settings belong to, for messages."""
        return type(self).__name__

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON/YAML values: schedules as text, or as numbers where they are constant."""
        return {name: plain(getattr(self, name)) for name in fields(type(self))}


def fields(settings: type[Settings]) -> dict[str, dataclasses.Field[Any]]:
    """The fields of a class of settings by name, with their types resolved."""
    table: dict[str, dataclasses.Field[Any]] = _fields(settings)  # type: ignore[arg-type]
    return table


@cache
def _fields(settings: Any) -> dict[str, dataclasses.Field[Any]]:
    table = {field.name: field for field in dataclasses.fields(settings)}
    for field in table.values():
        if field.type not in (*TYPES.values(), PATHS):
            field.type = TYPES.get(field.type) or get_type_hints(settings)[field.name]
    return table


def with_present_names(settings: type[Settings], values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """``values`` with the names that settings have now; one line on standard error tells which were old ones, and
    ``where`` they stand."""
    old = {name: settings.renamed[name] for name in values if name in settings.renamed}
    if where or old:
        names = ", ".join(f"{name} is now called {new}" for name, new in old.items())
        note(f"{where}{': ' if where and names else ''}{names}")
    return {old.get(name, name): value for name, value in values.items()}


def is_first() -> bool:
    """Whether this is the process that talks, of all that a launcher started."""
    return os.environ.get("RANK", "0") == "0"


def note(line: str) -> None:
    """Print a line on standard error, in the first process alone."""
    if is_first():
        tell(f"sparring: {one_line(line)}")


def read_value(name: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """``value`` in the type of ``field``. Raises :class:`UserError` naming the field and what it wants."""
    if field.type == PATHS:
        return (str(value),) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(map(str, value))
    try:
        may_be_read(value)
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
    if value is None or isinstance(value, list | tuple | dict):
        raise UserError(f"{name}: {shortened(value)} is not a text")
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)  # YAML reads a bare no as false
    return field.metadata["aliases"].get(text, text)


def may_be_read(value: Any) -> None:
    """Raise :class:`UserError` for a value that is no setting's, whatever its type."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        raise UserError(f"{shortened(value)} is too large") from None
    if len(text) > LONGEST or "\0" in text:
        raise UserError(f"{quoted(text)} is longer than {LONGEST:,} characters, or holds a null character")


def read_bool(value: Any) -> bool:
    """True or false. Raises :class:`UserError` for what is no word for either."""
    word = str(value).lower()
    if word not in YES_NO:
        raise UserError(f"{quoted(value)} is neither true nor false")
    return YES_NO[word]


def read_whole(value: Any) -> int:
    """A whole number, with k or M for thousands or millions. Raises :class:`UserError` for anything else."""
    amount = number(value)
    if amount != int(amount) or isinstance(value, bool):
        raise UserError(f"{quoted(value)} is not a whole number")
    return int(amount)


def duration(value: Any) -> float:
    """Seconds, from ``90``, ``90s``, ``1h30m``. Raises :class:`UserError` for what is no length of time."""
    if isinstance(value, float):
        return number(value)  # as YAML gives it: its text may have an exponent
    text = str(value).strip().lower()
    parts = re.findall(r"([0-9.]+(?:e[-+]?[0-9]+)?)([smhd]?)", text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise UserError(f"{quoted(value)} is no length of time: write 90s, 10m or 1h30m")
    return number(sum(number(amount) * DURATIONS.get(unit, 1.0) for amount, unit in parts))


def as_typed(value: Any, unit: str = "") -> str:
    """A setting's value as a person would type it: ``10m`` for 600 seconds, ``yes`` for True, ``1:0.1@200k``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, Schedule) and value.examples:
        start, end, examples = (in_thousands(number) for number in (value.start, value.end, value.examples))
        return f"{start}:{end}@{examples}{'' if value.shape == 'cosine' else f',{value.shape}'}"
    if unit != "time" or not value:
        return exact(value) if isinstance(value, float) else str(value)
    text = ""
    for letter, seconds in DURATIONS.items():
        amount = value // seconds if seconds > 1 else value
        if amount:
            text += f"{exact(amount)}{letter}"
            value -= amount * seconds
    return text


def in_thousands(amount: float) -> str:
    """A number with k or M where it is a multiple of thousands or millions: ``500k``."""
    for suffix, size in (("M", 1e6), ("k", 1e3)):
        if amount and amount % size == 0:
            return f"{exact(amount / size)}{suffix}"
    return exact(amount)


def check_range(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` unless ``value`` is what its field allows."""
    if limits["choices"] and value not in limits["choices"] and not (limits["own"] and is_own(value)):
        raise UserError(
            f"{name}: {quoted(value)} is not one of {', '.join(limits['choices'])}{nearest(value, limits['choices'])}"
        )
    if isinstance(value, str | bool | tuple):
        return
    lowest, highest = (value.lowest, value.highest) if isinstance(value, Schedule) else (value, value)
    if limits["low"] is not None and lowest < limits["low"]:
        raise UserError(f"{name}: {shortened(value)} is too small, the least is {limits['low']}")
    if limits["above"] is not None and lowest <= limits["above"]:
        raise UserError(f"{name}: {shortened(value)} must be more than {limits['above']}")
    if limits["high"] is not None and highest > limits["high"]:
        raise UserError(f"{name}: {shortened(value)} is too large, the most is {limits['high']}")


def is_own(value: Any) -> bool:
    """Whether a setting's value names a part of the caller's own code, ``module:name`` (``core/own.py``)."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.]*:[\w.<>]+", value, re.ASCII) is not None


def plain(value: Any) -> Any:
    """A field's value as JSON and YAML can hold it."""
    if isinstance(value, Schedule):
        return value.end if value.start == value.end else str(value)
    return list(value) if isinstance(value, tuple) else value


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean '...'?`` when something known is spelt nearly so, else nothing."""
    import difflib  # here, for the command line's help must not wait for it

    words = {name.replace("-", "_"): 0, name: 0} if len(name) <= LONGEST_VALUE else {}
    close = [match for word in words for match in difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)]
    return f"; did you mean {quoted(close[0])}?" if close else ""
