"""The real examples that a calibration needs: those that a model was trained on, and others that it never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Batch
from sparring.data.order import evenly, held_out_count, split
from sparring.data.parts import parts_of
from sparring.data.source import Source
from sparring.kind import Say
from sparring.model import Model
from sparring.targets import own_data, places_of, real_examples

MOST = 20_000  # training examples that are learned from and compared with, spread over all of them


@dataclass(frozen=True)
class Known:
    """Some real examples: indices ``(n,)`` into a source."""

    source: Source
    indices: np.ndarray

    def examples(self, model: Model) -> Tensor:
        """The examples, comparable ``(n, ...)``."""
        return real_examples(model.modality, model.output, self.source, self.indices)

    def labels(self) -> Tensor | None:
        """Their labels ``(n,)``; None where they have none."""
        if not self.source.form.labels or "labels" not in self.source.batch(self.indices[:1]):
            return None
        return torch.cat([batch["labels"] for batch in self.batches()])

    def batches(self) -> Iterator[Batch]:
        """All of them, some at a time."""
        return (self.source.batch(part) for part in parts_of(self.source, self.indices))

    def names(self) -> list[str]:
        """What each of them is called: its file, the text that it is, or its number in the source."""
        named = getattr(self.source, "files", None) or getattr(self.source, "texts", None)
        return [str(named[index]) if named else f"{self.source.name} {index}" for index in self.indices.tolist()]


def trained_on(model: Model, data: tuple[str, ...] = ()) -> Known:
    """The examples that a model was trained on, 20,000 of them at most: those that its run names, or that lie in
    ``data`` now. Raises :class:`UserError` where nothing tells which these are, or they are not there any more."""
    source = own_source(model, data)
    return Known(source, evenly(members_of(model, source)[0], most_of(model)))


def own_source(model: Model, data: tuple[str, ...]) -> Source:
    """The data of a model's run. Raises :class:`UserError` where they are not there any more, or others are in their
    place."""
    settings = places_of(model.recipe, data) if data else own_data(model)
    source = model.modality.open_source(model.recipe.changed(settings))
    if len(source) != model.examples:
        raise UserError(
            f"{source.name}: holds {len(source):,} examples, {model.path} was trained on {model.examples:,}; bring "
            "back the data that it was trained on"
        )
    return source


def members_of(model: Model, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Indices ``(n,)`` of the examples of a model's own data that it was trained on, and of those that were held
    out."""
    count = len(source)
    return split(count, model.recipe.seed, held_out_count(model.recipe.held_out, count))


def most_of(model: Model) -> int:
    """How many examples are in memory at once, at most."""
    return min(MOST, model.modality.most_compared(model.form).reference)


def never_seen(model: Model, data: tuple[str, ...], training: Known, learned: Tensor, say: Say) -> Known:
    """Real examples that no player saw: those in ``data``, else what lies beside the training data and is kept to be
    evaluated with, else what the run held out. What is among ``learned`` too, the comparable training examples ``(n,
    ...)``, is left out. Raises :class:`UserError` where there are none, and for ``data`` that were trained on."""
    modality, recipe = model.modality, model.recipe.changed(own_data(model))
    if data:
        source = modality.open_source(model.recipe.changed(places_of(model.recipe, data)), model.form)
        indices = np.arange(len(source))
    elif (kept := modality.open_kept(recipe, model.form)) is not None:
        source, indices = kept, np.arange(len(kept))
    else:
        source, indices = training.source, members_of(model, training.source)[1]
    if not len(indices):
        raise UserError(f"{model.path}: its run held no examples out; give some that it was not trained on with --data")
    found = Known(source, evenly(indices, most_of(model)))
    known = set(digests(learned))
    seen = np.array([digest in known for digest in digests(found.examples(model))])
    if seen.any() and data:
        raise UserError(
            f"data: {int(seen.sum()):,} of {len(seen):,} examples were trained on, the first of them "
            f"{Path(found.names()[int(seen.argmax())]).name}; give examples that were not"
        )
    if seen.any():
        say(f"{int(seen.sum()):,} examples that were held out are among those trained on too; they are left out")
    return Known(source, found.indices[~seen])


def digests(examples: Tensor) -> list[bytes]:
    """Of each of the examples ``(n, ...)`` what tells it from others."""
    return [hashlib.blake2b(row.numpy().tobytes(), digest_size=16).digest() for row in examples.contiguous()]
