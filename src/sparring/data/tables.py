"""Tables of strangers: what stands between their columns."""

from __future__ import annotations

import csv
from collections import Counter

DELIMITERS = "\t;,"  # the rarest in texts first
START = 20_000  # characters of a table that are looked at
LINES = 100
ENOUGH = 0.9  # of the rows that a delimiter cuts into as many columns


def delimiter_of(content: str) -> str:
    """What cuts the first line of a table, and nearly all of its beginning, into as many columns, more than one: a tab,
    a semicolon or a comma; a comma where nothing does."""
    start = content.lstrip()[:START].splitlines(keepends=True)
    start = start[:-1][:LINES] or start  # the last may be cut short
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(start, delimiter=delimiter) if row]
        if widths and widths[0] > 1 and Counter(widths)[widths[0]] >= ENOUGH * len(widths):
            return delimiter
    return ","
