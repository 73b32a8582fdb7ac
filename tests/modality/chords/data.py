"""Chords from a text file, one a line: ``major: C E G``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sparring.chords.recipes import ChordRecipe
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile, Form

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7)}


@dataclass(frozen=True, kw_only=True)
class ChordForm(Form):
    """Chords of the twelve notes of an octave."""

    notes: int = len(NOTES)


class ChordSource:
    """Chords in memory, with the kind of each. Raises :class:`UserError` for fewer than 16 of them, or a kind that is
    not in ``form``, which is that of a model."""

    in_memory = True

    def __init__(self, name: str, lines: list[str], form: ChordForm | None) -> None:
        self.name, self.bad_files = name, []
        kinds, rows = [], []
        for number, line in enumerate(lines, 1):
            kind, _, notes = line.partition(":")
            if not set(notes.split()) <= set(NOTES) or not notes.split():
                self.bad_files.append(BadFile(f"{name}:{number}", "not a kind, a colon and notes"))
                continue
            kinds.append(kind.strip())
            rows.append([note in notes.split() for note in NOTES])
        if len(rows) < 16:
            raise UserError(f"{name}: {len(rows)} chords are too few, write 16 or more, each as 'major: C E G'")
        labels = form.labels if form else tuple(sorted(set(kinds)))
        strange = set(kinds) - set(labels)
        if strange:
            raise UserError(f"{name}: kind '{strange.pop()}' is not one that the model knows")
        self.form = ChordForm(labels=labels)
        self.notes = torch.tensor(rows)
        self.labels = torch.tensor([labels.index(kind) for kind in kinds])

    def __len__(self) -> int:
        return len(self.notes)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``notes`` bool ``(n, 12)`` and ``labels`` int64 ``(n,)`` at ``indices`` ``(n,)``."""
        return {"notes": self.notes[indices], "labels": self.labels[indices]}


def open_source(recipe: ChordRecipe, form: ChordForm | None) -> ChordSource:
    """The chords that the recipe names. Raises :class:`UserError` when there are none."""
    if recipe.data == "triads":
        lines = [
            f"{kind}: {' '.join(NOTES[(root + step) % 12] for step in steps)}"
            for kind, steps in TRIADS.items()
            for root in range(12)
        ]
        return ChordSource("triads", lines * 40, form)
    path = Path(recipe.data)
    if not path.is_file():
        raise UserError(f"{path}: no such file of chords")
    return ChordSource(str(path), path.read_text().splitlines(), form)
