"""What reading a file of text comes to: its texts with their labels, and the places that could not be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sparring.data.source import BadFile


class BadText(Exception):
    """A file that cannot be used; says why and how to mend it, but not where: the caller knows the path."""


@dataclass
class Found:
    """Texts as they stand in a file, each with its label, None where nothing gives one."""

    pairs: list[tuple[str, str | None]] = field(default_factory=list)
    bad_files: list[BadFile] = field(default_factory=list)


def gather(rows: Iterable[tuple[str, str, str | None]], bad_files: Iterable[BadFile] = ()) -> Found:
    """Of rows of place, text and label. Where some rows have a label, those without one are bad."""
    rows = list(rows)
    found = Found(bad_files=list(bad_files))
    labelled = any(label for _, _, label in rows)
    for place, text, label in rows:
        if labelled and not label:
            found.bad_files.append(BadFile(place, "has no label"))
        else:
            found.pairs.append((text, label or None))
    return found
