"""What a data set is to a trainer: examples by number, what one looks like, what was wrong with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from sparring.core.errors import UserError
from sparring.core.terminal import shortened

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class BadFile:
    """A file that could not be used; it is named, counted and skipped."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """What an example looks like. Two sources of the same form can feed the same networks; each modality extends it.

    Fields hold plain values: numbers, texts, tuples and mappings of them, which a model's ``config.json`` keeps.
    """

    renamed: ClassVar[Mapping[str, str]] = {}
    """Names that fields had in older formats, with their present ones."""

    labels: tuple[str, ...] = ()

    def described(self) -> str:
        """The form in a few words, for a person."""
        numbers = [f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items() if type(value) is int]
        return ", ".join([*numbers, *([f"{len(self.labels)} labels"] if self.labels else [])])

    def differs(self, other: Form) -> str:
        """Why examples of ``other`` cannot take the place of examples of this form, in one line; empty if they can."""
        for name, value in asdict(self).items():
            theirs = getattr(other, name)
            if theirs != value:
                return f"{name.replace('_', ' ')} {shortened(theirs)} instead of {shortened(value)}"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave, older names of fields too. Raises :class:`UserError` where a field is missing."""
        present = {cls.renamed.get(name, name): value for name, value in content.items()}
        known = [field.name for field in fields(cls)]
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in present.items()}
        try:
            return cls(**{name: values[name] for name in known if name in values})
        except TypeError as problem:
            raise UserError(f"form: {problem}") from None


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
