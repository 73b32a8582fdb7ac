"""The report of a run: ``report.html``, one file that opens from disk without a network.

What is text is written here; the curves and the previews go along as JSON, drawn by the page's own script. While the
run goes on, the page says so, and asks for itself again.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.journal import digest
from sparring.core.status import clock
from sparring.core.terminal import shortened
from sparring.modalities import ENTRIES
from sparring.report.changes import as_text, changes, command, read_recipe, typed
from sparring.report.curves import charts, number
from sparring.report.ending import SESSION, Ending, Entry, facts, find_ending, machine, verdict
from sparring.report.pages import filled, part
from sparring.report.previews import element, previews, real_preview, shape
from sparring.version import __version__

EVENTS = ("event", "news")  # what happened along the way; news is what format 1 called it
USE = re.compile(r"[a-z]+ \{run\}[\w .-]*", re.ASCII)  # nothing that a shell would take for more than words
COLUMNS = 40  # of a preview, whose names are shown
SCRIPTS = ("numbers.js", "charts.js", "scrubber.js", "enlarge.js", "live.js", "start.js")
SOONEST, LATEST = 15, 60  # seconds until a page that is written again asks for itself
GROWTH = 0.02  # of a run's age, where that is longer: no page is written more often
PATIENCE = 300  # seconds without a new page, or ten times GROWTH, after which a run no longer counts as going on


def write_report(run_folder: Path, live: bool = False) -> Path:
    """Write ``report.html`` into a run folder from its ``recipe.yaml``, ``journal.jsonl`` and ``samples/``; ``live``
    where this process trains it just now.

    Whatever of these is missing or damaged is left out. The same run gives the same bytes, unless it is live. Raises
    :class:`UserError` when there is no such folder or it cannot be written.
    """
    if not run_folder.is_dir():
        raise UserError(f"{run_folder}: no such run folder; 'sparring train ... --out {run_folder}' makes one")
    path = run_folder / "report.html"
    write_atomically(path, page(run_folder, live).encode("utf-8", errors="backslashreplace"), durable=not live)
    return path


def page(run_folder: Path, live: bool = False) -> str:
    """The text of the report."""
    journal = digest(run_folder / "journal.jsonl")
    content = read_recipe(run_folder / "recipe.yaml")
    ending = find_ending(journal, live)
    warnings = [entry for entry in journal if entry.get("event") == "warning"]
    events = [entry for entry in journal if entry.get("event") in EVENTS]
    shown, real = previews(run_folder, journal), real_preview(run_folder)
    run = shlex.quote(str(run_folder))
    drawn = {
        "charts": charts(journal),
        "previews": [preview.to_dict() for preview in shown],
        "warnings": moments(warnings),
        "events": moments(events),
        "again": made_again(journal, content, run),
        "live": refreshed(ending),
    }
    name = run_folder.resolve().name
    slots = {
        "title": escape(name),
        "about": escape(" · ".join(str(content[key]) for key in ("name", "about") if content.get(key))),
        "state": ending.state,
        "verdict": escape(verdict(ending)),
        "refresh": f'<noscript><meta http-equiv="refresh" content="{LATEST}"></noscript>' if drawn["live"] else "",
        "facts": terms(facts(journal, ending, str(content.get("metric", "")))),
        "warnings": warnings_list(warnings),
        "events": "".join(f'<p class="event">{message(entry)}</p>' for entry in events),
        "columns": headings(find_columns(journal, "columns")) if shown else "",
        "real_columns": headings(find_columns(journal, "real_columns")) if shown and real else "",
        "shape": shape(shown[-1].artifact) if shown else "",
        "preview": element(shown[-1].artifact, 'id="preview"') if shown else "",
        "real": element(real) if real and shown else "",
        "real_shape": shape(real) if real else "",
        "data": as_script(drawn),
        "script": "\n".join(map(part, SCRIPTS)),
        "commands": terms(commands(run, ending, find_use(journal, content)), code=True),
        "machine": terms(machine(journal)),
        **settings(content),
        "version": escape(__version__),
    }
    return filled("page.html", slots)


# What the journal tells


def find_use(journal: Sequence[Entry], content: Entry) -> str:
    """The command that uses what was trained, with ``{run}`` for the run's folder, as the last session tells it; older
    runs do not, but their kind does."""
    told = [str(entry["use"]) for entry in journal if entry.get("event") in SESSION and "use" in entry]
    entry = ENTRIES.get(str(content.get("kind")))
    return told[-1] if told and USE.fullmatch(told[-1]) else entry.use if entry else "sample {run} -n 64"


def find_preview(journal: Sequence[Entry]) -> Mapping[str, Any]:
    """What the last session tells of its previews; empty where it does not."""
    told = [entry["preview"] for entry in journal if entry.get("event") in SESSION and "preview" in entry]
    return told[-1] if told and isinstance(told[-1], dict) else {}


def find_columns(journal: Sequence[Entry], which: str) -> list[str]:
    """What the columns of a preview show, or those of real examples; empty where they show nothing of their own."""
    columns = find_preview(journal).get(which)
    names = columns if isinstance(columns, list) and len(columns) <= COLUMNS else []
    return [shortened(name) for name in names if isinstance(name, str)]


def made_again(journal: Sequence[Entry], content: Entry, run: str) -> str:
    """The command that makes the last preview again; empty where none does."""
    count, seed = number(find_preview(journal).get("count")), number(content.get("seed"))
    return f"sparring sample {run} -n {count} --seed {seed}" if count and seed is not None else ""


def refreshed(ending: Ending) -> dict[str, float] | None:
    """When a page was written, after how many seconds it asks for itself, and how long it is believed; None for one
    that is not written again."""
    if ending.state != "training":
        return None
    every = min(max(SOONEST, GROWTH * ending.seconds), LATEST)
    patience = max(PATIENCE, 10 * GROWTH * ending.seconds)
    return {"written": round(time.time()), "every": round(every), "patience": round(patience)}


def moments(happened: Sequence[Entry]) -> list[float]:
    """After how many examples each happened, where that is known."""
    return [examples for entry in happened if (examples := number(entry.get("examples"))) is not None]


def commands(run: str, ending: Ending, use: str) -> dict[str, str]:
    """How to go on, to be copied into a terminal; a finished run gets as much time again as it had."""
    resume = f"sparring resume {run}"
    if ending.state == "finished":
        resume += f" --more {max(1, round(ending.seconds / 60))}m"
    lines = {"use the model": f"sparring {use.replace('{run}', run)}"}
    lines["say how good it is"] = f"sparring evaluate {run}"
    return {**lines, **({} if ending.state == "training" else {"train longer": resume})}


# As HTML


def terms(table: Mapping[str, str], code: bool = False) -> str:
    """Names and what they stand for; as ``code`` to be copied."""
    left, right = ("<code>", "</code>") if code else ("", "")
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{left}{escape(text) or '-'}{right}</dd></div>" for name, text in table.items()
    )


def settings(content: Entry) -> dict[str, str]:
    """The slots of settings: the changed ones, what trains the run again, and all the others."""
    recipe = typed(content)
    changed = changes(recipe) if recipe else {}
    rows = {
        name: f"{as_text(now)} (recipe: {as_text(began)})" if began else as_text(now)
        for name, (now, began) in changed.items()
    }
    others = {name: as_text(value) for name, value in content.items() if name not in changed}
    return {
        "changed": f'<dl class="recipe">{terms(rows)}</dl>' if rows else f"<p>{'None' if recipe else 'Not known'}.</p>",
        "command": f"<code>{escape(command(recipe))}</code>" if recipe else "",
        "recipe": terms(others) or "<div><dt>recipe.yaml</dt><dd>cannot be read</dd></div>",
    }


def headings(columns: Sequence[str]) -> str:
    """The names of columns, above them."""
    names = "".join(f"<span title='{escape(name)}'>{escape(name)}</span>" for name in columns)
    return f'<div class="columns" style="--n: {len(columns)}">{names}</div>' if columns else ""


def warnings_list(warnings: Sequence[Entry]) -> str:
    """What the run warned of, or that it did not."""
    if not warnings:
        return '<p class="calm">No warnings were raised.</p>'
    items = [f"<li>{message(entry)}</li>" for entry in warnings]
    many = "1 warning was raised" if len(items) == 1 else f"{len(items)} warnings were raised"
    return f'<div class="alarm" role="note"><h2>{many}</h2><ul>{"".join(items)}</ul></div>'


def message(entry: Entry) -> str:
    """What happened, and when."""
    examples, seconds = number(entry.get("examples")), number(entry.get("seconds"))
    when = [f"after {examples:,.0f} examples"] if examples is not None else []
    when += [f"at {clock(seconds)}"] if seconds is not None else []
    return escape(str(entry.get("message", ""))) + (f" <small>{', '.join(when)}</small>" if when else "")


def as_script(value: Any) -> str:
    """JSON that can stand inside a script element, whatever its texts say."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
