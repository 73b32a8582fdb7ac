"""Where a judge looked in a line: how far its log odds fall when each word alone is left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape
from textwrap import wrap

import numpy as np
import torch
from torch import Tensor

from sparring.kind import Artifact, Explainer, LogOdds
from sparring.media.pictures.maps import coloured
from sparring.text.pictures import MARGIN, WIDE, printable
from sparring.text.samples import as_characters, as_texts

LETTER, NARROWEST, LINE = 10, 42, 44  # pixels: of a letter, of a word's place, from line to line
TALL, CAPTION = 22, 20  # pixels: of a word's place, and of a line of the caption
LETTERS = 120  # in a line of the caption
GAP = 4  # pixels between two words
DARK = 380  # the sum of a colour below which letters on it are white
STYLE = (
    "text{font:16px monospace;fill:#222;text-anchor:middle}.value{font-size:11px}"
    ".caption{font:13px sans-serif;text-anchor:start}"
)


def explainer(log_odds: LogOdds) -> Explainer:
    """What draws lines of code points ``(256,)`` with their words shaded, whichever line is nearest."""

    @torch.no_grad()
    def draw(example: Tensor, nearest: Tensor) -> Artifact:
        words = words_of(as_texts(example[None])[0])
        left_out = ["".join([*words[:number], *words[number + 1 :]]) for number in range(len(words))]
        lines = as_characters(["".join(words), *left_out]).to(example.device)
        found = log_odds(lines)
        falls = (found[0] - found[1:]).tolist()
        caption = (
            f"{log_odds.name} of being real: {float(found[0]):+.2f}. Below each word: by how much it falls when the "
            "word is left out. Blue words raise, red words lower it."
        )
        return Artifact(caption, "image/svg+xml", shaded(words, falls, caption).encode())

    return draw


def words_of(text: str) -> list[str]:
    """The words of a line, each with the space before it; its characters where it has no spaces."""
    words = re.findall(r"\s*\S+", text)
    return words if len(words) > 1 else list(text)


def shaded(words: Sequence[str], values: Sequence[float], caption: str) -> str:
    """An SVG of words, each on the colour of its value, blue above 0 and red below, with the value below it."""
    # Where each word stands: from left to right, in as many lines as they need
    drawn, left, top = [], MARGIN, MARGIN
    colours = coloured(np.array([values]), max((abs(value) for value in values), default=0.0))[0].tolist()
    for word, value, colour in zip(words, values, colours, strict=True):
        letters = LETTER * width_of(word.strip())
        width = max(letters, NARROWEST)
        if left > MARGIN and left + width > WIDE - MARGIN:
            left, top = MARGIN, top + LINE
        middle, ink = left + width / 2, ' style="fill:#fff"' if sum(colour) < DARK else ""
        drawn += [
            f'<rect x="{left}" y="{top}" width="{width}" height="{TALL}" fill="rgb({",".join(map(str, colour))})"/>',
            f'<text x="{middle}" y="{top + 16}" textLength="{letters}" lengthAdjust="spacingAndGlyphs"{ink}>'
            f"{escape(printable(word.strip()))}</text>",
            f'<text class="value" x="{middle}" y="{top + TALL + 12}">{value:+.2f}</text>',
        ]
        left += width + GAP

    # The caption below
    lines = wrap(caption, LETTERS)
    for number, line in enumerate(lines, 1):
        drawn.append(f'<text class="caption" x="{MARGIN}" y="{top + LINE + CAPTION * number}">{escape(line)}</text>')
    height = top + LINE + CAPTION * len(lines) + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{height}"><style>{STYLE}</style>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *drawn, "</svg>\n"])


def width_of(word: str) -> int:
    """How many columns a word takes: characters of East Asia take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in word) or 1
