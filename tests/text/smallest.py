"""The recipes of text at their smallest, on a few drawn lines, for the conformance table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparring.core.recipe import Recipe
from sparring.text import grammar

BOTH_PHASES: dict[str, Any] = {
    "width": 16,
    "embedding": 8,
    "discriminator_width": 4,
    "pretrain_examples": 16,
    "discriminator_warmup": 0,
}  # two steps of each
SMALLEST: dict[str, dict[str, Any]] = {
    "text": {**BOTH_PHASES, "dropout": 0.0, "discriminator_dropout": 0.0},
    "text-policy": BOTH_PHASES,
    "topics": {**BOTH_PHASES, "data": ""},
}
PER_PROCESS = {"text-policy", "topics"}
"""Dropout looks at one process's share: two processes differ from one."""


def with_data(name: str, recipe: Recipe, folder: Path) -> Recipe:
    """The recipe on a few lines drawn into ``folder``."""
    return recipe.changed({"data": str(draw_lines(folder / f"{name}.tsv"))})


def draw_lines(path: Path, count: int = 240) -> Path:
    """A table of labels and sentences from the grammar."""
    if not path.exists():
        texts, labels = grammar.draw(count, seed=0)
        rows = [f"{grammar.NAMES[label]}\t{text}\n" for text, label in zip(texts, labels, strict=True)]
        path.write_text("label\ttext\n" + "".join(rows), encoding="utf-8")
    return path
