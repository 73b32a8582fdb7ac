"""Labels of files: from a table beside them, from their names, or from the sub-folders that they are in."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.reading import UTF_16, parse_json, read_bytes, reason
from sparring.core.terminal import quoted, shortened
from sparring.data.files.file_set import FileSet, counted_as
from sparring.data.files.label_patterns import LABEL, compared, fields_of
from sparring.data.files.label_tables import known_names, pairs_in
from sparring.data.files.options import FileSettings
from sparring.data.labels import SPLITS, numbered, numbers_in
from sparring.data.source import BadContent, BadFile, Form
from sparring.data.tables import delimiter_of

LABEL_FILES = ("labels.csv", "labels.tsv", "labels.json", "dataset.json")  # the last is NVIDIA's name
NAMED = 5  # folders that are named
SHOWN, LONGEST_SHOWN = 3, 40  # names that a pattern does not match, characters of each


class FileLabels(NamedTuple):
    """The label of each of a set's files by its name, None where the set has no labels; what a person should know of
    what was left over, a line each; and the files that are left out, because they have no label and others do."""

    label_of: dict[str, str] | None = None
    said: Sequence[str] = ()
    bad_files: Sequence[BadFile] = ()


def read_labels(file_set: FileSet, settings: FileSettings, what: str, *, strict: bool = True) -> FileLabels:
    """The labels of the files of a set, which are called ``what`` in messages, in the plural. Unless ``strict``, files
    that a model is to look at have none where ``label_pattern`` matches no name.

    Raises :class:`UserError` when a table of labels cannot be read or does not match the files, when no name matches
    ``label_pattern``, and where there are both.
    """
    if settings.labelled == "no":
        return FileLabels()
    present = [name for name in LABEL_FILES if name in file_set.others]
    if present and settings.label_pattern:
        raise UserError(f"{file_set.where}: has {present[0]}, and label_pattern is set; keep one of the two")
    if len(present) > 1:
        raise UserError(f"{file_set.where}: has {' and '.join(present)}; keep one of them")
    if present:
        return _from_table(file_set, present[0], what)
    if settings.label_pattern:
        return _from_names(file_set, settings.label_pattern, what, strict)
    return _from_folders(file_set, what)


def _from_names(file_set: FileSet, pattern: str, what: str, strict: bool) -> FileLabels:
    """What a pattern finds in names; files that it does not match are left out."""
    found = {name: fields_of(name, pattern) for name in file_set.names}
    label_of = {name: fields[LABEL] for name, fields in found.items() if fields}
    others = [name for name in file_set.names if name not in label_of]
    if not label_of and not strict:
        return FileLabels()
    if others and not label_of:
        first = ", ".join(quoted(shortened(compared(name, pattern), LONGEST_SHOWN)) for name in others[:SHOWN])
        raise UserError(
            f"{file_set.where}: label_pattern {quoted(pattern)} matches none of {len(others):,} "
            f"{counted_as(what, len(others))}, which are called {first} without their ending; change the pattern"
        )
    said = f"does not match label_pattern {quoted(pattern)}"
    return FileLabels(label_of, (), [BadFile(f"{file_set.where}/{name}", said) for name in others])


def _from_folders(file_set: FileSet, what: str) -> FileLabels:
    """The first folder of each file, where all are in several that are not called as parts of a set are."""
    first_folders = {name: name.partition("/")[0] for name in file_set.names}
    folders = set(first_folders.values())
    if (
        not all("/" in name for name in file_set.names)
        or len(folders) < 2
        or {folder.lower() for folder in folders} <= SPLITS
    ):
        return FileLabels()
    return FileLabels(first_folders, _told_of_empty_folders(file_set.where, folders, what))


def _told_of_empty_folders(where: str, labels: set[str], what: str) -> list[str]:
    """Which folders beside those that are labels hold no file of use; of a zip nothing is known."""
    if not os.path.isdir(where):
        return []
    with os.scandir(where) as entries:
        folders = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    empty = sorted(set(folders) - labels)
    named = ", ".join(shortened(name, 30) for name in empty[:NAMED])
    more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
    return [f"no {what} in {len(empty)} of the folders, which are no labels: {named}{more}"] if empty else []


class Labelled(Protocol):
    """A source whose labels, int64 ``(n,)``, can be numbered anew."""

    name: str
    form: Any
    labels: Tensor | None


S = TypeVar("S", bound=Labelled)


def given_form(source: S, form: Form) -> S:
    """The source in a form like its own, with its labels numbered as in it. Raises :class:`UserError` for one that is
    not known there."""
    numbers = numbers_in(source.form.labels, form.labels, source.name)
    if source.labels is not None:
        source.labels = torch.tensor(numbers)[source.labels]
    source.form = form
    return source


def encode(labels: Sequence[str]) -> tuple[list[str], Tensor]:
    """The distinct labels (numbers by value, then names by alphabet), int64 ``(n,)`` indices into them."""
    names, indices = numbered(labels)
    return names, torch.tensor(indices, dtype=torch.int64)


def _from_table(file_set: FileSet, name: str, what: str) -> FileLabels:
    """The content of a table of labels, which must name every file, and what of it was left over."""
    where = f"{file_set.where}/{name}"
    try:
        content = file_set.read(name)
        content = read_bytes(content) if isinstance(content, Path) else content
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except (OSError, UnicodeDecodeError, BadContent) as problem:
        raise UserError(f"{where}: cannot be read as UTF-8 text ({reason(problem)}); mend it, or remove it") from None
    known = known_names(file_set.names)
    is_json = name.endswith(".json")
    pairs, told = (_json_pairs(where, text), list[str]()) if is_json else _csv_pairs(where, text, known)
    if pairs is None:
        return FileLabels()

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
        verb = "is" if len(lacking) == 1 else "are"
        raise UserError(
            f"{where}: lacks {len(lacking):,} {counted_as(what, len(lacking))} that {verb} there, "
            f"e.g. {quoted(lacking[0])}; add it, or set labelled to no"
        )
    spare = sorted(labels.keys() - set(file_set.names))
    if spare:
        verb = "is" if len(spare) == 1 else "are"
        told.append(f"{where}: {len(spare):,} of its files {verb} not there and left out, e.g. {quoted(spare[0])}")
    return FileLabels(labels, told)


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
        raise UserError(f'{where}: write {{"file": "label"}} for each file, or {{"labels": [["file", "label"]]}}')
    return [(file, str(label)) for file, label in pairs]


def _is_pair(pair: Any) -> bool:
    return (
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], str | int)
    )
