"""``sparring score`` for text: how likely lines are, how real the discriminator finds them, and which label fits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.settings import nearest
from sparring.core.terminal import quoted, shortened
from sparring.modality import Artifact, Say
from sparring.model import Model
from sparring.options import ScoreOptions
from sparring.probability.scores import in_words, scorer_of
from sparring.scoring import SHOWN, Table, by_oddness
from sparring.text.data import as_row
from sparring.text.game import TextGame
from sparring.text.reading.content import BadText
from sparring.text.reading.files import read_file
from sparring.text.reading.lines import as_label, clean
from sparring.text.vocabulary import END, PAD

CHUNK = 1024  # lines at a time


@dataclass(frozen=True)
class ScoredLine:
    """A line: ``nats`` is its log-likelihood, the end of the line included, exactly as the generator gives it.

    ``asked`` is the label that came with it. Without one, the likelihood is the mean over all labels, and the
    discriminator is asked under the likeliest, ``label``, whose probability by the generator (all labels equally likely
    beforehand) is ``label_probability``. ``score`` is the discriminator's logit, higher for what it takes for real and
    no probability; None before the discriminator has learned.
    """

    text: str
    nats: float
    tokens: int
    nats_per_token: float
    score: float | None
    asked: str | None
    label: str | None
    label_probability: float | None
    cut: bool
    """Whether the line was longer than the model's lines are."""


def score_lines(model: Model, game: TextGame, options: ScoreOptions, say: Say) -> Table:
    """Score each line of ``options.files``, under ``options.label`` or the labels in the files.

    Raises :class:`UserError` for files that hold no text, and labels that the model does not know.
    """
    label = options.label or None
    pairs = [pair for file in options.files for pair in read_pairs(Path(file), model, game, label, say)]
    starts = range(0, len(pairs), CHUNK)
    lines = [line for start in starts for line in score_pairs(model, game, pairs[start : start + CHUNK])]
    scores = [line.score for line in lines if line.score is not None]
    rows, decided, drawn = judged(model, game, lines, options, say)
    summary = {
        "count": len(lines),
        "nats_per_token": sum(line.nats for line in lines) / sum(line.tokens for line in lines),
        "score": fmean(scores) if scores else None,
        "calibrated": bool(decided),
        **decided,
        "labels": dict(Counter(line.label for line in lines if line.label).most_common()),
        "cut": sum(line.cut for line in lines),
    }
    return Table(rows, summary, as_text(rows, summary), drawn)


def judged(
    model: Model, game: TextGame, lines: Sequence[ScoredLine], options: ScoreOptions, say: Say
) -> tuple[list[dict[str, Any]], dict[str, Any], Mapping[str, Artifact]]:
    """A row for each line, with what a calibration tells of it, where the model has one; what was decided by; and the
    oddest lines drawn, by their texts."""
    rows = [asdict(line) for line in lines]
    scorer = scorer_of(model, options, say)
    if scorer is None:
        return rows, {}, {}
    tokens = torch.stack([as_row(game.vocabulary.encode(line.text), game.length) for line in lines])
    characters = model.modality.comparable(game.finish(tokens))
    for row, own in zip(rows, scorer.rows(characters), strict=True):
        row |= {name: own[name] for name in ("p_real", "p_value", "decision", "nearest")}
    scorer.keep(rows, [line.text for line in lines], characters)
    return rows, scorer.decide(rows), scorer.drawn()


def read_pairs(path: Path, model: Model, game: TextGame, label: str | None, say: Say) -> list[tuple[str, str | None]]:
    """The lines of a file, each with the label that it is to be scored under. Raises :class:`UserError` for a file that
    holds no text, and for labels that the model does not know."""
    if path.is_dir() or not path.exists():
        raise UserError(f"{path}: " + ("a folder; give its files" if path.is_dir() else "no such file"))
    try:
        content = read_file(path, game.recipe)
    except BadText as problem:
        raise UserError(f"{path}: {problem}") from None
    for bad in content.bad_files:
        say(f"skipped {bad.path}: {bad.reason}")
    pairs = []
    for text, own_label in content.pairs:
        asked = (label and as_label(label)) or (as_label(own_label) if own_label else None)
        if cleaned := clean(text, game.recipe.lower):
            pairs.append((cleaned, asked if model.labels else None))
    if not pairs:
        raise UserError(f"{path}: holds no lines of text; write one sentence a line")
    if label and not model.labels:
        raise UserError(f"label: {model.path} was trained without labels; leave --label out")
    for asked in {asked for _, asked in pairs if asked is not None}:
        if asked not in model.labels:
            shown = ", ".join(map(shortened, model.labels[:20]))
            raise UserError(
                f"{path}: unknown label {quoted(asked)}{nearest(asked, model.labels)}; the model knows {shown}"
            )
    return pairs


