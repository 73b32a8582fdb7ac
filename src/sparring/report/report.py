"""The report of a run: ``report.html``, one file that opens from disk without a network.

What is text is written here; the curves and the sheets go along as JSON, drawn by the page's own script.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

import sparring
from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.journal import entries
from sparring.core.status import clock
from sparring.report.curves import PANELS, charts, number
from sparring.report.sheets import sheets

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Ending:
    """How far a run came and why it went no further; ``state`` is finished, stopped or interrupted."""

    state: str
    reason: str
    step: float
    examples: float
    seconds: float


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run folder from its ``recipe.yaml``, ``journal.jsonl`` and ``samples/``.

    Whatever of these is missing or damaged is left out. The same run gives the same bytes. Raises
    :class:`UserError` when there is no such folder or it cannot be written.
    """
    if not run_folder.is_dir():
        raise UserError(f"{run_folder}: no such run folder; 'sparring train ... --out {run_folder}' makes one")
    path = run_folder / "report.html"
    write_atomically(path, page(run_folder).encode("utf-8", errors="replace"))
    return path


def page(run_folder: Path) -> str:
    """The text of the report."""
    journal = list(entries(run_folder / "journal.jsonl"))
    recipe = read_recipe(run_folder / "recipe.yaml")
    ending = find_ending(journal)
    warnings, news = ([entry for entry in journal if entry.get("event") == kind] for kind in ("warning", "news"))
    shown = sheets(run_folder, journal)
    drawn = {
        "charts": charts(journal),
        "sheets": shown,
        "warnings": moments(warnings),
        "news": moments(news),
    }
    name = run_folder.resolve().name
    slots = {
        "title": escape(name),
        "about": escape(" · ".join(str(recipe[key]) for key in ("name", "about") if recipe.get(key))),
        "state": ending.state,
        "verdict": escape(verdict(ending)),
        "facts": facts(journal, ending, str(recipe.get("metric", ""))),
        "warnings": warnings_list(warnings),
        "news": "".join(f'<p class="news">{told(entry)}</p>' for entry in news),
        "sheet": latest_sheet(shown),
        "data": as_script(drawn),
        "commands": commands(run_folder, ending, recipe),
        "recipe": recipe_table(recipe),
        "version": escape(sparring.__version__),
    }
    template = files("sparring.report").joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(r"<!--slot:(\w+)-->", lambda slot: slots[slot[1]], template)


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe's fields, the data by name and not by its place on this machine; empty if unreadable."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    recipe = {str(key): value for key, value in content.items()} if isinstance(content, dict) else {}
    if recipe.get("data"):
        recipe["data"] = Path(str(recipe["data"])).name
    return recipe


def find_ending(journal: Sequence[Entry]) -> Ending:
    """The state of the last session; a session without an ending was interrupted, or is still going on."""
    last: dict[str, float] = {}
    reason = ""
    for entry in journal:
        if entry.get("event") in ("start", "resume"):
            reason = ""
            continue
        if entry.get("event") == "end":
            reason = str(entry.get("reason", ""))
        last |= {key: entry[key] for key in ("step", "examples", "seconds") if number(entry.get(key)) is not None}
    state = "interrupted" if not reason else "stopped" if reason == "stopped" else "finished"
    return Ending(state, reason, *(last.get(key, 0) for key in ("step", "examples", "seconds")))


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
    sessions = [entry for entry in journal if entry.get("event") in ("start", "resume")]
    first, last = (sessions[0], sessions[-1]) if sessions else ({}, {})
    speed = ending.examples / ending.seconds if ending.seconds else 0
    data = f"{first['count']:,} examples" if number(first.get("count")) is not None else ""
    device, precision, players = (last.get(key, "") for key in ("device", "precision", "players"))
    machine = [text for text in (str(device), str(precision)) if text]
    told = {
        "Examples seen": f"{ending.examples:,.0f}",
        "Steps": f"{ending.step:,.0f}" if ending.step else "",
        "Time": clock(ending.seconds),
        "Speed": f"{speed:,.0f} examples/s" if speed else "",
        "Data": data,
        "Ran on": str(precision) if str(device) in str(precision) else ", ".join(machine),
        "Parameters": parameters(players) if isinstance(players, dict) else "",
        f"Best {PANELS[metric].title if metric in PANELS else metric}": best(journal, metric),
        "Sessions": str(len(sessions)) if len(sessions) > 1 else "",
    }
    return "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in told.items() if text)


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
    items = [f"<li>{told(entry)}</li>" for entry in warnings]
    many = "1 warning was raised" if len(items) == 1 else f"{len(items)} warnings were raised"
    return f'<div class="alarm" role="note"><h2>{many}</h2><ul>{"".join(items)}</ul></div>'


def moments(happened: Sequence[Entry]) -> list[float]:
    """After how many examples each happened, where that is known."""
    return [at for entry in happened if (at := number(entry.get("examples"))) is not None]


def told(entry: Entry) -> str:
    """What happened, and when."""
    return escape(str(entry.get("message", ""))) + place(entry)


def place(entry: Entry) -> str:
    """When it happened."""
    examples, seconds = number(entry.get("examples")), number(entry.get("seconds"))
    told = [f"after {examples:,.0f} examples"] if examples is not None else []
    told += [f"at {clock(seconds)}"] if seconds is not None else []
    return f" <small>{', '.join(told)}</small>" if told else ""


def latest_sheet(shown: Sequence[Entry]) -> str:
    """The last sheet as an image, there even where scripts are off; empty without sheets."""
    if not shown:
        return ""
    alt = f"Sheet of samples after {shown[-1]['examples']:,} examples"
    return f'<img id="sheet" alt="{alt}" src="{shown[-1]["url"]}">'


def commands(run_folder: Path, ending: Ending, recipe: Entry) -> str:
    """How to go on, to be copied into a terminal; a finished run gets twice the budget it had."""
    run = shlex.quote(str(run_folder))
    resume = f"sparring resume {run}"
    if ending.state == "finished":
        by_steps = (number(recipe.get("steps")) or math.inf) <= ending.step
        resume += f" --steps {2 * ending.step:.0f}" if by_steps else f" --time {max(1, round(ending.seconds / 30))}m"
    lines = {"train on": resume, "make samples": f"sparring sample {run} -n 64"}
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
