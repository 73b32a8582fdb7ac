"""Tables of texts and labels: columns apart by tabs, or by commas (semicolons, tabs) and quotation marks; and which of
the columns, or of the names in JSON's objects, holds the text, and which the label."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from sparring.core.terminal import quoted
from sparring.data.source import BadFile
from sparring.data.tables import delimiter_of
from sparring.text.reading.content import BadText, ReadText, gather
from sparring.text.recipes import TextRecipe

TEXT = ("text", "sentence", "utterance", "line")
LABEL = ("label", "class", "intent", "topic", "author", "sentiment", "style", "category")
MOST_NAMES, LONGEST_NAME = 10, 40  # columns that a message lists; characters of each
QUOTED = re.compile(r'"((?:[^"]|"")*)"')  # a whole cell, the quotation marks in it doubled
UNCLOSED = "unexpected end of data"  # what the csv module says of a quotation mark that nothing closes


class Row(NamedTuple):
    """The cells of a row, and the line that it begins in."""

    line: int
    cells: list[str]


def read_table(path: Path, content: str, recipe: TextRecipe) -> ReadText:
    """The rows of a table; those that are no rows of it are bad, each named by its line.

    Raises :class:`BadText` when its columns make no sense.
    """
    delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter_of(content)
    bad_files: list[BadFile] = []
    rows = list(_rows(path, content, delimiter, bad_files))
    if not rows:
        raise BadText("holds no row that can be read; write one sentence a row")
    header = rows.pop(0).cells if is_header(rows[0].cells, recipe) else None
    rows = _even(path, rows, len(header) if header else _usual_width(rows), delimiter, bad_files)
    if header:
        text, label = choose([name.strip() for name in header], recipe)
    else:
        text, label = _unnamed(rows, recipe)
    return gather(
        ((f"{path}:{row.line}", row.cells[text], None if label is None else row.cells[label].strip()) for row in rows),
        bad_files,
    )


def _rows(path: Path, content: str, delimiter: str, bad_files: list[BadFile]) -> Iterator[Row]:
    """All rows with something in them; those that the csv module cannot read are noted in ``bad_files``.

    In tables of tabs a quotation mark is mostly one that somebody wrote, unless it encloses the whole cell.
    """
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            if str(problem) == UNCLOSED:
                raise BadText(f'line {line} opens a quotation mark that nothing closes; write "" for each') from None
            bad_files.append(BadFile(f"{path}:{line}", f"no row of a table ({problem})"))
            continue
        if any(cell.strip() for cell in cells):
            yield Row(line, cells if quoting == csv.QUOTE_MINIMAL else [_unquoted(cell) for cell in cells])


def _unquoted(cell: str) -> str:
    match = QUOTED.fullmatch(cell.strip())
    return match[1].replace('""', '"') if match else cell


def _even(path: Path, rows: list[Row], width: int, delimiter: str, bad_files: list[BadFile]) -> list[Row]:
    """The rows of ``width`` cells; the others are noted in ``bad_files``. Raises :class:`BadText` when most are of
    another width."""
    if width == 1:  # what parts columns elsewhere stands in the text here
        return [Row(row.line, [delimiter.join(row.cells)]) for row in rows]
    ragged = [(row.line, f"has {_columns(len(row.cells))}, not {width}") for row in rows if len(row.cells) != width]
    if len(ragged) > len(rows) / 2:
        line, problem = ragged[0]
        raise BadText(f"most of its rows are ragged: line {line} {problem}; quote texts that hold what parts columns")
    bad_files += [BadFile(f"{path}:{line}", problem) for line, problem in ragged]
    return [row for row in rows if len(row.cells) == width]


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _unnamed(rows: list[Row], recipe: TextRecipe) -> tuple[int, int | None]:
    """The columns of the text and of the label in a table whose columns have no names."""
    width = len(rows[0].cells)
    if width == 1:
        return 0, None
    if width > 2:
        raise BadText(f"has {width} columns, none called text; set text_column to one of {named(rows[0].cells)}")
    first, second = zip(*((row.cells[0].strip(), row.cells[1].strip()) for row in rows), strict=True)
    label = label_of_two(first, second)
    return 1 - label, None if recipe.labelled == "no" else label


def _usual_width(rows: list[Row]) -> int:
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0]


# Columns


def is_header(row: Sequence[str], recipe: TextRecipe) -> bool:
    """Whether a table's first row names its columns: it does where the recipe names one of them."""
    told = (recipe.text_column, recipe.label_column) != ("auto", "auto")
    return told or _first_of(TEXT, row) is not None


def choose(names: Sequence[str], recipe: TextRecipe) -> tuple[int, int | None]:
    """The columns, by their index in ``names``, of the text and of the label, None where no column is one.

    Raises :class:`BadText` when a column that the recipe names is not there, or none can be told to be the text.
    """
    label: int | None
    if recipe.label_column != "auto":
        label = _column_of("label_column", recipe.label_column, names)
    else:
        label = _first_of(LABEL, names)
    if recipe.text_column != "auto":
        text: int | None = _column_of("text_column", recipe.text_column, names)
    else:
        text = _first_of(TEXT, names)
        if text is None and len(names) == 2 and label is not None:
            text = 1 - label
    if text is None:
        raise BadText(f"none of its columns is called text; set text_column to one of {named(names)}")
    return text, None if recipe.labelled == "no" or label == text else label


def label_of_two(first: Sequence[str], second: Sequence[str]) -> int:
    """Which of two columns without names is the label, 0 or 1: the one with few different values.

    Raises :class:`BadText` when neither has few.
    """
    kinds = len(set(first)), len(set(second))
    if kinds[0] == kinds[1] or min(kinds) > len(first) / 2:
        raise BadText("neither of its two columns looks like labels; name them in a first row, e.g. label and text")
    return int(kinds[1] < kinds[0])


def named(names: Sequence[str]) -> str:
    """The names of columns as a message lists them."""
    more = ", ..." if len(names) > MOST_NAMES else ""
    return ", ".join(" ".join(name.split())[:LONGEST_NAME] for name in names[:MOST_NAMES]) + more


def _column_of(setting: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise BadText(f"has no column {quoted(name)}; set {setting} to one of {named(names)}")
    return list(names).index(name)


def _first_of(words: Sequence[str], names: Sequence[str]) -> int | None:
    """The index in ``names`` of the first of ``words`` that is there."""
    plain = [name.strip().lower() for name in names]
    return next((plain.index(word) for word in words if word in plain), None)
