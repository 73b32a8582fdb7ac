"""Lines as files: plain, tables, JSON lines, or a picture of the first ones."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from torch import Tensor

from sparring.core.files import may_write, write_atomically

ENDINGS = (".txt", ".tsv", ".csv", ".jsonl", ".svg")
SHOWN = 32  # lines of a picture
LINE, MARGIN, WIDE = 24, 16, 960  # pixels
STYLE = "text{font:16px sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#1b1b1b}}"


def write_samples(
    samples: Tensor,
    labels: Sequence[str] | None,
    out: Path,
    note: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write lines of characters ``(n, most)`` to ``out``, whose ending is one of ``ENDINGS``.

    Raises :class:`UserError` for another ending, and for a file that exists unless ``overwrite``.
    """
    may_write(out, ENDINGS, "text is", overwrite)
    texts = as_texts(samples)
    if out.suffix == ".svg":
        content = picture(texts, note)
    elif out.suffix == ".jsonl":
        content = as_json_lines(rows(texts, labels))
    elif out.suffix == ".txt":
        content = "".join(text + "\n" for text in texts)
    else:
        content = as_table(rows(texts, labels), "\t" if out.suffix == ".tsv" else ",")
    write_atomically(out, content.encode())
    return [out]


def as_texts(characters: Tensor) -> list[str]:
    """Lines of Unicode's numbers ``(n, most)``, filled up with 0, as texts."""
    return ["".join(map(chr, filter(None, line))) for line in characters.tolist()]


def rows(texts: Sequence[str], labels: Sequence[str] | None) -> list[dict[str, Any]]:
    """Each text with its label, where it has one."""
    if labels is None:
        return [{"text": text} for text in texts]
    return [{"label": label, "text": text} for label, text in zip(labels, texts, strict=True)]


def as_json_lines(content: Sequence[Mapping[str, Any]]) -> str:
    """An object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)


def as_table(content: Sequence[Mapping[str, Any]], between: str) -> str:
    """A heading, and a row a line; of samples one that Sparring can train on again."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(content[0]), delimiter=between, lineterminator="\n")
    writer.writeheader()
    writer.writerows(content)
    return file.getvalue()


def picture(texts: Sequence[str], note: Mapping[str, Any]) -> str:
    """The first lines as an SVG, which any browser draws in any script, with where they came from."""
    shown = texts[:SHOWN]
    height = LINE * len(shown) + 2 * MARGIN
    lines = [
        f'<text x="{MARGIN}" y="{MARGIN + LINE * place - 7}">{escape(printable(text))}</text>'
        for place, text in enumerate(shown, 1)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{height}"><style>{STYLE}</style>'
    about = f"<metadata>{escape(json.dumps(dict(note), ensure_ascii=False))}</metadata>"
    return "\n".join([head, about, '<rect width="100%" height="100%" fill="#fff"/>', *lines, "</svg>\n"])


def printable(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(character if character.isprintable() else " " for character in text)
