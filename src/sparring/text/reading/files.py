"""A file of text, read as its ending says, or a folder of them, whose labels are its sub-folders, or else its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from sparring.data.labels import SPLITS, TRAINING
from sparring.data.source import BadFile
from sparring.text.reading.content import BadText, ReadText, left_aside, read_text, split_lines
from sparring.text.reading.json_files import read_json, read_json_lines
from sparring.text.reading.tables import read_table
from sparring.text.recipes import TextRecipe

READERS: dict[str, Callable[[Path, str, TextRecipe], ReadText]] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}
ASIDE = {"readme", "source", "license", "licence", "copying", "notice", "citation"}  # files about the others

Parts = tuple[str, ...]  # of a path below the folder


def read_file(path: Path, recipe: TextRecipe) -> ReadText:
    """The texts of one file; every ending that is not known means one sentence a line. Raises :class:`BadText` when it
    cannot be used."""
    content = read_text(path)
    if reader := READERS.get(path.suffix.lower()):
        return reader(path, content, recipe)
    return ReadText([(line, None) for line in split_lines(content)])


def read_folder(root: Path, recipe: TextRecipe) -> ReadText:
    """All files below ``root`` in alphabetical order; those that cannot be used are bad.

    Labels inside files come before those that their paths give. Raises :class:`BadText` when no file is of use.
    """
    content = ReadText()
    found = sorted(_walk(root, content.bad_files))
    files = _to_learn_from(found)
    if not files:
        raise BadText("holds no text; put files of one sentence a line into it")
    if len(files) < len(found):
        content.said.append(left_aside(len(files), len(found) - len(files), "file"))
    inside = _read_each([root.joinpath(*file) for file in files], recipe, content.bad_files)
    if not inside:
        raise BadText(_none_good(root, content.bad_files))
    labelled = any(label for read in inside.values() for _, label in read.pairs)
    for file, path_label in zip(files, labels_of(files), strict=True):
        path = root.joinpath(*file)
        if (read := inside.get(path)) is None:
            continue
        if labelled and not any(label for _, label in read.pairs):
            content.bad_files.append(BadFile(str(path), "names no labels inside, as other files here do"))
            continue
        content.bad_files += read.bad_files
        content.said += read.said
        content.pairs += [(text, label or path_label) for text, label in read.pairs]
    return content


def _read_each(paths: list[Path], recipe: TextRecipe, bad_files: list[BadFile]) -> dict[Path, ReadText]:
    """What is in those of the files that can be used, by path; the others are noted in ``bad_files``."""
    inside = {}
    for path in paths:
        try:
            inside[path] = read_file(path, recipe)
        except BadText as problem:
            bad_files.append(BadFile(str(path), str(problem)))
    return inside


def _none_good(root: Path, bad_files: list[BadFile]) -> str:
    last = bad_files[-1]
    return f"not one of its files can be used, e.g. {Path(last.path).relative_to(root).as_posix()}: {last.reason}"


def labels_of(files: list[Parts]) -> list[str | None]:
    """For each file: the sub-folder it is in, where all are in one; else its name, without its ending.

    A single file has no label. Where only endings differ, as in reviews.pos and reviews.neg, these are the labels.
    """
    if len(files) == 1:
        return [None]
    depth = 0
    while all(len(file) > depth + 1 for file in files) and len({file[depth] for file in files}) == 1:
        depth += 1  # a folder that holds everything says nothing
    below = [file[depth:] for file in files]
    if all(len(file) > 1 for file in below):
        return [file[0] for file in below]
    paths = [PurePosixPath(*file) for file in below]
    if len({path.with_suffix("") for path in paths}) == 1:
        return [path.suffix.removeprefix(".") or path.name for path in paths]
    return [str(path.with_suffix("")) for path in paths]


def _to_learn_from(files: list[Parts]) -> list[Parts]:
    """The files below a folder called train, where the others are called test and the like, which are to measure by."""
    if not files or len({file[0] for file in files}) == 1:
        inner = [file[1:] for file in files if len(file) > 1]
        return [(files[0][0], *file) for file in _to_learn_from(inner)] if inner else files
    split = {file[0]: PurePosixPath(file[0]).stem.lower() for file in files}
    training = {first for first, name in split.items() if name in TRAINING}
    if not training or not SPLITS.issuperset(split.values()):
        return files
    return [file for file in files if file[0] in training]


def _walk(root: Path, bad_files: list[BadFile]) -> list[Parts]:
    """All files below but hidden ones and those about the others; linked folders are followed, each once."""

    def closed(problem: OSError) -> None:
        if problem.filename == str(root):
            raise BadText(f"cannot be read ({problem.strerror}); change its permissions")
        bad_files.append(BadFile(str(problem.filename), "no permission to look into this folder"))

    files: list[Parts] = []
    seen = set()
    for folder, below, names in os.walk(root, onerror=closed, followlinks=True):
        below[:] = sorted(name for name in below if not _is_hidden(name))
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above would never end
            below.clear()
            continue
        seen.add(real)
        start = Path(folder).relative_to(root).parts
        files += [(*start, name) for name in names if not _is_hidden(name) and not _is_aside(name)]
    return files


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_aside(name: str) -> bool:
    return PurePosixPath(name).stem.lower() in ASIDE
