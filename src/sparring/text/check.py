"""What training on some lines would meet, before it does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sparring.text.data import open_source
from sparring.text.recipes import TextRecipe
from sparring.text.vocabulary import PAD, UNKNOWN

SHOWN = 5  # lines
NAMED = 10  # bad rows and labels in the words for a person


def check(recipe: TextRecipe) -> dict[str, Any]:
    """JSON-able: how many lines are ``good``, ``duplicates`` among them, ``labels`` with their counts, the ``unit``,
    how many ``units`` are known, which share of the text is ``unknown``, how many lines are ``cut``, what is ``bad``,
    and some ``lines``.

    Raises :class:`sparring.core.errors.UserError` as training would.
    """
    source = open_source(recipe)
    written = int((source.lines != PAD).sum())
    labels = Counter([] if source.labels is None else source.labels.tolist())
    return {
        "data": source.name,
        "good": len(source),
        "duplicates": len(source) - len(set(source.texts)),
        "labels": {name: labels[index] for index, name in enumerate(source.names)},
        "unit": source.vocabulary.unit,
        "units": source.form["units"],
        "unknown": int((source.lines == UNKNOWN).sum()) / written,
        "cut": source.form["cut"],
        "mean_units": source.form["mean_units"],
        "bad": [{"path": bad.path, "reason": bad.reason} for bad in source.bad_files],
        "lines": source.texts[:SHOWN],
    }


def told(found: dict[str, Any]) -> str:
    """The summary in words."""
    labels = ", ".join(f"{name} ({count:,})" for name, count in list(found["labels"].items())[:NAMED]) or "none"
    more = f" and {len(found['labels']) - NAMED} more" if len(found["labels"]) > NAMED else ""
    return "\n".join([
        f"{found['data']}: {found['good']:,} good lines, {found['duplicates']:,} duplicates",
        f"{found['units']:,} {found['unit']} units are known, {found['unknown']:.1%} of the text is unknown; "
        f"{found['mean_units']:.1f} units a line, the end among them",
        f"labels: {labels}{more}",
        *([f"{found['cut']:,} lines are cut; see --length"] if found["cut"] else []),
        *(f"bad: {bad['path']}: {bad['reason']}" for bad in found["bad"][:NAMED]),
        *found["lines"],
    ])  # fmt: skip
