"""From a journal to the curves of a report: grouped into charts, thinned to what a screen can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

POINTS = 500  # of one chart
LARGEST = 1e300  # whole numbers in JSON may be larger than any float
COORDINATES = ("event", "step", "examples", "seconds")

T = TypeVar("T")


@dataclass(frozen=True)
class Panel:
    """What a chart shows; ``share`` numbers are read as per cent, ``minor`` charts are folded away."""

    title: str
    about: str = ""
    share: bool = False
    minor: bool = False


HEALTH = Panel(
    "Diversity and overfitting", "of the samples, relative to the data's; of the discriminator, from 0 (none) to 1"
)
PANELS = {
    "losses": Panel("Losses", "what each player minimises"),
    "accuracy": Panel(
        "Discriminator accuracy", "share of real and of generated examples that it takes for what they are", share=True
    ),
    "likelihood": Panel(
        "Likelihood", "negative log-likelihood of a token, in nats, of held-out examples; training: of those trained on"
    ),
    "frechet": Panel("Fréchet distance", "of some samples to the data, in features that cost nothing to come by"),
    "sliced": Panel("Sliced distance", "of some samples to the data, along random directions"),
    "kernel": Panel("Kernel distance", "of some samples to the data", minor=True),
    "penalties": Panel("Penalties", "on the discriminator's gradients"),
    "diversity": HEALTH,
    "overfitting": HEALTH,
    "examples_per_second": Panel("Speed", "examples a second"),
    "waiting": Panel("Waiting", "share of the time spent waiting for data", share=True, minor=True),
    "services": Panel(
        "Beside training",
        "share of the time so far spent on health checks, measurements, previews and checkpoints",
        share=True,
        minor=True,
    ),
}
"""The chart of each journal field; any other field with numbers gets a minor chart of its own."""


def charts(journal: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The charts that a journal gives, as plain values.

    Each has the fields of :class:`Panel`, ``examples`` (the horizontal axis), ``names`` of its curves, and
    ``values``, one list a curve with None where nothing, or no finite number, was noted.
    """
    points: dict[Panel, list[tuple[float, dict[str, float]]]] = {}
    for entry in journal:
        examples = number(entry.get("examples"))
        if entry.get("event") in ("step", "health", "metrics") and examples is not None:
            for panel, values in by_panel(entry).items():
                points.setdefault(panel, []).append((examples, values))
    order = {panel: position for position, panel in enumerate(PANELS.values())}
    panels = sorted(points, key=lambda panel: (order.get(panel, len(order)), panel.title))
    return [chart(panel, points[panel]) for panel in panels]


def by_panel(entry: Mapping[str, Any]) -> dict[Panel, dict[str, float]]:
    """The numbers of one journal entry by the chart that they belong to; ``frechet b``, of one of several outputs,
    belongs to the chart of ``frechet``."""
    numbers: dict[Panel, dict[str, float]] = {}
    for key, value in entry.items():
        if key in COORDINATES:
            continue
        name = key.replace("_", " ")
        panel = PANELS.get(key) or PANELS.get(key.partition(" ")[0]) or Panel(name.capitalize(), minor=True)
        for curve, item in value.items() if isinstance(value, dict) else [(name, value)]:
            if number(item) is not None:
                numbers.setdefault(panel, {})[curve] = float(item)
    return numbers


def chart(panel: Panel, points: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, Any]:
    """One chart, thinned, its numbers rounded to what can be seen."""
    names = list(dict.fromkeys(name for _, values in points for name in values))
    shown = evenly(points, POINTS)
    return {
        **asdict(panel),
        "names": names,
        "examples": [round(examples) for examples, _ in shown],
        "values": [[rounded(values.get(name)) for _, values in shown] for name in names],
    }


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` (two or more) of the items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(position * (len(items) - 1) / (most - 1))] for position in range(most)]


def number(value: Any) -> float | None:
    """``value`` if it is a finite number, else None."""
    return value if type(value) in (int, float) and abs(value) < LARGEST else None


def rounded(value: float | None) -> float | None:
    """``value`` to five significant digits."""
    return None if value is None else float(f"{value:.5g}")
