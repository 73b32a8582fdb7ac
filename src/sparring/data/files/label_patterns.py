"""Labels in names of files: ``{label}_{speaker}_{take}`` of ``7_jackson_32.wav``. No torch in here."""

from __future__ import annotations

import os
import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from sparring.core.errors import UserError
from sparring.core.terminal import quoted

LABEL = "label"  # the field that is the label
UNKEPT = ("", "_")  # fields that stand for anything
FIELD = re.compile(r"\{([^{}]*)\}")


class Pattern(NamedTuple):
    """A pattern that has been read: the names of its fields, in order, and an expression with a group for each."""

    fields: tuple[str, ...]
    expression: re.Pattern[str]
    folders: bool  # whether it is compared with the folders too


def fields_of(name: str, pattern: str) -> dict[str, str] | None:
    """What the fields of a pattern are in the name of a file, the label and all others that have a name; None where the
    name does not match. ``name`` is the path below the data folder, with forward slashes.

    Every field is as short as it can be, of at least one character and within one folder; the last one takes the rest.
    Raises :class:`UserError` for what is no pattern (:func:`read_pattern`).
    """
    read = read_pattern(pattern)
    match = read.expression.fullmatch(compared(name, pattern))
    if match is None:
        return None
    return {field: found for field, found in zip(read.fields, match.groups(), strict=True) if field not in UNKEPT}


def compared(name: str, pattern: str) -> str:
    """What of the path of a file is compared with a pattern: no ending, and folders only where the pattern has some."""
    stem = os.path.splitext(name)[0]
    return stem if read_pattern(pattern).folders else stem.rpartition("/")[2]


@cache
def read_pattern(pattern: str) -> Pattern:
    """A pattern, read. Raises :class:`UserError` for one without the field ``{label}``, with a field twice, with two
    fields that nothing parts, and with braces that enclose no name."""
    literals, fields = FIELD.split(pattern)[::2], FIELD.findall(pattern)
    if any(brace in literal for literal in literals for brace in "{}"):
        raise _wrong(pattern, "has a brace without its partner; each field is a name in braces")
    for field in fields:
        if field not in UNKEPT and not field.isidentifier():
            raise _wrong(pattern, f"has a field {quoted(field)}, which is no name; use letters, digits and _")
        if field not in UNKEPT and fields.count(field) > 1:
            raise _wrong(pattern, f"has the field {{{field}}} twice; write {{}} for what is not used")
    if LABEL not in fields:
        raise _wrong(pattern, "has no field {label}; write one where names have the label")
    for (before, after), literal in zip(pairwise(fields), literals[1:-1], strict=True):
        if not literal:
            raise _wrong(pattern, f"has nothing between {{{before}}} and {{{after}}}, so nothing tells where one ends")

    # A field that is as short as it can be never has to be longer for what follows: nothing is tried twice, and no
    # name, however it is made, takes long.
    *firsts, last = (re.escape(literal) for literal in literals[1:])
    expression = re.escape(literals[0]) + "".join(f"(?>([^/]+?){literal})" for literal in firsts) + f"([^/]+){last}"
    return Pattern(tuple(fields), re.compile(expression, re.DOTALL), "/" in pattern)


def _wrong(pattern: str, why: str) -> UserError:
    return UserError(f"label_pattern: {quoted(pattern)} {why}")
