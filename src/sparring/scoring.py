"""What a model thinks of single examples: a row for each, from its discriminator unless the modality knows more."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import may_write, write_text
from sparring.core.game import Batch, rows
from sparring.data.source import Source
from sparring.kind import Kind, Say
from sparring.model import Model
from sparring.options import ScoreOptions

TABLES = (".tsv", ".csv", ".jsonl")
CHUNK = 512  # examples at a time
SHOWN = 20  # rows in the words for a person


@dataclass(frozen=True)
class Table:
    """A row of plain values for each example, and ``summary``, plain values of all of them; ``text`` is for a person at
    a terminal."""

    rows: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    def write(self, path: Path, overwrite: bool) -> None:
        """Write the rows as ``.tsv``, ``.csv`` or ``.jsonl``. Raises :class:`UserError` for another ending, and for a
        file that is there unless ``overwrite``."""
        may_write(path, TABLES, "scores are", overwrite)
        delimiter = "\t" if path.suffix == ".tsv" else ","
        text = as_json_lines(self.rows) if path.suffix == ".jsonl" else as_table(self.rows, delimiter)
        write_text(path, text)


def as_json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_table(rows: Sequence[Mapping[str, Any]], delimiter: str) -> str:
    """A heading, and a line for each row; cells are quoted where they need it."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@torch.no_grad()
def score_by_discriminator(modality: Kind, model: Model, options: ScoreOptions, say: Say) -> Table:
    """The discriminator's logit of each example in the files, higher for what it takes for real; under
    ``options.label``, the label that came with the example, or each label in turn, of which the highest counts.

    Raises :class:`UserError` for files that hold no examples of the model's form, a label that it does not know, and a
    model whose discriminator has not learned yet.
    """
    scored: list[dict[str, Any]] = []
    for file in options.files:
        source = modality.open_source(model.recipe.changed({"data": file}), model.form)
        scored += rows_of(model, source, options.label or None)
        for bad in source.bad_files:  # a source that streams finds them while it is read
            say(f"skipped {bad.path}: {bad.reason}")
    mean = fmean(row["score"] for row in scored)
    lines = [f"{row['score']:10.3f}  {row['label'] or '':12}  {row['example']}" for row in scored[:SHOWN]]
    more = [f"and {len(scored) - SHOWN:,} more; --out scores.tsv has all"] if len(scored) > SHOWN else []
    about = f"{len(scored):,} examples, mean score {mean:.3f}: logits of the discriminator, no calibrated probabilities"
    text = "\n".join([f"{'score':>10}  {'label':12}  example", *lines, *more, about])
    return Table(scored, {"count": len(scored), "score": mean, "calibrated": False}, text)


def rows_of(model: Model, source: Source, label: str | None) -> list[dict[str, Any]]:
    """A row for each example of a source. Raises :class:`UserError` for a discriminator that has not learned yet."""
    names = getattr(source, "files", None) or [f"{source.name} {number}" for number in range(len(source))]
    result: list[dict[str, Any]] = []
    for indices in np.split(np.arange(len(source)), range(CHUNK, len(source), CHUNK)):
        batch = model.on_device(source.batch(indices))
        labels = labels_to_try(model, batch, label)
        tried_logits = [
            model.output.logits(model.networks, {**batch, "labels": tried}, model.output.real(batch))
            for tried in labels
        ]
        logits = [each for each in tried_logits if each is not None]
        if not logits:
            raise UserError(f"{model.path}: its discriminator has not learned yet; train on")
        scores, best = torch.stack(logits).float().max(0)
        chosen = torch.stack(labels).gather(0, best[None])[0]
        result += [
            {"example": str(names[index]), "label": model.labels[of] if model.labels else None, "score": score}
            for index, of, score in zip(indices.tolist(), chosen.tolist(), scores.tolist(), strict=True)
            if index not in getattr(source, "dead", ())  # of a bad file another one stands in its place
        ]
    return result


def labels_to_try(model: Model, batch: Batch, label: str | None) -> list[Tensor]:
    """The labels ``(rows,)`` that a batch is scored under: ``label``, its own, or else each that the model knows.
    Raises :class:`UserError` for a label that the model does not know."""
    index = model.label_index(label)
    if index is None and "labels" in batch:
        return [batch["labels"]]
    wanted = range(max(1, len(model.labels))) if index is None else [index]
    return [torch.full((rows(batch),), each, device=model.device) for each in wanted]