@torch.no_grad()
def score_pairs(model: Model, game: TextGame, pairs: Sequence[tuple[str, str | None]]) -> list[ScoredLine]:
    """The scores of lines, each with the label that it is to be scored under or None."""
    rows = [as_row(game.vocabulary.encode(text), game.length) for text, _ in pairs]
    lines = torch.stack(rows).to(model.device)

    # Likelihood, under the given label or as the mean over all, and the likeliest label
    by_label = likelihoods_by_label(model, game, lines)
    likeliest = by_label.argmax(0)
    given = torch.tensor([model.labels.index(asked) if asked else -1 for _, asked in pairs], device=model.device)
    labels = torch.where(given >= 0, given, likeliest)
    mean = by_label.logsumexp(0) - math.log(len(by_label))
    nats = torch.where(given >= 0, by_label.gather(0, labels[None])[0], mean)
    label_probabilities = (by_label.max(0).values - by_label.logsumexp(0)).exp()

    # The discriminator, and a row for each line
    logits = game.logits(model.networks, {"labels": labels}, lines)
    tokens = (lines != PAD).sum(1)
    return [
        ScoredLine(
            text=text,
            nats=nats[row].item(),
            tokens=int(tokens[row]),
            nats_per_token=nats[row].item() / int(tokens[row]),
            score=None if logits is None else logits[row].item(),
            asked=asked,
            label=model.labels[int(likeliest[row])] if model.labels else None,
            label_probability=label_probabilities[row].item() if model.labels else None,
            cut=int(lines[row, -1]) not in (PAD, END),
        )
        for row, (text, asked) in enumerate(pairs)
    ]


def likelihoods_by_label(model: Model, game: TextGame, lines: Tensor) -> Tensor:
    """The log-likelihood of each of the lines ``(n, length)`` under each label, in nats, ``(labels, n)``; without
    labels ``(1, n)``."""
    if not model.labels:
        return game.log_likelihoods(model.networks, lines, None).sum(1)[None]
    under = (torch.full((len(lines),), label, device=lines.device) for label in range(len(model.labels)))
    return torch.stack([game.log_likelihoods(model.networks, lines, labels).sum(1) for labels in under])


def as_text(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """The scores for a person at a terminal: the first lines, by a calibration the oddest, then the means."""
    calibrated = summary["calibrated"]
    head = ["nats/token", "score", "label", *(("p_value", "decision", "p_real") if calibrated else ()), "text"]
    cells = [head, *(cells_of(row, calibrated) for row in (by_oddness(rows) if calibrated else rows)[:SHOWN])]
    widths = [max(len(each[column]) for each in cells) for column in range(len(head) - 1)]
    shown = ["  ".join([*map(str.ljust, each, widths), each[-1]]) for each in cells]
    more = [f"and {len(rows) - SHOWN:,} more; --out scores.tsv has all"] if len(rows) > SHOWN else []
    score = "" if summary["score"] is None else f", mean score {summary['score']:.3f} (logits of the discriminator)"
    cut = f"; {summary['cut']:,} were cut at the model's length" if summary["cut"] else ""
    means = f"{len(rows):,} lines: {summary['nats_per_token']:.4f} nats/token{score}{cut}"
    return "\n".join([*shown, *more, means, *([in_words(summary, len(rows))] if calibrated else [])])


def cells_of(row: Mapping[str, Any], calibrated: bool) -> list[str]:
    """A line as it stands in a table for a person."""
    score = "" if row["score"] is None else f"{row['score']:.3f}"
    label = f"{row['label']} {row['label_probability']:.2f}" if row["label"] else ""
    judged = [f"{row['p_value']:.4f}", row["decision"], f"{row['p_real']:.4f}"] if calibrated else []
    return [f"{row['nats_per_token']:.3f}", score, label, *judged, row["text"]]
