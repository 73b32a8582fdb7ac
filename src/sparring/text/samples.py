"""Lines as texts, as numbers of characters, and as files: plain, tables, JSON lines, or a picture of the first ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core.files import may_write, write_text
from sparring.core.terminal import one_line
from sparring.scoring import TABLES, as_json_lines, as_table
from sparring.text.pictures import lines_picture

ENDINGS = (".txt", *TABLES, ".svg")
LONGEST_LABEL = 20  # characters of it that stand before a line


def as_characters(texts: Sequence[str]) -> Tensor:
    """Texts as code points of Unicode, int64 ``(n, longest)``, filled up with 0."""
    rows = [torch.tensor([ord(character) for character in text] or [0]) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def as_texts(characters: Tensor) -> list[str]:
    """Lines of code points ``(n, longest)``, filled up with 0, as texts."""
    return ["".join(map(chr, filter(None, line))) for line in characters.tolist()]


def write_samples(
    samples: Tensor, labels: Sequence[str] | None, out: Path, note: Mapping[str, Any], *, overwrite: bool = False
) -> list[Path]:
    """Write lines of code points ``(n, longest)`` to ``out``, whose ending is one of ``ENDINGS``; tables as Sparring
    can train on again.

    Raises :class:`UserError` for another ending, and for a file that exists unless ``overwrite``.
    """
    may_write(out, ENDINGS, "text is", overwrite)
    texts = as_texts(samples)
    if out.suffix == ".svg":
        content = lines_picture(texts, note)
    elif out.suffix == ".txt":
        content = as_lines(texts, None)
    elif out.suffix == ".jsonl":
        content = as_json_lines(rows(texts, labels))
    else:
        content = as_table(rows(texts, labels), "\t" if out.suffix == ".tsv" else ",")
    write_text(out, content)
    return [out]


def as_lines(texts: Sequence[str], labels: Sequence[str] | None) -> str:
    """Texts, one a line; with labels, as a table with tabs."""
    return "".join(text + "\n" for text in texts) if labels is None else as_table(rows(texts, labels), "\t")


def rows(texts: Sequence[str], labels: Sequence[str] | None) -> list[dict[str, Any]]:
    """Each text with its label, where it has one."""
    if labels is None:
        return [{"text": text} for text in texts]
    return [{"label": label, "text": text} for label, text in zip(labels, texts, strict=True)]


def listing(texts: Sequence[str], labels: Sequence[int] | None, names: Sequence[str]) -> str:
    """Texts, one a line; with the number of the label of each, they are sorted by it and its name stands before
    them."""
    shown = [one_line(text) for text in texts]
    if labels is None:
        return "".join(f"{text}\n" for text in shown)
    titles = [one_line(name)[:LONGEST_LABEL] for name in names]
    wide = max(map(len, titles))
    pairs = sorted(zip(labels, shown, strict=False), key=lambda pair: pair[0])
    return "".join(f"{titles[label]:<{wide}}  {text}\n" for label, text in pairs)
