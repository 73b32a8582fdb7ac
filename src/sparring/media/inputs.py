"""What a verb is given to work on: files, folders and patterns, and the name that each result has."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparring.core.errors import UserError


@dataclass(frozen=True)
class InputFile:
    """A file to read, or a folder that is read as one, and the ``name`` that its result has below the output folder."""

    path: Path
    name: Path


def find_inputs(
    inputs: Iterable[str], endings: Sequence[str], what: str, *, folders_whole: bool = False
) -> list[InputFile]:
    """Every file among ``inputs``, and those in folders that have one of ``endings``, in small letters.

    Below a folder, names keep their sub-folders; with ``folders_whole`` each folder is an input itself. ``what`` names
    the files that are wanted, in the plural. Raises :class:`UserError` for no input or one that is not there, a folder
    that holds nothing to work on, and two files whose results would have one name.
    """
    files: dict[Path, InputFile] = {}
    for text in inputs:
        for file in files_of(text, endings, what, folders_whole):
            other = files.get(file.name)
            if other and not is_same_file(file.path, other.path):
                raise UserError(
                    f"{file.path}: its result would be called {file.name} like that of {other.path}; "
                    "do one after the other, each with an --out of its own"
                )
            files[file.name] = file
    if not files:
        raise UserError(f"input: there are no files; give {what}, or folders that hold some")
    return list(files.values())


def files_of(text: str, endings: Sequence[str], what: str, folders_whole: bool) -> Iterator[InputFile]:
    """The files that one input stands for. Raises :class:`UserError` where there is none."""
    path = Path(os.path.expanduser(text))
    if not text:
        raise UserError(f"input: is empty; give {what}, or folders that hold some")
    if os.path.isdir(path):
        whole = InputFile(path, Path(path.resolve().name.replace(".", "-")))
        yield from [whole] if folders_whole else files_below(path, endings, what)
    elif os.path.exists(path):
        yield InputFile(path, Path(path.name))
    else:
        matches = sorted(glob.glob(os.path.expanduser(text), recursive=True))
        if not matches:
            raise UserError(f"{text}: no such file or folder; give {what}, or folders that hold some")
        yield from (InputFile(Path(match), Path(Path(match).name)) for match in matches if os.path.isfile(match))


def files_below(folder: Path, endings: Sequence[str], what: str) -> Iterator[InputFile]:
    """The files with these endings in a folder and its sub-folders, hidden ones left out. Raises :class:`UserError`
    without any."""
    count = 0
    for parent, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(tuple(endings)) and not name.startswith("."):
                path = Path(parent) / name
                yield InputFile(path, path.relative_to(folder))
                count += 1
    if not count:
        raise UserError(f"{folder}: holds no {what}; give a folder that does")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether both paths lead to one file."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
