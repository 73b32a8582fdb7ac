"""``sparring score``: how likely lines of text are, how real the judge finds them, and which label fits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import may_write, write_atomically
from sparring.core.recipe import nearest
from sparring.text.data import as_row
from sparring.text.game import TextGame
from sparring.text.reading.files import read_file
from sparring.text.reading.found import BadText
from sparring.text.reading.lines import clean
from sparring.text.recipes import TextRecipe
from sparring.text.samples import ENDINGS, as_json_lines, as_table
from sparring.text.vocabulary import END, PAD
from sparring.verbs.model import Model, load

SOME = 1024  # lines at a time
SHOWN = 20  # in the words for a person
TABLES = tuple(ending for ending in ENDINGS if ending in (".tsv", ".csv", ".jsonl"))


@dataclass(frozen=True)
class Scored:
    """A line: ``nats`` is its log-likelihood, the end of the line included, exactly as the generator gives it.

    ``asked`` is the label that came with it. Without one, the likelihood is the mean over all labels, and the judge is
    asked under the likeliest, ``label``, whose probability (all labels equally likely beforehand) is
    ``label_probability``. ``real`` is the judge's probability; None of a judge that only compares or never played.
    """

    text: str
    nats: float
    units: int
    nats_per_unit: float
    real: float | None
    asked: str | None
    label: str | None
    label_probability: float | None
    cut: bool
    """Whether the line was longer than the model's lines are."""


def score(
    run: str | Path,
    files: Sequence[str | Path],
    *,
    label: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Score each line of ``files`` by ``run``, under ``label`` or the labels in the files; ``out`` is a table to write.

    Returns ``lines`` (see :class:`Scored`), the means, and how many lines were cut at the model's length. Raises
    :class:`UserError` for files that hold no text, labels that are not known, and models that know no text.
    """
    model = load(run, device)
    if not isinstance(model.recipe, TextRecipe):
        raise UserError(f"score: {run} knows {model.recipe.kind}, not text")
    place = Path(out) if out else None
    if place:
        may_write(place, TABLES, "scores are", overwrite)
    pairs = [pair for file in files for pair in lines_of(Path(file), model, label, say)]
    found = [line for start in range(0, len(pairs), SOME) for line in scored(model, pairs[start : start + SOME])]
    if place:
        rows = [asdict(line) for line in found]
        text = (
            as_json_lines(rows) if place.suffix == ".jsonl" else as_table(rows, "\t" if place.suffix == ".tsv" else ",")
        )
        write_atomically(place, text.encode())
    real = [line.real for line in found if line.real is not None]
    return {
        "count": len(found),
        "nats_per_unit": sum(line.nats for line in found) / sum(line.units for line in found),
        "real": fmean(real) if real else None,
        "labels": dict(Counter(line.label for line in found if line.label).most_common()),
        "cut": sum(line.cut for line in found),
        "lines": [asdict(line) for line in found],
        "written": str(place) if place else None,
    }


def lines_of(path: Path, model: Model, label: str | None, say: Callable[[str], None]) -> list[tuple[str, str | None]]:
    """The lines of a file, each with the label that it is to be scored under."""
    assert isinstance(model.recipe, TextRecipe)
    if not path.is_file():
        raise UserError(f"{path}: " + ("a folder; give its files" if path.is_dir() else "no such file"))
    try:
        found = read_file(path, model.recipe)
    except BadText as problem:
        raise UserError(f"{path}: {problem}") from None
    for bad in found.bad_files:
        say(f"skipped {bad.path}: {bad.reason}")
    own = [(text, clean(given, lower=False) if given else None) for text, given in found.pairs]
    cleaned = [(clean(text, model.recipe.lower), label or given) for text, given in own]
    pairs = [(text, asked if model.labels else None) for text, asked in cleaned if text]
    if not pairs:
        raise UserError(f"{path}: holds no lines of text; write one sentence a line")
    if label and not model.labels:
        raise UserError(f"label: {model.folder} was trained without labels; leave --label out")
    for asked in {asked for _, asked in pairs if asked is not None}:
        if asked not in model.labels:
            shown = ", ".join(model.labels[:20])
            raise UserError(f"{path}: unknown label '{asked}'{nearest(asked, model.labels)}; the model knows {shown}")
    return pairs


@torch.no_grad()
def scored(model: Model, pairs: Sequence[tuple[str, str | None]]) -> list[Scored]:
    """Some lines."""
    game = model.game
    assert isinstance(game, TextGame)
    rows = [as_row(game.vocabulary.encode(text), game.places) for text, _ in pairs]
    lines = torch.stack(rows).to(model.device)
    nats = by_label(model, game, lines)
    likeliest = nats.argmax(0)
    given = torch.tensor([model.labels.index(asked) if asked else -1 for _, asked in pairs], device=model.device)
    labels = torch.where(given >= 0, given, likeliest)
    mean = nats.logsumexp(0) - math.log(len(nats))
    own = torch.where(given >= 0, nats.gather(0, labels[None])[0], mean)
    chances = (nats.max(0).values - nats.logsumexp(0)).exp()
    logits = game.judge(model.networks, {"labels": labels}, lines)
    knows = model.knows_chances and game.judges(model.networks)
    units = (lines != PAD).sum(1)
    return [
        Scored(
            text,
            own[at].item(),
            int(units[at]),
            own[at].item() / int(units[at]),
            logits[at].sigmoid().item() if knows else None,
            asked,
            model.labels[int(likeliest[at])] if model.labels else None,
            chances[at].item() if model.labels else None,
            int(lines[at, -1]) not in (PAD, END),
        )
        for at, (text, asked) in enumerate(pairs)
    ]


def by_label(model: Model, game: TextGame, lines: Tensor) -> Tensor:
    """The log-likelihood of each line under each label, ``(labels, n)``; without labels ``(1, n)``."""
    if not model.labels:
        return game.log_likelihoods(model.networks, lines, None).sum(1)[None]
    under = (torch.full((len(lines),), label, device=lines.device) for label in range(len(model.labels)))
    return torch.stack([game.log_likelihoods(model.networks, lines, labels).sum(1) for labels in under])


def told(found: dict[str, Any]) -> str:
    """In words: the first lines, then the means."""
    rows = [("nats/unit", "real", "label", "text")]
    for line in found["lines"][:SHOWN]:
        real = "" if line["real"] is None else f"{line['real']:.3f}"
        label = f"{line['label']} {line['label_probability']:.2f}" if line["label"] else ""
        rows.append((f"{line['nats_per_unit']:.3f}", real, label, line["text"]))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(word.ljust(width) for word, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    more = [f"and {found['count'] - SHOWN:,} more; --out scores.tsv has all"] if found["count"] > SHOWN else []
    real = "" if found["real"] is None else f", real by the judge {found['real']:.3f}"
    cut = f"; {found['cut']:,} were cut at the model's length" if found["cut"] else ""
    return "\n".join([*lines, *more, f"{found['count']:,} lines: {found['nats_per_unit']:.4f} nats/unit{real}{cut}"])
