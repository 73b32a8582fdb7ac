"""``sparring score``: what a model thinks of examples in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from sparring.core.files import may_write, write_text
from sparring.keywords import ScoreKeywords
from sparring.modalities import load, modality_of, options_for
from sparring.modality import Say
from sparring.options import ScoreOptions
from sparring.probability.explanations import write_pictures
from sparring.report.scores import scores_page
from sparring.scoring import TABLES


def score(
    run: str | Path,
    files: Sequence[str | Path],
    *,
    say: Say = lambda line: None,
    **options: Unpack[ScoreKeywords],
) -> dict[str, Any]:
    """Score each example of ``files`` by ``run``; ``out`` is a table to write.

    ``options`` are the fields of :class:`ScoreOptions` and of the modality's own. Returns ``rows``, one for each
    example, numbers and a ``summary`` in words of all of them, and ``written``. Raises :class:`UserError` for files
    that hold no such examples and labels that are not known.
    """
    asked = options_for("score", run, {**options, "files": [str(path) for path in files]})
    assert isinstance(asked, ScoreOptions)
    if asked.out:
        may_write(Path(asked.out), TABLES, "scores are", asked.overwrite)  # told before anything is computed
    if asked.page:
        may_write(Path(asked.page), (".html",), "a page is", asked.overwrite, "--page")
    model = load(run, asked.device)
    table = modality_of(model.recipe.kind).score(model, asked, say)
    if asked.out:
        table.write(Path(asked.out), asked.overwrite)
    if asked.explain:
        write_pictures(Path(asked.explain), table.drawn)
    if asked.page:
        write_text(Path(asked.page), scores_page(table, f"Scores by {model.path}"))
    shown = {name: getattr(asked, name) for name in ("page", "explain") if getattr(asked, name)}
    summary = "\n".join([table.text, *shown.values()])
    return {"rows": list(table.rows), **table.summary, **shown, "written": asked.out or None, "summary": summary}
