"""A metric as a picture: where the samples lie, where real examples lie, and how sure both are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDE, TALL, MARGIN, MIDDLE = 320, 46, 12, 16  # pixels; the last is the height of the line that dots lie on
ERRORS = 3  # standard errors that count as a difference
WORDS = {"low": "lower is better", "high": "higher is better", "floor": "best where real examples are"}


def dot_plot(score: Mapping[str, Any]) -> str:
    """The samples' dot and that of real examples on the scale of one metric, each with its standard error: an SVG that
    is read out as a sentence."""
    samples, real = (spread(score, *keys) for keys in (("value", "error"), ("floor", "floor_error")))
    low, high = reach([*samples, *real])

    def across(value: float) -> float:
        return MARGIN + (WIDE - 2 * MARGIN) * (value - low) / (high - low)

    marks = [
        f'<line class="axis" x1="{MARGIN}" x2="{WIDE - MARGIN}" y1="{MIDDLE}" y2="{MIDDLE}"></line>',
        f'<text x="{MARGIN}" y="{TALL - 4}">{short(low)}</text>',
        f'<text x="{WIDE - MARGIN}" y="{TALL - 4}" text-anchor="end">{short(high)}</text>',
    ]
    for kind, shown in (("real", real), ("made", samples)):
        if shown:
            left, middle, right = map(across, shown)
            marks.append(
                f'<g class="{kind}"><line x1="{left:.1f}" x2="{right:.1f}" y1="{MIDDLE}" y2="{MIDDLE}"></line>'
                f'<circle cx="{middle:.1f}" cy="{MIDDLE}" r="6"></circle></g>'
            )
    return f'<svg viewBox="0 0 {WIDE} {TALL}" role="img" aria-label="{escape(sentence(score))}">{"".join(marks)}</svg>'


def spread(score: Mapping[str, Any], value: str, error: str) -> list[float]:
    """A number less its error, itself, and with its error; empty where there is none."""
    middle = score[value]
    if middle is None or not math.isfinite(middle):
        return []
    around = score[error] or 0.0
    return [middle - around, middle, middle + around]


def reach(values: Sequence[float]) -> tuple[float, float]:
    """From where to where a scale goes that holds all these values: from 0 where that is not far away."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if 0 <= low < high / 2:
        low = 0.0
    elif high <= 0 and high > low / 2:
        high = 0.0
    margin = ((high - low) or abs(high) or 1.0) / 20
    return (low - margin if low else 0.0), (high + margin if high or not low else 0.0)


def sentence(score: Mapping[str, Any]) -> str:
    """What the picture of a metric says."""
    real = f", real examples {short(score['floor'])}" if score["floor"] is not None else ""
    better = WORDS.get(score["better"], "")
    return f"{score['name']}: samples {short(score['value'])}{real}{f'; {better}' if better else ''}"


def like_real(score: Mapping[str, Any]) -> bool:
    """Whether samples and real examples differ by no more than the errors of the two make of it."""
    if score["value"] is None or score["floor"] is None:
        return False
    return bool(
        abs(score["value"] - score["floor"]) <= ERRORS * math.hypot(score["error"] or 0, score["floor_error"] or 0)
    )


def short(value: float | None) -> str:
    """Four significant digits; nothing where there is no number."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
