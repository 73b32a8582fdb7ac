"""How far a run came, why it went no further, and what was measured of it last, from its journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.core.status import clock
from sparring.report.curves import PANELS, number

Entry = Mapping[str, Any]
COUNTED = ("step", "examples", "seconds", "services")  # what entries say of how far a run has come
SESSION = ("start", "resume")  # the events that a session of training begins with
DIVERGED = "diverged"  # how the reason begins that a run ends for which cannot be kept finite
VERDICTS = {
    "training": "Training",
    "finished": "Finished: {reason}",
    "failed": "Ended early, it {reason}",
    "stopped": "Stopped, and can go on",
    "interrupted": "Interrupted, and can go on",
}
MACHINE = ("cpu", "gpu", "cores", "threads", "torch", "python", "system")  # what is told of one, in this order


@dataclass(frozen=True)
class Ending:
    """How far a run came and why it went no further; ``state`` is one of ``VERDICTS``, ``services`` the share of its
    time that went into what is done beside training."""

    state: str
    reason: str
    step: float
    examples: float
    seconds: float
    services: float


def find_ending(journal: Sequence[Entry], live: bool = False) -> Ending:
    """The state of the last session: one without an ending goes on if it is ``live``, and was interrupted if not."""
    last: dict[str, float] = {}
    reason = ""
    for entry in journal:
        if entry.get("event") in SESSION:
            reason = ""
            continue
        if entry.get("event") == "end":
            reason = str(entry.get("reason", ""))
        last |= {key: entry[key] for key in COUNTED if number(entry.get(key)) is not None}
    state = "training" if live else "interrupted"
    if reason:
        state = "stopped" if reason == "stopped" else "failed" if reason.startswith(DIVERGED) else "finished"
    return Ending(state, reason, *(last.get(key, 0) for key in COUNTED))


def verdict(ending: Ending) -> str:
    """One line on how it went."""
    words = VERDICTS[ending.state].format(reason=ending.reason)
    return f"{words}, after {ending.examples:,.0f} examples in {clock(ending.seconds)}."


def facts(journal: Sequence[Entry], ending: Ending, metric: str) -> dict[str, str]:
    """The numbers beside the samples, by what they are; those that there are."""
    sessions = [entry for entry in journal if entry.get("event") in SESSION]
    first, last = (sessions[0], sessions[-1]) if sessions else ({}, {})
    speed = ending.examples / ending.seconds if ending.seconds else 0
    data = f"{first['count']:,} examples" if number(first.get("count")) is not None else ""
    players = last.get("players", "")
    table = {
        f"Best {PANELS[metric].title if metric in PANELS else metric}": best(journal, metric),
        "Diversity": measured(journal, "diversity", "{:.0%} of the data's"),
        "Overfitting": measured(journal, "overfitting", "{:.2f}, from 0 (none) to 1"),
        "Data": data,
        "Examples seen": f"{ending.examples:,.0f}",
        "Steps": f"{ending.step:,.0f}" if ending.step else "",
        "Time": clock(ending.seconds),
        "Speed": f"{speed:,.0f} examples/s" if speed else "",
        "Parameters": parameters(players) if isinstance(players, dict) else "",
        "Sessions": str(len(sessions)) if len(sessions) > 1 else "",
        "Checks, previews, checkpoints": f"{ending.services:.1%} of the time" if ending.services else "",
    }
    return {name: text for name, text in table.items() if text}


def machine(journal: Sequence[Entry]) -> dict[str, str]:
    """What the last session ran on, by what it is; older runs tell little of it."""
    sessions = [entry for entry in journal if entry.get("event") in SESSION]
    last = sessions[-1] if sessions else {}
    told = last.get("machine")
    device, precision = str(last.get("device", "")), str(last.get("precision", ""))
    ran = precision if device in precision else ", ".join(filter(None, (device, precision)))
    known = {name: str(told[name]) for name in MACHINE if told.get(name)} if isinstance(told, dict) else {}
    processes = last.get("processes")
    many = {"processes": str(processes)} if number(processes) is not None and processes != 1 else {}
    return {name: text for name, text in {"precision": ran, **known, **many}.items() if text}


def measured(journal: Sequence[Entry], name: str, words: str) -> str:
    """What was measured last under that name, in ``words``; empty where nothing was."""
    values = [value for entry in journal if (value := number(entry.get(name))) is not None]
    return words.format(values[-1]) if values else ""


def best(journal: Sequence[Entry], metric: str) -> str:
    """The lowest distance that was measured along the way, and when; empty where none was."""
    found = [
        (entry[metric], entry["examples"])
        for entry in journal
        if entry.get("event") == "metrics" and number(entry.get(metric)) is not None and number(entry.get("examples"))
    ]
    return "{:.3g}, after {:,.0f} examples".format(*min(found)) if found else ""


def parameters(players: Entry) -> str:
    """``generator 0.12M, discriminator 1,240``."""
    known = {name: size for name, size in players.items() if number(size) is not None}
    return ", ".join(f"{name} {size / 1e6:.2f}M" if size > 1e5 else f"{name} {size:,}" for name, size in known.items())
