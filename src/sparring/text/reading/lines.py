"""Lines of text and their labels, from whatever the recipe's ``data`` names."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparring.core.errors import UserError
from sparring.core.settings import nearest
from sparring.core.terminal import quoted, quoted_place
from sparring.data.labels import numbered, plain
from sparring.data.source import BadFile
from sparring.text.reading.content import BadText
from sparring.text.reading.files import read_file, read_folder
from sparring.text.recipes import SETS, TextRecipe

MINIMUM = 40  # lines
NO_TEXT = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFEFF) if not chr(code).isspace()
}  # controls, which a terminal would obey; halves of characters, which no file can hold; marks of byte order


@dataclass(frozen=True)
class Lines:
    """Clean lines: white space is single spaces, characters are composed (NFC), none is empty."""

    texts: list[str]
    labels: list[int] | None  # of each text, an index into ``names``
    names: list[str]  # of the labels: numbers by value, then names by alphabet
    bad_files: list[BadFile]  # files, or rows as path:line, that could not be used
    said: list[str] = field(default_factory=list, compare=False)  # what was left aside, a line each


def read_lines(recipe: TextRecipe) -> Lines:
    """The lines that ``recipe.data`` names, a file or a folder.

    Raises :class:`UserError` when there are fewer than ``MINIMUM``, or their labels are not as the recipe wants
    them.
    """
    name = os.path.expanduser(recipe.data)
    if not os.path.exists(name):
        raise UserError(f"data: no file, folder or set called {quoted_place(recipe.data)}{nearest(name, _known(name))}")
    path = Path(name)
    try:
        content = read_folder(path, recipe) if path.is_dir() else read_file(path, recipe)
    except BadText as problem:
        raise UserError(f"{path}: {problem}") from None
    pairs = [(clean(text, recipe.lower), label) for text, label in content.pairs]
    pairs = [(text, label) for text, label in pairs if text]
    if len(pairs) < MINIMUM:
        raise UserError(_too_few(path, len(pairs), content.bad_files))
    labels = _labels(path, [label for _, label in pairs], recipe.labelled)
    names, numbers = numbered(labels or ())
    texts, numbered_labels = [text for text, _ in pairs], None if labels is None else numbers
    return Lines(texts, numbered_labels, names, content.bad_files, content.said)


def clean(text: str, lower: bool) -> str:
    """A text as one line: composed characters, single spaces, no controls."""
    text = " ".join(text.translate(NO_TEXT).split())
    return unicodedata.normalize("NFC", text.lower() if lower else text)


def as_label(label: str) -> str:
    """A label as it is kept: cleaned like a text, but with what would be lost written out."""
    return clean(plain(label), lower=False)


def _labels(path: Path, labels: Sequence[str | None], labelled: str) -> list[str] | None:
    """The label of each text, or None. Raises :class:`UserError` where labels are wanted or of no use."""
    known = [as_label(label) for label in labels if label]
    if labelled == "no":
        return None
    counts = Counter(known)
    if len(counts) < 2:
        if labelled == "yes":
            lack = f"has only one label, {quoted(known[0])}" if known else "has no labels"
            raise UserError(f"{path}: {lack}; give a table with them or a folder for each, or set labelled to auto")
        return None
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare:
        others = f", as have {len(rare) - 1} more" if len(rare) > 1 else ""
        raise UserError(
            f"{path}: label {quoted(rare[0])} has only 1 line{others}; add lines or remove it, or set labelled to no"
        )
    return known


def _too_few(path: Path, count: int, bad_files: Sequence[BadFile]) -> str:
    message = f"{path}: holds {count} line{'' if count == 1 else 's'} of text, at least {MINIMUM} are needed"
    if not bad_files:
        return f"{message}; write one sentence a line"
    return f"{message}; {len(bad_files)} bad, e.g. {bad_files[0].path} {bad_files[0].reason}; mend these or add more"


def _known(path: str) -> list[str]:
    """What could have been meant: the sets, and what stands in the same folder."""
    folder = os.path.dirname(path)
    try:
        beside = sorted(os.listdir(folder or "."))
    except OSError:
        beside = []
    return [*SETS, *(os.path.join(folder, name) for name in beside)]
