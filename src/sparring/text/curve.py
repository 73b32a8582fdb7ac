"""The quality-diversity curve as a picture (Caccia et al. 2020, "Language GANs falling short")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

WIDE, TALL, MARGIN = 560, 420, 56  # pixels
STYLE = (
    "text{font:13px sans-serif;fill:#222}path,line{stroke:#2a6fbb;fill:none;stroke-width:2}circle{fill:#2a6fbb}"
    ".axis{stroke:#888;stroke-width:1}.real{fill:#c0392b}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#1b1b1b}}"
)


def curve_picture(points: Sequence[Mapping[str, float]], real: Mapping[str, float | None]) -> str:
    """Points with ``lm``, ``reverse_lm`` and ``temperature``, and where real lines lie, as an SVG: better is down and
    to the left."""
    every = [(point["lm"], point["reverse_lm"]) for point in points]
    truth = (real["lm"], real["reverse_lm"])
    if truth[0] is not None and truth[1] is not None:
        every.append((truth[0], truth[1]))
    across, down = scale([x for x, _ in every], WIDE, False), scale([y for _, y in every], TALL, True)
    placed = [(across(x), down(y)) for x, y in every]
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
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed[: len(points)])
    low, right, bottom = MARGIN / 2, WIDE - MARGIN / 2, TALL - MARGIN / 2
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{TALL}"><style>{STYLE}</style>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<path class="axis" d="M{low},{low} V{bottom} H{right}"/><path d="M{line}"/>',
        *drawn,
        f'<text x="{low + 8}" y="{low + 6}">surprise at real lines, nats</text>',
        f'<text x="{right}" y="{bottom - 8}" text-anchor="end">surprise at samples, nats</text>',
        "</svg>\n",
    ])  # fmt: skip


def scale(values: Sequence[float], pixels: int, upwards: bool) -> Callable[[float], float]:
    """From values to pixels within the margins."""
    low, reach = min(values), max(max(values) - min(values), 1e-9)
    room = pixels - 2 * MARGIN
    return lambda value: MARGIN + room * (1 - (value - low) / reach if upwards else (value - low) / reach)
