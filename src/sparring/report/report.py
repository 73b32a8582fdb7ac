"""The report of a run: ``report.html``, one file that opens from disk without a network.

What is text is written here; the curves and the previews go along as JSON, drawn by the page's own script.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import write_text
from sparring.core.journal import digest
from sparring.core.reading import WORDS, read_text
from sparring.core.recipe import flat_mapping
from sparring.core.status import clock
from sparring.modalities import ENTRIES
from sparring.report.curves import PANELS, charts, number
from sparring.report.pages import filled, part
from sparring.report.previews import Preview, element, previews
from sparring.version import __version__

Entry = Mapping[str, Any]
COUNTED = ("step", "examples", "seconds", "services")  # what entries say of how far a run has come
SESSION = ("start", "resume")  # the events that a session of training begins with
EVENTS = ("event", "news")  # what happened along the way; news is what format 1 called it
USE = re.compile(r"[a-z]+ \{run\}[\w .-]*", re.ASCII)  # nothing that a shell would take for more than words


@dataclass(frozen=True)
class Ending:
    """How far a run came and why it went no further; ``state`` is finished, stopped or interrupted, ``services`` the
    share of its time that went into what is done beside training."""

    state: str
    reason: str
    step: float
    examples: float
    seconds: float
    services: float


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run folder from its ``recipe.yaml``, ``journal.jsonl`` and ``samples/``.

    Whatever of these is missing or damaged is left out. The same run gives the same bytes. Raises
    :class:`UserError` when there is no such folder or it cannot be written.
    """
    if not run_folder.is_dir():
        raise UserError(f"{run_folder}: no such run folder; 'sparring train ... --out {run_folder}' makes one")
    path = run_folder / "report.html"
    write_text(path, page(run_folder))
    return path


def page(run_folder: Path) -> str:
    """The text of the report."""
    journal = digest(run_folder / "journal.jsonl")
    recipe = read_recipe(run_folder / "recipe.yaml")
    ending = find_ending(journal)
    warnings = [entry for entry in journal if entry.get("event") == "warning"]
    events = [entry for entry in journal if entry.get("event") in EVENTS]
    shown = previews(run_folder, journal)
    drawn = {
        "charts": charts(journal),
        "previews": [preview.to_dict() for preview in shown],
        "warnings": moments(warnings),
        "events": moments(events),
    }
    name = run_folder.resolve().name
    slots = {
        "title": escape(name),
        "about": escape(" · ".join(str(recipe[key]) for key in ("name", "about") if recipe.get(key))),
        "state": ending.state,
        "verdict": escape(verdict(ending)),
        "facts": facts(journal, ending, str(recipe.get("metric", ""))),
        "warnings": warnings_list(warnings),
        "events": "".join(f'<p class="event">{message(entry)}</p>' for entry in events),
        "preview": latest(shown),
        "data": as_script(drawn),
        "script": part("page.js"),
        "commands": commands(run_folder, ending, find_use(journal)),
        "recipe": recipe_table(recipe),
        "version": escape(__version__),
    }
    return filled("page.html", slots)


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe's fields, data by name and not by their place on this machine; empty if unreadable."""
    try:
        recipe = flat_mapping(read_text(path, WORDS))
    except (OSError, ValueError):
        return {}
    entry = ENTRIES.get(str(recipe.get("kind")))
    for name in entry.recipe.data_settings if entry else ("data",):
        if recipe.get(name):
            recipe[name] = Path(str(recipe[name])).name
    return recipe


def find_ending(journal: Sequence[Entry]) -> Ending:
    """The state of the last session; a session without an ending was interrupted, or is still going on."""
    last: dict[str, float] = {}
    reason = ""
    for entry in journal:
        if entry.get("event") in SESSION:
            reason = ""
            continue
        if entry.get("event") == "end":
            reason = str(entry.get("reason", ""))
        last |= {key: entry[key] for key in COUNTED if number(entry.get(key)) is not None}
    state = "interrupted" if not reason else "stopped" if reason == "stopped" else "finished"
    return Ending(state, reason, *(last.get(key, 0) for key in COUNTED))


def find_use(journal: Sequence[Entry]) -> str:
    """The command that uses what was trained, with ``{run}`` for the run's folder, as the last session tells it; older
    runs do not."""
    told = [str(entry["use"]) for entry in journal if entry.get("event") in SESSION and "use" in entry]
    return told[-1] if told and USE.fullmatch(told[-1]) else "sample {run} -n 64"


