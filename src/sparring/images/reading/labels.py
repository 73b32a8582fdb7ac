"""Labels of image files: from a file beside them, or from the sub-folders that they are in."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.reading import UTF_16, parse_json, read_bytes, reason
from sparring.core.terminal import quoted
from sparring.data.labels import SPLITS, numbered
from sparring.data.tables import delimiter_of
from sparring.images.reading.file_set import FileSet
from sparring.images.reading.label_tables import known_names, pairs_in
from sparring.images.reading.remarks import of_empty_folders
from sparring.media.pictures.decode import BadImage

LABEL_FILES = ("labels.csv", "labels.tsv", "labels.json", "dataset.json")  # the last is NVIDIA's name


def read_labels(file_set: FileSet) -> tuple[dict[str, str] | None, list[str]]:
    """The label of each image of the file set, by name, and what a person should know of what was left over; None when
    there are no labels.

    Raises :class:`UserError` when a label file cannot be read or does not match the images.
    """
    present = [name for name in LABEL_FILES if name in file_set.others]
    if len(present) > 1:
        raise UserError(f"{file_set.where}: has {' and '.join(present)}; keep one of them")
    if present:
        return _from_file(file_set, present[0])

    first_folders = {name: name.partition("/")[0] for name in file_set.names}
    folders = set(first_folders.values())
    if (
        not all("/" in name for name in file_set.names)
        or len(folders) < 2
        or {folder.lower() for folder in folders} <= SPLITS
    ):
        return None, []
    return first_folders, of_empty_folders(file_set.where, sorted(set(first_folders.values())))


def encode(labels: Sequence[str]) -> tuple[list[str], Tensor]:
    """The distinct labels (numbers by value, then names by alphabet), int64 ``(n,)`` indices into them."""
    names, indices = numbered(labels)
    return names, torch.tensor(indices, dtype=torch.int64)


def _from_file(file_set: FileSet, name: str) -> tuple[dict[str, str] | None, list[str]]:
    """The label file's content, which must name every image, and what of it was left over."""
    where = f"{file_set.where}/{name}"
    try:
        content = file_set.read(name)
        content = read_bytes(content) if isinstance(content, Path) else content
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except (OSError, UnicodeDecodeError, BadImage) as problem:
        raise UserError(f"{where}: cannot be read as UTF-8 text ({reason(problem)}); mend it, or remove it") from None
    known = known_names(file_set.names)
    is_json = name.endswith(".json")
    pairs, told = (_json_pairs(where, text), list[str]()) if is_json else _csv_pairs(where, text, known)
    if pairs is None:
        return None, []

    labels: dict[str, str] = {}
    for file, label in pairs:
        file = file.replace("\\", "/").removeprefix("./")
        file = known.get(file, file)
        if labels.setdefault(file, label) != label:
            raise UserError(
                f"{where}: gives {quoted(file)} two labels, {quoted(labels[file])} and {quoted(label)}; keep one"
            )
    lacking = sorted(set(file_set.names) - labels.keys())
    if lacking:
        count = "1 image that is" if len(lacking) == 1 else f"{len(lacking):,} images that are"
        raise UserError(f"{where}: lacks {count} there, e.g. {quoted(lacking[0])}; add it, or set labelled to no")
    spare = sorted(labels.keys() - set(file_set.names))
    if spare:
        verb = "is" if len(spare) == 1 else "are"
        told.append(f"{where}: {len(spare):,} of its files {verb} not there and left out, e.g. {quoted(spare[0])}")
    return labels, told


def _csv_pairs(where: str, text: str, names: Mapping[str, str]) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        reader = csv.reader(text.splitlines(), delimiter=delimiter_of(text))
        rows = [(number, row) for number, row in enumerate(reader, start=1) if any(map(str.strip, row))]
    except csv.Error as problem:
        raise UserError(
            f"{where}: no table of files and labels ({problem}); write a line for each: file,label"
        ) from None
    return pairs_in(where, rows, names)


def _json_pairs(where: str, text: str) -> list[tuple[str, str]] | None:
    try:
        content = parse_json(text)
    except ValueError as problem:
        raise UserError(f"{where}: not JSON ({problem}); mend it") from None
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
