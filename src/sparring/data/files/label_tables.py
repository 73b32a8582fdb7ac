"""Tables of labels as people have them: with headings and more columns, names of files with or without their folder and
ending."""

from __future__ import annotations

from collections.abc import Container, Sequence

from sparring.core.errors import UserError
from sparring.core.terminal import shortened

FILES = ("file", "filename", "file_name", "image", "name", "path", "image_name", "image_path", "image_id", "id", "img",
         "fname", "sound", "audio", "audio_file", "audio_path")  # fmt: skip
LABELS = ("label", "labels", "class", "class_name", "category", "target", "y")
"""What the columns of files and of labels are called, in small letters, best first."""

Rows = Sequence[tuple[int, list[str]]]
"""Rows with the number of their line."""


def pairs_in(where: str, rows: Rows, names: Container[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The file and the label of each row, and what a person should know of the other columns: the columns are told by
    headings, where no cell of the first line is among ``names``, or else are two, the file first. Raises
    :class:`UserError` where they cannot be told."""
    if not rows:
        return [], []
    headings = [cell.strip().lower() for cell in rows[0][1]]
    is_heading = not any(cell.strip() in names for cell in rows[0][1])
    wide = next(((number, row) for number, row in rows if len(row) != len(headings)), None)
    if wide:
        raise UserError(
            f"{where}: line {wide[0]} has {len(wide[1])} columns and the first {len(headings)}; make them equally many"
        )
    file, label = (_find(headings, known) if is_heading else None for known in (FILES, LABELS))
    if len(headings) == 2:
        if file is None and label is None:  # no headings
            return [(row[0].strip(), row[1].strip()) for _, row in rows], []
        file = 1 - label if file is None and label is not None else file
        label = 1 - file if label is None and file is not None else label
    if file is None or label is None or file == label:
        raise UserError(
            f"{where}: has {len(headings)} columns, and its first line does not tell which of them are file and label; "
            "call them 'file' and 'label' there"
        )
    others = [heading for index, heading in enumerate(headings) if index not in (file, label)]
    unused = "1 other column is" if len(others) == 1 else f"{len(others)} other columns are"
    told = [f"{where}: labels from column '{shortened(headings[label])}'; {unused} not used"]
    return [(row[file].strip(), row[label].strip()) for _, row in rows[1:]], told if others else []


def _find(headings: Sequence[str], known: Sequence[str]) -> int | None:
    return next((headings.index(name) for name in known if name in headings), None)


def known_names(names: Sequence[str]) -> dict[str, str]:
    """The names of a set by what tables may call them: as they are, without their ending, without their folders,
    without both; what could be several is none of them."""
    known: dict[str, str] = {}
    for short in (_without_ending, _last_part, lambda name: _without_ending(_last_part(name))):
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(short(name), []).append(name)
        for called, meant in found.items():
            if len(meant) == 1:
                known.setdefault(called, meant[0])
    return {**known, **{name: name for name in names}}


def _without_ending(name: str) -> str:
    return name.rpartition(".")[0]


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]
