"""What ``sparring score --page`` shows: a table that can be sorted, with the oddest examples to look at."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from sparring.kind import Artifact
from sparring.report.pages import filled
from sparring.report.previews import element
from sparring.scoring import Table, by_oddness
from sparring.version import __version__

MOST = 1000  # rows, the oddest: a page of more is slow
FIRST = ("p_value", "decision", "p_real", "label", "label_probability", "example", "text", "nearest")


def scores_page(table: Table, title: str) -> str:
    """The text of the page, the oddest example first."""
    rows = by_oddness(table.rows)
    columns = [*(name for name in FIRST if name in rows[0]), *(name for name in rows[0] if name not in FIRST)]
    more = f" The {MOST:,} oddest are shown." if len(rows) > MOST else ""
    slots = {
        "title": escape(title),
        "about": escape(table.text.splitlines()[-1] + "." + more),
        "heads": "<th></th>" + "".join(head(name, rows[0][name]) for name in columns),
        "rows": "\n".join(page_row(row, columns, table.drawn) for row in rows[:MOST]),
        "version": escape(__version__),
    }
    return filled("scores.html", slots)


def head(name: str, value: Any) -> str:
    """The heading of a column, which sorts by it."""
    kind = ' class="number"' if isinstance(value, int | float) else ""
    order = ' aria-sort="ascending"' if name == "p_value" else ""
    return f"<th{kind}{order}><button>{escape(name)}</button></th>"


def page_row(row: Mapping[str, Any], columns: list[str], drawn: Mapping[str, Artifact]) -> str:
    """An example as a row of the page."""
    artifact = drawn.get(str(row.get("example", row.get("text", ""))))
    picture = element(artifact) if artifact else ""
    odd = ' class="odd"' if row["decision"] == "odd" else ""
    return f"<tr{odd}><td>{picture}</td>{''.join(cell(row[name]) for name in columns)}</tr>"


def cell(value: Any) -> str:
    """A value as a cell of the page."""
    if isinstance(value, float):
        return f'<td class="number" data-value="{value!r}">{value:.4f}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number">{value}</td>'
    return f'<td class="name">{escape("" if value is None else str(value))}</td>'
