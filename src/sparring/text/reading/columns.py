"""Which column of a table, or which name in JSON's objects, holds the text, and which the label."""

from __future__ import annotations

from collections.abc import Sequence

from sparring.text.reading.found import BadText
from sparring.text.recipes import TextRecipe

TEXT = ("text", "sentence", "utterance", "line")
LABEL = ("label", "class", "intent", "topic", "author", "sentiment", "style", "category")
MOST_NAMES, LONGEST_NAME = 10, 40  # columns that a message lists; characters of each


def is_header(row: Sequence[str], recipe: TextRecipe) -> bool:
    """Whether a table's first row names its columns: it does where the recipe names one of them."""
    told = (recipe.text_column, recipe.label_column) != ("auto", "auto")
    return told or _first_of(TEXT, row) is not None


def choose(names: Sequence[str], recipe: TextRecipe) -> tuple[int, int | None]:
    """The places in ``names`` of the text and of the label, None where no column is one.

    Raises :class:`BadText` when a column that the recipe names is not there, or none can be told to be the text.
    """
    label: int | None
    if recipe.label_column != "auto":
        label = _place_of("label_column", recipe.label_column, names)
    else:
        label = _first_of(LABEL, names)
    if recipe.text_column != "auto":
        text: int | None = _place_of("text_column", recipe.text_column, names)
    else:
        text = _first_of(TEXT, names)
        if text is None and len(names) == 2 and label is not None:
            text = 1 - label
    if text is None:
        raise BadText(f"none of its columns is called text; set text_column to one of {named(names)}")
    return text, None if recipe.labelled == "no" or label == text else label


def label_of_two(first: Sequence[str], second: Sequence[str]) -> int:
    """0 or 1: which of two columns without names is the label, the one with few different values.

    Raises :class:`BadText` when neither has few.
    """
    kinds = len(set(first)), len(set(second))
    if kinds[0] == kinds[1] or min(kinds) > len(first) / 2:
        raise BadText("neither of its two columns looks like labels; name them in a first row, e.g. label and text")
    return int(kinds[1] < kinds[0])


def named(names: Sequence[str]) -> str:
    """Columns as a message lists them."""
    more = ", ..." if len(names) > MOST_NAMES else ""
    return ", ".join(" ".join(name.split())[:LONGEST_NAME] for name in names[:MOST_NAMES]) + more


def _place_of(setting: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise BadText(f"has no column '{name}'; set {setting} to one of {named(names)}")
    return list(names).index(name)


def _first_of(words: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of ``words`` that is there stands."""
    plain = [name.strip().lower() for name in names]
    return next((plain.index(word) for word in words if word in plain), None)
