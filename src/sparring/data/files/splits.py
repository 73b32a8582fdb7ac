"""Sets of files that come in folders ``train`` and ``test``: which of these are learned from, and which are kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sparring.data.files.file_set import FileSet
from sparring.data.files.labels import LABEL_FILES
from sparring.data.labels import KEPT, SPLITS, TRAINING


class Part:
    """The files of a set below one of its folders, with the names that they have there, or in the whole set."""

    def __init__(self, whole: FileSet, folder: str, *, full_names: bool) -> None:
        self.whole, self.prefix = whole, "" if full_names else f"{folder}/"
        self.where = whole.where if full_names else f"{whole.where}/{folder}"
        self.names = [name.removeprefix(self.prefix) for name in whole.names if name.startswith(f"{folder}/")]
        self.others = [name.removeprefix(self.prefix) for name in whole.others if name.startswith(self.prefix)]
        self.bad_files = whole.bad_files

    def read(self, name: str) -> Path | bytes:
        """A path to open, or the contents. Raises :class:`BadContent` where it cannot be unpacked."""
        return self.whole.read(self.prefix + name)


def to_learn_from(whole: FileSet) -> tuple[FileSet, list[str]]:
    """The part of a set to learn from, and what a person should know of the rest: all of it, unless its folders are
    called as those of ``TRAINING`` and ``KEPT`` are."""
    folders = split_folders(whole)
    training = [folder for folder in folders if last_name(folder) in TRAINING]
    if not training and len(folders) != 1:
        return whole, []
    chosen = (training or list(folders))[0]
    kept = ", ".join(f"{last_name(folder)} ({folders[folder]:,})" for folder in folders if folder != chosen)
    told = f"learned from {last_name(chosen)} ({folders[chosen]:,}) alone; kept for evaluate: {kept}; see --split"
    return part(whole, chosen), [told] if kept else []


def to_evaluate_with(whole: FileSet) -> FileSet | None:
    """The part of a set that is not learned from; None where all is."""
    folders = split_folders(whole)
    kept = sorted((name for name in folders if last_name(name) in KEPT), key=lambda name: KEPT.index(last_name(name)))
    return part(whole, kept[0]) if kept and len(folders) > len(kept) else None


def kept_of(whole: FileSet | None, data: str) -> tuple[FileSet, str] | None:
    """The part of a set at ``data`` that is not learned from, and what it is called; None where there is none."""
    kept = to_evaluate_with(whole) if whole else None
    return (kept, f"{data}/{kept.where.rpartition('/')[2]}") if kept else None


def part(whole: FileSet, folder: str) -> FileSet:
    """The part of a set below a folder; where labels stand in a file beside all, its names are those of the whole."""
    return Part(whole, folder, full_names=any(name in whole.others for name in LABEL_FILES))


def split_folders(whole: FileSet) -> Counter[str]:
    """The folders that all files are in, where each is called as a part of a set is, with the number of files in
    each: below a folder that holds everything, if there is one. Empty where they are called otherwise."""
    around = ""
    while True:
        names = (name.removeprefix(around).partition("/") for name in whole.names)
        folders = Counter(folder if slash else "" for folder, slash, _ in names)
        if all(folder.lower() in SPLITS for folder in folders):
            return Counter({around + folder: number for folder, number in sorted(folders.items())})
        if len(folders) != 1 or "" in folders:
            return Counter()
        around += f"{next(iter(folders))}/"


def last_name(folder: str) -> str:
    """The name of a folder without those around it, in small letters."""
    return folder.rpartition("/")[2].lower()
