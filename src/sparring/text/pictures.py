"""Pictures of text as SVG, which any browser draws in any script: lines, and the quality-diversity curve."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

SHOWN = 32  # lines of a picture
LINE, WIDE, MARGIN = 24, 960, 16  # pixels
CURVE_WIDE, CURVE_TALL, CURVE_MARGIN = 560, 420, 56  # pixels
STYLE = "text{font:16px sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#1b1b1b}}"
CURVE_STYLE = (
    "text{font:13px sans-serif;fill:#222}path,line{stroke:#2a6fbb;fill:none;stroke-width:2}circle{fill:#2a6fbb}"
    ".axis{stroke:#888;stroke-width:1}.real{fill:#c0392b}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#1b1b1b}}"
)


def lines_picture(texts: Sequence[str], note: Mapping[str, Any] | None = None) -> str:
    """The first 32 lines, one below the other; ``note`` says where they came from."""
    shown = texts[:SHOWN]
    height = LINE * len(shown) + 2 * MARGIN
    lines = [
        f'<text x="{MARGIN}" y="{MARGIN + LINE * row - 7}">{escape(printable(text))}</text>'
        for row, text in enumerate(shown, 1)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{height}"><style>{STYLE}</style>'
    about = [f"<metadata>{escape(json.dumps(dict(note), ensure_ascii=False))}</metadata>"] if note is not None else []
    return "\n".join([head, *about, '<rect width="100%" height="100%" fill="#fff"/>', *lines, "</svg>\n"])


def printable(text: str) -> str:
    """The text without the control characters that XML forbids."""
    return "".join(character if character.isprintable() else " " for character in text)


def curve_picture(points: Sequence[Mapping[str, float]], real: Mapping[str, float | None]) -> str:
    """The quality-diversity curve (Caccia et al. 2020, "Language GANs falling short"): points with ``lm``,
    ``reverse_lm`` and ``temperature``, and where real lines lie; better is down and to the left."""
    # Where everything lies
    pairs = [(point["lm"], point["reverse_lm"]) for point in points]
    truth = (real["lm"], real["reverse_lm"])
    if truth[0] is not None and truth[1] is not None:
        pairs.append((truth[0], truth[1]))
    across, down = scale([x for x, _ in pairs], CURVE_WIDE, False), scale([y for _, y in pairs], CURVE_TALL, True)
    placed = [(across(x), down(y)) for x, y in pairs]

    # A dot with its temperature for each point, and another for real lines
    drawn = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        f'<text x="{x + 7:.1f}" y="{y - 5:.1f}">{point["temperature"]:g}</text>'
        for (x, y), point in zip(placed, points, strict=False)
    ]
    if len(placed) > len(points):
        x, y = placed[-1]
        drawn.append(
            f'<circle class="real" cx="{x:.1f}" cy="{y:.1f}" r="5"/><text x="{x + 7:.1f}" y="{y + 14:.1f}">real</text>'
        )

    # The curve through the points, and the axes
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed[: len(points)])
    low, right, bottom = CURVE_MARGIN / 2, CURVE_WIDE - CURVE_MARGIN / 2, CURVE_TALL - CURVE_MARGIN / 2
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CURVE_WIDE}" height="{CURVE_TALL}">'
        f"<style>{CURVE_STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<path class="axis" d="M{low},{low} V{bottom} H{right}"/><path d="M{line}"/>',
        *drawn,
        f'<text x="{low + 8}" y="{low + 6}">loss of a model of samples on real lines, nats a token</text>',
        f'<text x="{right}" y="{bottom - 8}" text-anchor="end">loss of a model of real lines on samples, nats a token'
        "</text>",
        "</svg>\n",
    ])  # fmt: skip


def scale(values: Sequence[float], pixels: int, upwards: bool) -> Callable[[float], float]:
    """A function from values to pixels within the margins."""
    low, reach = min(values), max(max(values) - min(values), 1e-9)
    extent = pixels - 2 * CURVE_MARGIN
    return lambda value: CURVE_MARGIN + extent * (1 - (value - low) / reach if upwards else (value - low) / reach)
