"""What ``sparring evaluate`` shows: a table for a terminal, and a page that opens from disk without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from sparring.modality import Artifact
from sparring.report.dots import WORDS, dot_plot, like_real, short
from sparring.report.pages import filled
from sparring.report.previews import element, smaller

MOST = 2_000_000  # bytes of figures on a page, before base64 makes four of three
HEADINGS = ("metric", "samples", "+-", "real", "+-", "from N", "better")
SPARED, GAP = (5, 6, 4, 2), "  "  # columns that a narrow terminal does not show, in this order; between two columns
ABOUT_COLUMNS = (
    "samples: the score, +- its standard error over the samples. real: the same for as many real examples, the floor "
    "that a perfect generator would reach. from N: how much of the score the number of samples alone adds, as far as "
    "halving it tells."
)


def evaluation_table(result: Mapping[str, Any], columns: int = 0) -> str:
    """For a person at a terminal of so many columns (0: of any width): what follows from the scores, and the scores;
    columns that do not fit are left out, those of ``SPARED`` first."""
    rows = [HEADINGS, *(row(score) for score in result["scores"] if score["value"] is not None)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADINGS))]
    shown = list(range(len(HEADINGS)))
    for spared in SPARED:
        if columns and sum(widths[column] + len(GAP) for column in shown) - len(GAP) > columns:
            shown.remove(spared)
    lines = [
        GAP.join(line[at].rjust(widths[at]) if at else line[at].ljust(widths[at]) for at in shown) for line in rows
    ]
    missing = [f"{score['name']}: not computable, {score['reason']}" for score in result["scores"] if score["reason"]]
    verdicts = map(spoken, result["verdicts"])
    return "\n".join([heading(result), "", *verdicts, "", *lines, *missing, "", ABOUT_COLUMNS])


def heading(result: Mapping[str, Any]) -> str:
    """What was compared, by what."""
    features = result["features"]
    return (
        f"{result['count']:,} samples of {result['target']} against {result['reference']:,} of {result['data']}, seed "
        f"{result['seed']}\nfeatures: {features['name']}, {features['dimensions']} numbers, {features['hash']}"
    )


def row(score: Mapping[str, Any]) -> tuple[str, ...]:
    """A score's columns."""
    numbers = (score[key] for key in ("value", "error", "floor", "floor_error", "bias"))
    return (score["name"], *map(short, numbers), {"floor": "as real"}.get(score["better"], score["better"]))


def spoken(verdict: Mapping[str, Any]) -> str:
    """A verdict as a line."""
    return f"{verdict['trouble']}: {verdict['message']}" if verdict["trouble"] else verdict["message"]


def evaluation_page(result: Mapping[str, Any], artifacts: Sequence[Artifact], name: str = "") -> str:
    """``index.html``: the verdicts, a picture of each metric, the table behind them, and each artifact with its
    caption; ``name`` is that of the output, of a model with several."""
    slots = {
        "title": escape(f"Evaluation of {result['target']}{f', {name}' if name else ''}"),
        "heading": escape(heading(result)).replace("\n", "<br>"),
        "verdicts": "".join(
            f'<p class="{"trouble" if verdict["trouble"] else "calm"}">{escape(spoken(verdict))}</p>'
            for verdict in result["verdicts"]
        ),
        "plots": "".join(map(page_metric, result["scores"])),
        "rows": "".join(map(page_row, result["scores"])),
        "columns": escape(ABOUT_COLUMNS),
        "artifacts": "".join(shown_figures(artifacts)),
        "version": escape(result["sparring"]),
    }
    return filled("evaluation.html", slots)


def shown_figures(artifacts: Sequence[Artifact]) -> Iterator[str]:
    """Each artifact with its caption; of those that are too many bytes for the page, where they lie beside it."""
    left = MOST
    for number, artifact in enumerate(artifacts, 1):
        file, small = f"{artifact.name or f'figure-{number}'}{artifact.ending}", smaller(artifact)
        size = len(small.data) + len(small.picture)
        shown = enlarging(small) if size <= left else f'<p class="soft">beside this page: {escape(file)}</p>'
        left -= size if size <= left else 0
        yield f"<figure><figcaption>{escape(artifact.caption)}</figcaption>{shown}</figure>"


def enlarging(artifact: Artifact) -> str:
    """The element that shows an artifact. A picture stands beside a box without a script: ticked, it makes the figure
    as wide as the page."""
    shown = element(artifact)
    if not artifact.media_type.startswith("image/"):
        return shown
    return f'<label><input type="checkbox" aria-label="Enlarge">{shown}</label>'


def page_metric(score: Mapping[str, Any]) -> str:
    """A metric with its picture and its number in words."""
    name = f"<div><h3>{escape(score['name'])}</h3><small>{escape(score['about'])}</small></div>"
    if score["value"] is None:
        return f'<div class="metric">{name}<p class="soft">not computable: {escape(score["reason"])}</p></div>'
    better = f"<small>{escape(WORDS.get(score['better'], ''))}</small>"
    real = f" · real {short(score['floor'])}" if score["floor"] is not None else ""
    like = '<span class="like">no clear difference</span><br>' if like_real(score) else ""
    numbers = f'<div class="numbers">{like}{short(score["value"])}{real}{better}</div>'
    return f'<div class="metric">{name}{dot_plot(score)}{numbers}</div>'


def page_row(score: Mapping[str, Any]) -> str:
    """A score as a row of the page."""
    name, about = escape(score["name"]), escape(score["about"])
    if score["value"] is None:
        cells = f'<td colspan="6">not computable: {escape(score["reason"])}</td>'
    else:
        cells = "".join(f"<td>{escape(text)}</td>" for text in row(score)[1:])
    return f"<tr><th>{name}<small>{about}</small></th>{cells}</tr>"
