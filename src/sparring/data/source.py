"""What a data set is to a trainer: examples by number, what one looks like, what was wrong with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self, get_args, get_origin, get_type_hints

from sparring.core.errors import UserError
from sparring.core.terminal import shortened

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


MOST = 100_000  # values of one field of a form, such as labels
LONGEST = 1000  # characters of one
LARGEST = 1 << 53  # a number, where a field says nothing else


class BadContent(Exception):
    """A file that gives no example; the message is the reason, in one line."""


class BadFile(NamedTuple):
    """A file that could not be used; it is named, counted and skipped."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """What an example looks like. Two sources of the same form can feed the same networks; each modality extends it.

    Fields hold plain values: numbers, texts, tuples and mappings of them, which a model's ``config.json`` keeps. Raises
    :class:`UserError` for a value that its field cannot have: of another type, beyond its ``limits``, or too long.
    """

    renamed: ClassVar[Mapping[str, str]] = {}
    """Names that fields had in older formats, with their present ones."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """The least and the most that the numbers of a field may be."""

    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in types_of(type(self)).items():  # type: ignore[arg-type]
            check(name, getattr(self, name), kind, *self.limits.get(name, (-LARGEST, LARGEST)))
        if len(set(self.labels)) < len(self.labels):
            raise UserError("labels: one of them is there twice")

    def described(self) -> str:
        """The form in a few words, for a person."""
        numbers = [f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items() if type(value) is int]
        return ", ".join([*numbers, *([f"{len(self.labels)} labels"] if self.labels else [])])

    def differs(self, other: Form) -> str:
        """Why examples of ``other`` cannot take the place of examples of this form, in one line; empty if they can."""
        for name, value in asdict(self).items():
            theirs = getattr(other, name)
            if theirs != value and isinstance(value, Mapping):
                return f"another {name.replace('_', ' ')}"
            if theirs != value:
                return f"{name.replace('_', ' ')} {shortened(theirs)} instead of {shortened(value)}"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave, older names of fields too. Raises :class:`UserError` where a field is missing, or
        cannot be what it is."""
        present = {cls.renamed.get(name, name): value for name, value in content.items()}
        known = [field.name for field in fields(cls)]
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in present.items()}
        try:
            return cls(**{name: values[name] for name in known if name in values})
        except (TypeError, UserError) as problem:
            raise UserError(f"form: {problem}") from None


@cache
def types_of(form: type[Form]) -> dict[str, Any]:
    """The types of a form's fields by name."""
    hints = get_type_hints(form)
    return {field.name: hints[field.name] for field in fields(form)}


def check(name: str, value: Any, kind: Any, low: float, high: float) -> None:
    """Raise :class:`UserError` unless ``value`` is of the type ``kind``, its numbers within ``low`` and ``high``."""
    if get_origin(kind) is UnionType:  # something, or None
        if value is not None:
            check(name, value, get_args(kind)[0], low, high)
    elif get_origin(kind) is tuple:
        if type(value) is not tuple or len(value) > MOST:
            raise UserError(f"{name}: {shortened(value)} is no list of at most {MOST:,} values")
        for item in value:
            check(name, item, get_args(kind)[0], low, high)
    elif kind in (int, float):
        if type(value) not in (int, kind) or not low <= value <= high:
            whole = "whole number" if kind is int else "number"
            raise UserError(f"{name}: {shortened(value)} is no {whole} from {low:,} to {high:,}")
    elif kind is str:
        if type(value) is not str or len(value) > LONGEST:
            raise UserError(f"{name}: {shortened(value)} is no text of at most {LONGEST:,} characters")
    elif not isinstance(value, get_origin(kind) or kind):
        raise UserError(f"{name}: {shortened(value)} is of another type than this field's")


class Source(Protocol):
    """Examples of one kind, numbered from 0. Picklable, so that worker processes can read for the trainer."""

    name: str
    """What the user gave: a path, or the name of a set."""

    bad_files: list[BadFile]
    """Those found so far. A set that streams from disk may still find more while it is read."""

    in_memory: bool
    """Whether a batch costs no more than copying it; otherwise worker processes pay."""

    @property
    def form(self) -> Form:
        """What an example looks like."""

    def __len__(self) -> int:
        """How many examples there are."""

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The examples at ``indices``, int64 ``(n,)``: tensors of ``n`` rows each, by the modality's names."""


def remarks_of(source: Source) -> list[str]:
    """What a person should know about the examples, a line each: what was found or decided on opening, and what of it
    is lost. A source that has something to say has a method ``remarks`` that gives it."""
    remarks: Callable[[], list[str]] = getattr(source, "remarks", list)
    return remarks()
