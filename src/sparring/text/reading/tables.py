"""Tables of texts and labels: columns apart by tabs, or by commas (semicolons, tabs) and quotation marks."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from sparring.data.source import BadFile
from sparring.text.reading.columns import choose, is_header, label_of_two, named
from sparring.text.reading.found import BadText, Found, gather
from sparring.text.recipes import TextRecipe

QUOTED = re.compile(r'"((?:[^"]|"")*)"')  # a whole cell, the quotation marks in it doubled
UNCLOSED = "unexpected end of data"  # what the csv module says of a quotation mark that nothing closes
ENOUGH = 0.9  # of the rows that a delimiter cuts into as many columns


class Row(NamedTuple):
    """The cells of a row, and the line that it begins in."""

    line: int
    cells: list[str]


def read_table(path: Path, content: str, recipe: TextRecipe) -> Found:
    """The rows of a table; those that are no rows of it are bad, each named by its line.

    Raises :class:`BadText` when its columns make no sense.
    """
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(content)
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
    """All rows with something in them; those that the csv module cannot read are noted.

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
    """The rows of ``width`` cells; the others are noted. Raises :class:`BadText` when most are of another width."""
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
    """The places of the text and of the label in a table whose columns have no names."""
    width = len(rows[0].cells)
    if width == 1:
        return 0, None
    if width > 2:
        raise BadText(f"has {width} columns, none called text; set text_column to one of {named(rows[0].cells)}")
    first, second = zip(*((row.cells[0].strip(), row.cells[1].strip()) for row in rows), strict=True)
    label = label_of_two(first, second)
    return 1 - label, None if recipe.labelled == "no" else label


def _delimiter(content: str) -> str:
    """What cuts the table's beginning into even rows, the rarest in texts first; a comma if nothing does."""
    start = content.lstrip()[:20_000].splitlines(keepends=True)
    start = start[:-1][:100] or start  # the last may be cut short
    for delimiter in "\t;,":
        widths = Counter(len(row) for row in csv.reader(start, delimiter=delimiter) if row)
        if any(width > 1 and count >= ENOUGH * widths.total() for width, count in widths.items()):
            return delimiter
    return ","


def _usual_width(rows: list[Row]) -> int:
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0]
