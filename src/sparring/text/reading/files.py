"""One file of text, read as its ending says; every ending that is not known means one sentence a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sparring.text.reading.decode import read_text, split_lines
from sparring.text.reading.found import Found
from sparring.text.reading.objects import read_json, read_json_lines
from sparring.text.reading.tables import read_table
from sparring.text.recipes import TextRecipe

READERS: dict[str, Callable[[Path, str, TextRecipe], Found]] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}


def read_file(path: Path, recipe: TextRecipe) -> Found:
    """Raises :class:`sparring.text.reading.found.BadText` when it cannot be used."""
    content = read_text(path)
    if reader := READERS.get(path.suffix.lower()):
        return reader(path, content, recipe)
    return Found([(line, None) for line in split_lines(content)])
