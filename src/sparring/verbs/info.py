"""``sparring info``: what a run, a model or a file that Sparring wrote is, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.core.checkpoint import newest_first
from sparring.core.errors import UserError
from sparring.core.journal import digest
from sparring.core.recipe import Recipe
from sparring.core.run import find, read_config
from sparring.media.notes import read_note
from sparring.modalities import modality_of, recipe_in


def info(path: str | Path) -> dict[str, Any]:
    """What there is to know, as plain values. Raises :class:`UserError` for what Sparring did not make."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        return {"file": str(path), **read_note(path)}
    if (path / "recipe.yaml").exists() or not (path / "config.json").exists():
        return about_run(path)
    config, where = read_config(path), path / "config.json"
    recipe = recipe_in(config, str(where))
    try:
        form = modality_of(recipe.kind).form.from_dict(config["form"])
    except UserError as problem:
        raise UserError(f"{where}: {problem}; copy the model folder again") from None
    counts = {name: config[name] for name in ("examples", "examples_seen")}
    return {"model": str(path), "kind": recipe.kind, "recipe": config["recipe"], "form": form.to_dict(), **counts}


def about_run(folder: Path) -> dict[str, Any]:
    """A run: its recipe, how far it came, what it warned of. Raises :class:`UserError` where there is none."""
    if not folder.exists():
        raise UserError(f"{folder}: no such file or folder")
    run, recipe = find(folder)
    journal = digest(run.journal)
    steps = [entry for entry in journal if entry.get("event") == "step"]
    ends = [entry.get("reason") for entry in journal if entry.get("event") == "end"]
    began = [entry for entry in journal if entry.get("event") in ("start", "resume")]
    return {
        "run": str(folder),
        "recipe": recipe,
        "began": began[-1] if began else None,
        "last": steps[-1] if steps else None,
        "ended": ends[-1] if ends else None,
        "score": best_measured(journal, str(recipe.get("metric", Recipe.metric))),
        "warnings": [entry.get("message") for entry in journal if entry.get("event") == "warning"],
        "checkpoints": [str(path) for path in newest_first(run.checkpoints)],
        "best": str(run.best) if (run.best / "config.json").exists() else None,
        "has_model": (run.model / "config.json").exists(),
    }


def best_measured(journal: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
    """The lowest measurement of ``metric`` and after how many examples it was taken; None without one."""
    measured = [
        (entry[metric], entry["examples"])
        for entry in journal
        if entry.get("event") == "metrics"
        and isinstance(entry.get(metric), float)
        and isinstance(entry.get("examples"), int)
    ]
    return {"metric": metric, "distance": min(measured)[0], "examples": min(measured)[1]} if measured else None
