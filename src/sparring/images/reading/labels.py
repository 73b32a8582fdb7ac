"""Labels of image files: from a file beside them, or from the sub-folders that they are in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.terminal import quoted
from sparring.images.reading.file_set import FileSet
from sparring.media.pictures.decode import BadImage

LABEL_FILES = ("labels.csv", "labels.json", "dataset.json")  # the last is NVIDIA's name for the same thing
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}  # folders that are no labels
HEADINGS = (
    "file",
    "filename",
    "file_name",
    "image",
    "name",
    "path",
)  # of the first column, where there are headings


def read_labels(file_set: FileSet) -> dict[str, str] | None:
    """The label of each image of the file set, by name; None when there are no labels.

    Raises :class:`UserError` when a label file cannot be read or does not match the images.
    """
    present = [name for name in LABEL_FILES if name in file_set.others]
    if len(present) > 1:
        raise UserError(f"{file_set.where}: has {' and '.join(present)}; keep one of them")
    if present:
        return _from_file(file_set, present[0])

    first_folders = {name: name.partition("/")[0] for name in file_set.names}
    folders = set(first_folders.values())
    if not all("/" in name for name in file_set.names) or len(folders) < 2 or folders <= SPLITS:
        return None
    return first_folders


def encode(labels: Sequence[str]) -> tuple[list[str], Tensor]:
    """The distinct labels (numbers by value, then names by alphabet), int64 ``(n,)`` indices into them."""
    names = sorted(set(labels), key=_by_value_then_alphabet)
    number = {name: index for index, name in enumerate(names)}
    return names, torch.tensor([number[label] for label in labels], dtype=torch.int64)


def _by_value_then_alphabet(label: str) -> tuple[bool, int, str]:
    is_number = label.isascii() and label.isdigit()
    return not is_number, int(label) if is_number else 0, label


def _from_file(file_set: FileSet, name: str) -> dict[str, str] | None:
    """The label file's content, which must name every image, and nothing else, once."""
    where = f"{file_set.where}/{name}"
    try:
        content = file_set.read(name)
        text = (content.read_bytes() if isinstance(content, Path) else content).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, BadImage) as problem:
        raise UserError(f"{where}: cannot be read as UTF-8 text ({problem})") from None
    pairs = _csv_pairs(where, text) if name.endswith(".csv") else _json_pairs(where, text)
    if pairs is None:
        return None

    labels: dict[str, str] = {}
    for file, label in pairs:
        file = file.replace("\\", "/").removeprefix("./")
        if labels.setdefault(file, label) != label:
            raise UserError(
                f"{where}: gives {quoted(file)} two labels, {quoted(labels[file])} and {quoted(label)}; keep one"
            )
    _complain(where, "names {} not there, e.g. {}; remove it from the list", labels.keys() - set(file_set.names))
    _complain(
        where,
        "lacks {} that is there, e.g. {}; add it, or set labelled to no",
        set(file_set.names) - labels.keys(),
    )
    return labels


def _complain(where: str, what: str, files: Iterable[str]) -> None:
    files = sorted(files)
    if files:
        count = "1 image" if len(files) == 1 else f"{len(files)} images"
        raise UserError(f"{where}: " + what.format(count, quoted(files[0])))


def _csv_pairs(where: str, text: str) -> list[tuple[str, str]]:
    rows = [(number, row) for number, row in enumerate(csv.reader(text.splitlines()), start=1) if row]
    if rows and rows[0][1][0].strip().lower() in HEADINGS:
        del rows[0]
    for number, row in rows:
        if len(row) != 2:
            raise UserError(f"{where}: line {number} has {len(row)} columns; write two, file and label")
    return [(file.strip(), label.strip()) for _, (file, label) in rows]


def _json_pairs(where: str, text: str) -> list[tuple[str, str]] | None:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as problem:
        raise UserError(f"{where}: not JSON ({problem})") from None
    if isinstance(content, dict) and "labels" in content and not isinstance(content["labels"], str | int):
        content = content["labels"]
        if content is None:  # NVIDIA's way of saying that there are none
            return None
    pairs = list(content.items()) if isinstance(content, dict) else content
    if not (isinstance(pairs, list) and all(_is_pair(pair) for pair in pairs)):
        raise UserError(f'{where}: write {{"file": "label"}} for each image, or {{"labels": [["file", "label"]]}}')
    return [(file, str(label)) for file, label in pairs]


def _is_pair(pair: Any) -> bool:
    return (
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], str | int)
    )
