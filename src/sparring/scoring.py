"""What a model thinks of single examples: a row for each, from its discriminator unless the modality knows more."""

from __future__ import annotations

import csv
import io
import json
import math
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
from sparring.core.likelihood import LikelihoodGame
from sparring.data.source import Source
from sparring.kind import Artifact, Kind, Say
from sparring.model import Model
from sparring.options import ScoreOptions
from sparring.probability.scores import Scorer, in_words, scorer_of

TABLES = (".tsv", ".csv", ".jsonl")
CHUNK = 512  # examples at a time
SHOWN = 20  # rows in the words for a person
SHOWN_COLUMNS = ("p_value", "decision", "p_real", "nats", "label", "label_probability", "example", "nearest")
NUMBERS = {"score": 10, "nats": 10, "p_real": 8, "p_value": 8}  # columns, by their width
WIDTHS = {**NUMBERS, "decision": 8, "label": 12, "label_probability": 8}


@dataclass(frozen=True)
class Table:
    """A row of plain values for each example, and ``summary``, plain values of all of them; ``text`` is for a person at
    a terminal, and ``drawn`` shows some of the examples, by their names."""

    rows: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    drawn: Mapping[str, Artifact] = field(default_factory=dict)

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
    """A row for each example in the files: the discriminator's logit, higher for what it takes for real, the
    log-likelihood in nats where the generator knows it, and where the model is calibrated what :class:`Scorer` tells.
    The label is ``options.label``, the one that came with the example, by a calibration the likeliest, or else that
    under which the logit is highest.

    Raises :class:`UserError` for files that hold no examples of the model's form, a label that it does not know, and a
    model that knows no likelihood, whose discriminator has not learned yet.
    """
    model.label_index(options.label or None)
    scorer = scorer_of(model, options, say)
    scored: list[dict[str, Any]] = []
    for file in options.files:
        source = modality.open_source(model.recipe.changed({"data": file}), model.form)
        scored += rows_of(model, source, options.label or None, scorer)
        for bad in source.bad_files:  # a source that streams finds them while it is read
            say(f"skipped {bad.path}: {bad.reason}")
    means: dict[str, Any] = {name: mean_of(scored, name) for name in ("score", "nats") if name in scored[0]}
    summary = {"count": len(scored), **means, "calibrated": scorer is not None}
    if scorer is None:
        return Table(scored, summary, as_text(scored, ("score", "nats", "label", "example"), in_means(summary)))
    decided = scorer.decide(scored)
    text = as_text(by_oddness(scored), SHOWN_COLUMNS, in_words(decided, len(scored)))
    return Table(scored, {**summary, **decided}, text, scorer.drawn())


def by_oddness(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows with the smallest p-value first."""
    return sorted(rows, key=lambda row: (row["p_value"], row["p_real"]))


def mean_of(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The mean of a column; None where it holds no numbers."""
    known = [row[name] for row in rows if row[name] is not None]
    return fmean(known) if known else None


def in_means(summary: Mapping[str, Any]) -> str:
    """What the rows of a model without a calibration are, for a person."""
    told = [f"{summary['count']:,} examples"]
    if summary["score"] is not None:
        told.append(f"mean score {summary['score']:.3f}: logits of the discriminator, no calibrated probabilities")
    if "nats" in summary:
        told.append(f"mean log-likelihood {summary['nats']:.3f} nats, by which nothing is decided")
    return ", ".join(told)


def as_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], about: str) -> str:
    """The first rows as a person reads them, and what is to be known of all of them."""
    shown = [name for name in columns if name in rows[0]]
    head = "  ".join(cell(name, name) for name in shown)
    lines = ["  ".join(cell(name, row[name]) for name in shown) for row in rows[:SHOWN]]
    more = [f"and {len(rows) - SHOWN:,} more; --out scores.tsv has all"] if len(rows) > SHOWN else []
    return "\n".join([head, *lines, *more, about])


def cell(name: str, value: Any) -> str:
    """A value, or the column's ``name``, in the width of its column."""
    if isinstance(value, float):
        return f"{value:10.3f}" if name in ("score", "nats") else f"{value:8.4f}"
    width = WIDTHS.get(name, 0)
    return f"{value or '':>{width}}" if name in NUMBERS else f"{value or '':{width}}"


