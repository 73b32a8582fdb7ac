"""Chords, behind the door that every modality has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from sparring.chords.data import NOTES, ChordForm, ChordSource, open_source
from sparring.chords.game import ChordGame
from sparring.chords.recipes import ENTRY
from torch import Tensor

from sparring.core.files import may_write, write_atomically
from sparring.core.game import Batch, Game, Networks
from sparring.core.recipe import Recipe
from sparring.data.source import Form
from sparring.metrics.features import Features
from sparring.modality import Artifact, Modality


class Chords(Modality):
    """Sets of notes, float ``(n, 12)`` of 0 and 1."""

    entry = ENTRY
    form = ChordForm

    def open_source(self, recipe: Recipe, form: Form | None = None) -> ChordSource:
        """The chords that the recipe names. Raises :class:`UserError`."""
        return open_source(recipe, form)

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game on chords of these kinds."""
        return ChordGame(recipe, form)

    def write(
        self,
        samples: Tensor,
        out: Path,
        *,
        form: Form,
        labels: Sequence[str] | None,
        note: Mapping[str, Any],
        options: Mapping[str, Any],
        overwrite: bool,
    ) -> list[Path]:
        """Write chords ``(n, 12)``, one a line. Raises :class:`UserError` for another ending."""
        may_write(out, (".txt", ".chords"), "chords are", overwrite)
        names = labels or ["chord"] * len(samples)
        write_atomically(
            out, "".join(f"{n}: {t}\n" for n, t in zip(names, self.to_python(samples), strict=True)).encode()
        )
        return [out]

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """A dozen chords as text."""
        output = game.outputs[""]
        chords = output.finish(output.generate(networks, game.conditions(12), seed=seed))
        return Artifact("generated chords", "text/plain", "\n".join(self.to_python(chords)).encode())

    def to_python(self, samples: Tensor) -> list[str]:
        """Chords ``(n, 12)`` as the names of their notes."""
        return [" ".join(note for note, there in zip(NOTES, row, strict=True) if there) for row in samples.tolist()]

    def comparable(self, finished: Tensor) -> Tensor:
        """Chords ``(n, 12)`` as they are."""
        return finished.cpu()

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """The twelve numbers of chords ``(n, 12)`` themselves."""
        return Features("notes", "none", lambda chords: chords.float())