def verdict(ending: Ending) -> str:
    """One line on how it went."""
    words = {
        "finished": f"Finished: {ending.reason}",
        "stopped": "Stopped, and can go on",
        "interrupted": "Interrupted, or still going on",
    }
    return f"{words[ending.state]}, after {ending.examples:,.0f} examples in {clock(ending.seconds)}."


def facts(journal: Sequence[Entry], ending: Ending, metric: str) -> str:
    """The numbers at the top, as terms and descriptions."""
    sessions = [entry for entry in journal if entry.get("event") in SESSION]
    first, last = (sessions[0], sessions[-1]) if sessions else ({}, {})
    speed = ending.examples / ending.seconds if ending.seconds else 0
    data = f"{first['count']:,} examples" if number(first.get("count")) is not None else ""
    device, precision, players = (last.get(key, "") for key in ("device", "precision", "players"))
    machine = [text for text in (str(device), str(precision)) if text]
    table = {
        "Examples seen": f"{ending.examples:,.0f}",
        "Steps": f"{ending.step:,.0f}" if ending.step else "",
        "Time": clock(ending.seconds),
        "Speed": f"{speed:,.0f} examples/s" if speed else "",
        "Checks, previews, checkpoints": f"{ending.services:.1%} of the time" if ending.services else "",
        "Data": data,
        "Ran on": str(precision) if str(device) in str(precision) else ", ".join(machine),
        "Parameters": parameters(players) if isinstance(players, dict) else "",
        f"Best {PANELS[metric].title if metric in PANELS else metric}": best(journal, metric),
        "Sessions": str(len(sessions)) if len(sessions) > 1 else "",
    }
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in table.items() if text)


def best(journal: Sequence[Entry], metric: str) -> str:
    """The lowest distance that was measured along the way, and when; empty where none was."""
    measured = [
        (entry[metric], entry["examples"])
        for entry in journal
        if entry.get("event") == "metrics" and number(entry.get(metric)) is not None and number(entry.get("examples"))
    ]
    return "{:.3g}, after {:,.0f} examples".format(*min(measured)) if measured else ""


def parameters(players: Entry) -> str:
    """``generator 0.12M, discriminator 0.30M``."""
    return ", ".join(f"{name} {size / 1e6:.2f}M" for name, size in players.items() if number(size) is not None)


def warnings_list(warnings: Sequence[Entry]) -> str:
    """What the run warned of, or that it did not."""
    if not warnings:
        return '<p class="calm">No warnings were raised.</p>'
    items = [f"<li>{message(entry)}</li>" for entry in warnings]
    many = "1 warning was raised" if len(items) == 1 else f"{len(items)} warnings were raised"
    return f'<div class="alarm" role="note"><h2>{many}</h2><ul>{"".join(items)}</ul></div>'


def moments(happened: Sequence[Entry]) -> list[float]:
    """After how many examples each happened, where that is known."""
    return [examples for entry in happened if (examples := number(entry.get("examples"))) is not None]


def message(entry: Entry) -> str:
    """What happened, and when."""
    examples, seconds = number(entry.get("examples")), number(entry.get("seconds"))
    when = [f"after {examples:,.0f} examples"] if examples is not None else []
    when += [f"at {clock(seconds)}"] if seconds is not None else []
    return escape(str(entry.get("message", ""))) + (f" <small>{', '.join(when)}</small>" if when else "")


def latest(shown: Sequence[Preview]) -> str:
    """The last preview as an element, there even where scripts are off; empty without previews."""
    return element(shown[-1].artifact, 'id="preview"') if shown else ""


def commands(run_folder: Path, ending: Ending, use: str) -> str:
    """How to go on, to be copied into a terminal; a finished run gets as much time again as it had."""
    run = shlex.quote(str(run_folder))
    resume = f"sparring resume {run}"
    if ending.state == "finished":
        resume += f" --more {max(1, round(ending.seconds / 60))}m"
    lines = {"train longer": resume, "use the model": f"sparring {use.replace('{run}', run)}"}
    return "".join(f"<dt>{what}</dt><dd><code>{escape(line)}</code></dd>" for what, line in lines.items())


def recipe_table(recipe: Entry) -> str:
    """The recipe's settings, a row each."""
    rows = []
    for name, value in recipe.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        rows.append(f"<div><dt>{escape(name)}</dt><dd>{escape(text) or '-'}</dd></div>")
    return "".join(rows) or "<div><dt>recipe.yaml</dt><dd>cannot be read</dd></div>"


def as_script(value: Any) -> str:
    """JSON that can stand inside a script element, whatever its texts say."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
