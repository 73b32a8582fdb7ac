"""Labels as they are kept everywhere: printable text, numbered in an order that a person would choose.

They come from names of folders and files, which are any bytes, and from strangers' files. Made plain where they are
read, they can be shown, written, compared and typed wherever they go.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import SupportsIndex
from zlib import crc32

from sparring.core.errors import UserError
from sparring.core.settings import nearest
from sparring.core.terminal import escaped, quoted, shortened

TRAINING = ("train", "training")  # parts of a set to learn from, in small letters
KEPT = ("test", "testing", "val", "valid", "validation", "dev", "eval")  # parts to evaluate with, best first
SPLITS = {*TRAINING, *KEPT}  # names of folders, columns and lists that are no labels

LONGEST = 255  # characters of a label, as many as a system allows for a name
BEGINNING = 100  # characters that are kept of a longer one
FEW = 10  # examples of a label, below which it is hardly learned
NAMED, LONGEST_NAMED = 5, 30  # labels that are named as having few, characters of each


Label = str | SupportsIndex
"""A label as it is asked for: by its name, or by a whole number."""
Labels = Label | Iterable[Label] | None
"""Labels as they are asked for: one, several in turn, or each in turn (None)."""


def plain(label: str) -> str:
    """A label as it is kept: in one line, what is not printable written out (``\\xff``), and of one that is longer than
    any name of a folder its beginning, with a checksum of all of it."""
    if len(label) > LONGEST:
        label = f"{label[:BEGINNING]} ... {crc32(label.encode('utf-8', 'surrogatepass')):08x}"
    return escaped(label if label.isprintable() else " ".join(label.split()))


def in_turn(labels: Label | Iterable[Label]) -> list[Label]:
    """One label, or each of several. Raises :class:`UserError` for none."""
    if isinstance(labels, str):
        return [labels]
    try:
        several = list(labels)  # type: ignore[arg-type]
    except TypeError:  # a number, or a tensor of one
        return [labels]  # type: ignore[list-item]
    if not several:
        raise UserError("label: a list of none; name one or more, or leave it out")
    return several


def number_of(label: Label, known: Sequence[str]) -> int:
    """The number of a label among those ``known``, one or more: of a whole number that of the label which is written
    so or, where there is none, itself. Raises :class:`UserError` for one that is not known."""
    name = plain(label if isinstance(label, str) else str(operator.index(label)))
    if name in known:
        return known.index(name)
    if not isinstance(label, str) and 0 <= operator.index(label) < len(known):
        return operator.index(label)
    shown = ", ".join(map(shortened, known[:20]))
    raise UserError(f"label: no {quoted(name)} here{nearest(name, known)}; it knows {shown}")


def numbered(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct labels, plain, and the index into them of each: numbers come first, by value, then names by
    alphabet."""
    kept = [plain(label) for label in labels]
    names = sorted(set(kept), key=by_value_then_alphabet)
    number = {name: index for index, name in enumerate(names)}
    return names, [number[label] for label in kept]


def by_value_then_alphabet(label: str) -> tuple[bool, int, str, str]:
    """A key to sort labels by. Digits are compared as text, by their length first: they may be thousands."""
    is_number = label.isascii() and label.isdigit()
    digits = label.lstrip("0") if is_number else ""
    return not is_number, len(digits), digits, label


def told_of_few(names: Sequence[str], labels: Iterable[int], what: str) -> list[str]:
    """Which labels have few examples, called ``what``, of those whose numbers are ``labels``: a line, or none."""
    counts = Counter(labels)
    few = [
        f"{shortened(name, LONGEST_NAMED)} ({counts[index]})" for index, name in enumerate(names) if counts[index] < FEW
    ]
    more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
    plural = "label has" if len(few) == 1 else "labels have"
    return [f"{len(few)} {plural} fewer than {FEW} {what}: {', '.join(few[:NAMED])}{more}"] if few else []


def numbers_in(names: Sequence[str], known: Sequence[str], where: str) -> list[int]:
    """The number that each of the labels ``names`` has among those that a model knows. Raises :class:`UserError`,
    naming ``where`` it was found, for one that the model does not know."""
    number = {label: index for index, label in enumerate(known)}
    for name in names:
        if name not in number:
            raise UserError(
                f"{where}: its label {quoted(name)}{nearest(name, number)} is none of those that the model knows "
                f"({', '.join(map(shortened, known[:20]))}); give its folder by itself, or rename it"
            )
    return [number[name] for name in names]
