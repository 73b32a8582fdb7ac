"""What ``sparring info`` found, in ten lines for a person; ``--json`` has all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sparring.core.settings import as_typed, fields
from sparring.core.status import clock, listed
from sparring.core.terminal import shortened
from sparring.report.changes import changes, typed
from sparring.report.closing import quoted_path
from sparring.report.ending import parameters

MOST = 10  # lines
WIDE, NARROWEST = 100, 24  # characters of a value
GAP = "  "
COPIED = ("run", "model", "file", "next")  # paths and commands
LARGEST = 1e15  # of a number that is shown

Facts = Mapping[str, Any]


def described(facts: Facts, columns: int = 0) -> str:
    """The lines on a run, a model or a file: what each is about, and what is to be known, shortened to a terminal of so
    many columns (0: there is none) unless it can be copied."""
    of_what = of_run if "run" in facts else of_model if "model" in facts and "form" in facts else of_file
    told = [(name, value) for name, value in of_what(facts) if value not in ("", None)][:MOST]
    wide = max(len(name) for name, _ in told) + len(GAP)
    most = max(NARROWEST, columns - wide) if columns else WIDE
    lines = [f"{name:{wide}}{value if name in COPIED else shortened(value, most)}" for name, value in told]
    return "\n".join(lines)


def of_run(facts: Facts) -> Iterator[tuple[str, Any]]:
    """A run: on what it was trained, how far it came, how good it was, and what comes next. A journal may be damaged:
    what is no number in it is passed over."""
    recipe, last, began = facts["recipe"], facts["last"] or {}, facts["began"] or {}
    reached, count = numbers(last), numbers(began).get("count")
    yield "run", facts["run"]
    yield "recipe", recipe_line(recipe)
    yield "data", f"{recipe.get('data', '')}" + ("" if count is None else f", {count:,} examples")
    yield "players", parameters(numbers(began.get("players")))
    yield "settings", changed_settings(recipe)
    if {"step", "examples", "seconds"} <= set(reached):
        yield (
            "trained",
            (
                f"step {reached['step']:,}, {reached['examples']:,} examples in {clock(reached['seconds'])}; "
                f"{facts['ended'] or 'has not ended'}"
            ),
        )
    yield "losses", listed("losses", numbers(last.get("losses")), ".3f").removeprefix("losses: ")
    yield "best", best_line(facts)
    found = facts["warnings"]
    yield "warnings", f"{len(found)}, the last: {found[-1]}" if found else "none"
    use = str(began.get("use", "")) if facts["has_model"] else ""
    yield "next", f"sparring {use}".replace("{run}", quoted_path(facts["run"])) if use else ""


def numbers(values: Any) -> dict[str, float]:
    """What is a finite number of some values by name; nothing where that is something else."""
    found = values.items() if isinstance(values, Mapping) else ()
    return {name: value for name, value in found if type(value) in (int, float) and abs(value) < LARGEST}


def best_line(facts: Facts) -> str:
    """The best score and where its weights are; empty without one."""
    score = facts["score"]
    if score is None:
        return ""
    return f"{score['metric']} {score['distance']:.3g} after {score['examples']:,} examples" + (
        f": {facts['best']}" if facts["best"] else ""
    )


def of_model(facts: Facts) -> Iterator[tuple[str, Any]]:
    """A model: what it makes and what it was trained on."""
    form = {**facts["form"]}
    labels = form.pop("labels", None) or []
    yield "model", facts["model"]
    yield "recipe", recipe_line({"kind": facts["kind"], **facts["recipe"]})
    yield "data", f"{facts['recipe'].get('data', '')}, {facts['examples']:,} examples"
    yield "form", ", ".join(f"{name} {shortened(value, 24)}" for name, value in form.items())
    yield "labels", f"{len(labels)}: {', '.join(map(str, labels))}" if labels else "none"
    yield "settings", changed_settings({"kind": facts["kind"], **facts["recipe"]})
    yield "trained", f"on {facts['examples_seen']:,} examples, repeats counted"


def of_file(facts: Facts) -> Iterator[tuple[str, Any]]:
    """A file: what its note says of where it came from."""
    for name, value in facts.items():
        if name == "recipe" and isinstance(value, Mapping):
            yield "recipe", recipe_line(value)
            yield "settings", changed_settings(value)
        elif name != "sparring":
            yield name.replace("_", " "), value
    if "sparring" in facts:
        yield "made by", f"Sparring {facts['sparring']}"


def recipe_line(recipe: Facts) -> str:
    """A recipe by its name, its kind of data, and what it is for."""
    parts = (recipe.get("name"), recipe.get("kind"), recipe.get("about"))
    return ", ".join(dict.fromkeys(str(part) for part in parts if part))


def changed_settings(content: Facts) -> str:
    """The settings in a file that are not those of the recipe that it started from; empty where it cannot be read."""
    recipe = typed(content)
    if recipe is None:
        return ""
    known = fields(type(recipe))
    told = [
        f"{name} {shortened(as_typed(getattr(recipe, name), known[name].metadata['unit']), 24)}"
        for name in changes(recipe)
        if name in content and name not in recipe.data_settings
    ]
    return ", ".join(told) or "as the recipe has them"
