"""JSON: objects, [text, label] pairs or bare texts; in one list, in a list for each split, or one on each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparring.core.reading import parse_json
from sparring.data.labels import SPLITS, TRAINING
from sparring.data.source import BadFile
from sparring.text.reading.content import BadText, ReadText, gather, left_aside, split_lines
from sparring.text.reading.tables import TEXT, choose
from sparring.text.recipes import TextRecipe

WANTED = "an object with a text, a [text, label] pair or a text"

MOST = 1000  # entries of a file that are named as bad; more are counted

Entry = tuple[int, Any]  # the index or the line where it stands, and its value


def read_json(path: Path, content: str, recipe: TextRecipe) -> ReadText:
    """The texts of one JSON value. Raises :class:`BadText` when it is none, or holds no list of texts."""
    try:
        value = parse_json(content)
    except ValueError as problem:
        if isinstance(problem, json.JSONDecodeError) and problem.msg == "Extra data":  # lines under a wrong name
            return read_json_lines(path, content, recipe)
        raise BadText(f"not JSON ({problem}); mend it") from None
    said: list[str] = []
    if isinstance(value, dict):
        value = _of_lists(value, said)
    if not isinstance(value, list):
        raise BadText(f"holds no list; write a list of objects, each {WANTED}")
    texts = _read_entries(path, "[{}]", list(enumerate(value)), recipe)
    texts.said = said
    return texts


def read_json_lines(path: Path, content: str, recipe: TextRecipe) -> ReadText:
    """The texts of one JSON value a line; lines that are none are bad. Raises :class:`BadText` when no line holds
    a text."""
    entries: list[Entry] = []
    bad_files: list[BadFile] = []
    bad = 0
    for number, line in enumerate(split_lines(content), start=1):
        if not line.strip():
            continue
        try:
            entries.append((number, parse_json(line)))
        except ValueError as problem:
            bad += 1
            if bad <= MOST:
                bad_files.append(BadFile(f"{path}:{number}", f"not JSON ({problem})"))
    if not entries:
        raise BadText(f"not one of its lines is JSON; write on each {WANTED}")
    texts = _read_entries(path, ":{}", entries, recipe)
    texts.bad_files[:0] = [*bad_files, *_more(path, bad, "no JSON")]
    return texts


def _of_lists(value: dict[str, Any], said: list[str]) -> Any:
    """The entries in an object of lists, which are columns by name or else splits; ``said`` takes what was left aside.
    Raises :class:`BadText`."""
    lists = {name: items for name, items in value.items() if isinstance(items, list)}
    if any(name.lower() in TEXT for name in lists):
        if len({len(items) for items in lists.values()}) > 1:
            raise BadText("its columns are of unequal length; make them equal")
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    for name in lists:
        if name.lower() in TRAINING:
            if others := sum(map(len, lists.values())) - len(lists[name]):
                said.append(left_aside(len(lists[name]), others, "line"))
            return lists[name]
    items = [item for items in lists.values() for item in items]
    if len(lists) > 1 and not any(name.lower() in SPLITS for name in lists) and all(isinstance(i, str) for i in items):
        raise BadText("holds lists of bare texts; write [text, label] pairs instead, or a list of texts")
    return items if lists else None


def _more(path: Path, bad: int, what: str) -> list[BadFile]:
    """How many more bad entries than those that were named a file has."""
    return [BadFile(str(path), f"{bad - MOST:,} more of its entries are {what}")] if bad > MOST else []


def _read_entries(path: Path, at: str, entries: list[Entry], recipe: TextRecipe) -> ReadText:
    """The texts of all entries, each ``at`` its number. Raises :class:`BadText` when not one of them is of use."""
    names = list(dict.fromkeys(name for _, entry in entries if isinstance(entry, dict) for name in entry))
    text, label = choose(names, recipe) if names else (0, None)
    text_name, label_name = (names[text], None if label is None else names[label]) if names else ("", None)
    rows, bad_files, bad = [], [], 0
    for number, entry in entries:
        entry_text, entry_label = _pair(entry, text_name, label_name)
        if isinstance(entry_text, str):
            place = f"{path}{at.format(number)}"
            rows.append((place, entry_text, None if recipe.labelled == "no" else _as_label(entry_label)))
            continue
        bad += 1
        if bad <= MOST:
            bad_files.append(BadFile(f"{path}{at.format(number)}", f"is not {WANTED}"))
    if not rows:
        raise BadText(f"not one of its entries is {WANTED}")
    return gather(rows, [*bad_files, *_more(path, bad, f"not {WANTED}")])


def _pair(entry: Any, text_name: str, label_name: str | None) -> tuple[Any, Any]:
    if isinstance(entry, dict):
        return entry.get(text_name), entry.get(label_name)
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    return entry, None


def _as_label(label: Any) -> str | None:
    return str(label).strip() if isinstance(label, str | int | float) else None
