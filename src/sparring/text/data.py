"""Lines to train on: from whatever ``data`` names, as numbers of units, with what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.text import grammar
from sparring.text.reading.lines import Lines, read_lines
from sparring.text.recipes import TextRecipe
from sparring.text.vocabulary import END, PAD, Vocabulary

DRAWN = 10_000  # lines of the grammar that are trained on


class TextSource:
    """Lines in memory, as text and as units."""

    in_memory = True

    def __init__(self, name: str, lines: Lines, recipe: TextRecipe, form: Mapping[str, Any] | None = None) -> None:
        self.name, self.texts, self.bad_files = name, lines.texts, list(lines.bad_files)
        if form is None:
            self.vocabulary = Vocabulary.learn(lines.texts, recipe.unit, recipe.vocabulary, recipe.least_count)
            self.names = lines.names
        else:
            self.vocabulary, self.names = Vocabulary.of_form(form["vocabulary"]), list(form["labels"])
        encoded = [self.vocabulary.encode(text) for text in lines.texts]
        places = form["places"] if form else min(max(map(len, encoded)), recipe.length) + 1
        self.lines = torch.stack([as_row(units, places) for units in encoded])
        self.labels = None if lines.labels is None else self.numbered(lines)
        self.form: dict[str, Any] = {
            "labels": self.names,
            "places": places,
            "units": len(self.vocabulary),
            "cut": sum(len(units) >= places for units in encoded),
            "mean_units": float((self.lines != PAD).sum() / len(self.lines)),
            "vocabulary": self.vocabulary.form(),
        }

    def numbered(self, lines: Lines) -> Tensor:
        """Labels by their places in ``names``. Raises :class:`UserError` for one that is not among them."""
        assert lines.labels is not None
        strange = sorted(set(lines.names) - set(self.names))
        if strange:
            raise UserError(f"{self.name}: unknown label '{strange[0]}'; the model knows {', '.join(self.names[:20])}")
        places = torch.tensor([self.names.index(name) for name in lines.names])
        return places[torch.tensor(lines.labels)]

    def __len__(self) -> int:
        return len(self.lines)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``lines`` int64 ``(n, places)`` and, if any, ``labels`` int64 ``(n,)``."""
        chosen = torch.from_numpy(indices)
        batch = {"lines": self.lines[chosen]}
        return batch if self.labels is None else {**batch, "labels": self.labels[chosen]}


def as_row(units: list[int], places: int) -> Tensor:
    """Units, their end, and nothing more up to ``places``; without an end where they are too many."""
    row = torch.full((places,), PAD)
    ended = [*units, END][:places]
    row[: len(ended)] = torch.tensor(ended)
    return row


def open_source(recipe: TextRecipe, form: Mapping[str, Any] | None = None) -> TextSource:
    """The lines that ``recipe.data`` names; in the vocabulary of ``form``, where that of a model is given.

    Raises :class:`UserError` when there are none to be had.
    """
    if recipe.data == "topics":
        return drawn(DRAWN, 0, recipe, form)
    return TextSource(recipe.data, read_lines(recipe), recipe, form)


def drawn(count: int, seed: int, recipe: TextRecipe, form: Mapping[str, Any] | None = None) -> TextSource:
    """Lines of the bundled grammar, in the vocabulary of ``form``, where that of a model is given."""
    texts, labels = grammar.draw(count, seed)
    return TextSource("topics", Lines(texts, labels, list(grammar.NAMES), []), recipe, form)