def rows_of(model: Model, source: Source, label: str | None, scorer: Scorer | None) -> list[dict[str, Any]]:
    """A row for each example of a source. Raises :class:`UserError` where nothing that has learned could score it."""
    names = getattr(source, "files", None) or [f"{source.name} {number}" for number in range(len(source))]
    result: list[dict[str, Any]] = []
    for indices in np.split(np.arange(len(source)), range(CHUNK, len(source), CHUNK)):
        batch = source.batch(indices)
        given = labels_of(model, batch, label)
        examples = model.modality.real_examples(model.output, batch) if scorer else torch.empty(0)
        judged = scorer.rows(examples, given) if scorer else [{} for _ in indices]
        batch, tried = model.on_device(batch), labels_to_try(model, given, judged)
        logits, nats = logits_of(model, batch, tried), nats_of(model, batch, tried)
        if logits is None and nats is None and scorer is None:
            why = (
                "its discriminator has not learned yet; train on, or"
                if "discriminator" in model.networks
                else "no discriminator;"
            )
            raise UserError(f"{model.path}: {why} let one learn by: sparring calibrate {model.path}")
        alive = [  # of a bad file another one stands in its place
            row for row, index in enumerate(indices.tolist()) if index not in getattr(source, "dead", ())
        ]
        found: list[dict[str, Any]] = [
            {"example": str(names[indices[row]]), **own, **judged[row]}
            for row, own in enumerate(own_columns(model, tried, logits, nats))
            if row in alive
        ]
        if scorer:
            scorer.keep(found, [row["example"] for row in found], examples[alive])
        result += found
    return result


def own_columns(
    model: Model, tried: Sequence[Tensor], logits: Tensor | None, nats: Tensor | None
) -> list[dict[str, Any]]:
    """What the model itself tells of each example, by logits and log-likelihoods ``(labels, rows)`` under the labels
    that were ``tried``, ``(rows,)`` each: the highest logit, the likelihood under any of them, and the label that is
    likeliest by the first of these that is known."""
    labels, known = torch.stack(list(tried)).cpu(), nats if logits is None else logits
    best = labels[0] if known is None else labels.gather(0, known.argmax(0, keepdim=True))[0]
    columns: dict[str, Sequence[Any]] = {
        "label": [model.labels[index] if model.labels else None for index in best.tolist()],
        "score": [None] * len(best) if logits is None else logits.amax(0).tolist(),
    }
    if nats is not None:
        columns["nats"] = (nats.logsumexp(0) - math.log(len(tried))).tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def logits_of(model: Model, batch: Batch, labels: Sequence[Tensor]) -> Tensor | None:
    """The discriminator's logits of each example of a batch under several labels ``(rows,)``, ``(labels, rows)`` on the
    CPU; None where there is no discriminator that has learned."""
    tried = [
        model.output.logits(model.networks, {**batch, "labels": each}, model.output.real(batch)) for each in labels
    ]
    logits = [each for each in tried if each is not None]
    return torch.stack(logits).float().cpu() if logits else None


def nats_of(model: Model, batch: Batch, labels: Sequence[Tensor]) -> Tensor | None:
    """The exact log-likelihoods of each example of a batch in nats under several labels ``(rows,)``, ``(labels,
    rows)``; None where the generator does not know them."""
    game = model.output
    if not isinstance(game, LikelihoodGame):
        return None
    return torch.stack([game.log_likelihood(model.networks, {**batch, "labels": each}) for each in labels])


def labels_of(model: Model, batch: Batch, label: str | None) -> Tensor | None:
    """The labels ``(rows,)`` of a batch: ``label``, or those that came with it; None where there are none. Raises
    :class:`UserError` for a label that the model does not know."""
    index = model.label_index(label)
    return batch.get("labels") if index is None else torch.full((rows(batch),), index)


def labels_to_try(model: Model, given: Tensor | None, judged: Sequence[Mapping[str, Any]]) -> list[Tensor]:
    """The labels ``(rows,)`` that examples are scored under: those that are ``given`` ``(rows,)``, the likeliest by
    what is ``judged`` of each, or else each that the model knows."""
    count, names = len(judged), model.labels
    if given is None and names and "label" in judged[0]:
        given = torch.tensor([names.index(row["label"]) for row in judged])
    tried = [torch.full((count,), index) for index in range(max(1, len(names)))] if given is None else [given]
    return [labels.to(model.device) for labels in tried]
