"""Where files stand: a folder, a zip, or one file. Each lists names and gives contents; all travel to workers."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from sparring.core.errors import UserError
from sparring.core.reading import open_zip, reason, zip_member
from sparring.data.source import BadContent, BadFile


class FileSet(Protocol):
    """Files by name; a name is the path below ``where``, with forward slashes."""

    where: str  # what stands before a name in messages
    names: list[str]  # of the modality's files, sorted
    others: list[str]  # of all other files, sorted
    bad_files: list[BadFile]  # folders that could not be looked into

    def read(self, name: str) -> Path | bytes:
        """A path to open, or the contents. Raises :class:`BadContent` where it cannot be unpacked."""


def ends_as(name: str, endings: tuple[str, ...]) -> bool:
    """Whether a file's name has one of these endings, given in small letters, in small or large ones."""
    return name.lower().endswith(endings)


def _is_hidden(name: str) -> bool:
    """Dot files and what macOS puts into a zip beside every file."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


class Folder:
    """All files below a folder; linked folders are followed, each once. Raises :class:`UserError` for a folder that
    cannot be read."""

    def __init__(self, root: Path, endings: tuple[str, ...]) -> None:
        self.root = root
        self.where = str(root)
        self.bad_files: list[BadFile] = []
        files = sorted(self._walk())
        self.names = [name for name in files if ends_as(name, endings)]
        self.others = [name for name in files if not ends_as(name, endings)]

    def read(self, name: str) -> Path:
        """The path of the file of that name."""
        return self.root / name

    def _walk(self) -> list[str]:
        names, seen = [], set()
        for folder, below, files in os.walk(self.root, onerror=self._closed, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:  # a link to a folder above would never end
                below.clear()
                continue
            seen.add(real)
            below[:] = sorted(name for name in below if not _is_hidden(name))
            start = Path(folder).relative_to(self.root)
            names += [(start / name).as_posix() for name in files if not _is_hidden(name)]
        return names

    def _closed(self, problem: OSError) -> None:
        if problem.filename == str(self.root):
            raise UserError(f"{self.root}: cannot be read ({problem.strerror}); change its permissions")
        self.bad_files.append(BadFile(str(problem.filename), "no permission to look into this folder"))


class SingleFile:
    """One file of any ending, and nothing that is beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path.parent)
        self.names, self.others = [path.name], list[str]()
        self.bad_files: list[BadFile] = []

    def read(self, name: str) -> Path:
        """The path of the file."""
        return self.path


class Archive:
    """All files in a zip. Each process opens it for itself: a shared file handle would mix up positions. Raises
    :class:`UserError` for a file that is no readable zip."""

    def __init__(self, path: Path, endings: tuple[str, ...]) -> None:
        self.path = path
        self.bad_files: list[BadFile] = []
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        try:
            names = [member.filename for member in self._zip().infolist()]
        except OSError as problem:
            raise UserError(f"{path}: {problem.strerror}; pack the files anew") from None
        members = [name for name in names if name and not name.endswith("/")]  # no folders, and none without a name
        inside = {_below_the_root(member): member for member in members}  # two of one name: the last one counts
        files = sorted(name for name in inside if not _is_hidden(name))
        top = _common_folder([name for name in files if ends_as(name, endings)])
        self.where = f"{path}/{top}".rstrip("/")
        self.members = {name.removeprefix(top): inside[name] for name in files}
        self.names = [name for name in self.members if ends_as(name, endings)]
        self.others = [name for name in self.members if not ends_as(name, endings)]

    def read(self, name: str) -> bytes:
        """The contents of the file of that name. Raises :class:`BadContent` where it cannot be unpacked."""
        try:
            return zip_member(self._zip(), self._zip().getinfo(self.members[name]))
        except Exception as problem:  # damaged, encrypted, compressed in an unknown way, too large
            raise BadContent(f"cannot be unpacked ({reason(problem)})") from None

    def _zip(self) -> zipfile.ZipFile:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), open_zip(self.path))
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def files_at(path: Path, endings: tuple[str, ...]) -> FileSet | None:
    """The files with these endings in a zip or a folder; None for anything else. Raises :class:`UserError` for one that
    cannot be read."""
    if path.suffix == ".zip" and path.is_file():
        return Archive(path, endings)
    return Folder(path, endings) if path.is_dir() else None


def _below_the_root(name: str) -> str:
    """A name in a zip as a path below its root: whoever packed it may have written ``./a``, ``/a`` or ``../a``."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", ".."))


def _common_folder(names: list[str]) -> str:
    """``"pets/"`` when every file is inside ``pets``: people zip the folder, not what is in it."""
    if not names:
        return ""
    first = PurePosixPath(names[0]).parts[:-1]
    shared = 0
    while shared < len(first) and all(
        PurePosixPath(name).parts[:-1][: shared + 1] == first[: shared + 1] for name in names
    ):
        shared += 1
    return "".join(f"{part}/" for part in first[:shared])


# What is said where there is nothing to read


def nothing_in(file_set: FileSet, endings: tuple[str, ...], what: str, whole: tuple[str, ...] = (".zip",)) -> UserError:
    """That a set holds none of a modality's files, ``what`` in the plural; files with an ending among ``whole``, which
    hold many examples each, are named to be given instead."""
    held = [name for name in file_set.others if name.endswith(whole)]
    hint = f"give {file_set.where}/{held[0]} instead" if held else f"it needs files that end in {' '.join(endings)}"
    return UserError(f"{file_set.where}: holds no {what}; {hint}")


def too_few(where: str, good: int, least: int, bad_files: Sequence[BadFile], what: str) -> UserError:
    """That only so many files are good, ``what`` in the plural, where ``least`` are needed, and what is wrong with the
    first of the others."""
    message = f"{where}: {good} good {counted_as(what, good)}, at least {least} are needed"
    if not bad_files:
        return UserError(message + "; add more")
    first = ", ".join(f"{bad.path.removeprefix(where + '/')} ({bad.reason})" for bad in bad_files[:3])
    more = ", ..." if len(bad_files) > 3 else ""
    return UserError(f"{message}; {len(bad_files)} bad: {first}{more}; mend these or add more")


def counted_as(what: str, number: int) -> str:
    """``what``, a plural that ends in s, in the form that a number of them has."""
    return what.removesuffix("s") if number == 1 else what
