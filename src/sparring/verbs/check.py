"""``sparring data check``: what is in a data set, what is wrong with it, and some of it to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.settings import fields
from sparring.modalities import modality_of, recipe_to_read
from sparring.modality import Say


def check(
    data: str | Path | Sequence[str | Path],
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    say: Say = lambda line: None,
    **settings: Any,
) -> dict[str, Any]:
    """A summary of ``data``, a path or two of them for two domains, or the name of a set; before a path there may be
    the name of the recipe that it is for. Where the modality draws a preview of it, that goes to ``out``
    (``check-<name>.png`` without).

    ``settings`` are those of a recipe that decide how data are read. Raises :class:`UserError` as training on the data
    would.
    """
    places = [str(data)] if isinstance(data, str | Path) else [str(path) for path in data]
    recipe = recipe_to_read(places)
    known = fields(type(recipe))
    for name in settings:
        if name not in known or known[name].metadata["group"] != "data":
            raise UserError(f"{name}: does not decide how {recipe.kind} are read; leave it out")
    summary = modality_of(recipe.kind).check(recipe.changed(settings), say)
    text = list(summary.lines)
    if summary.preview is None:
        return {**summary.facts, "summary": "\n".join(text)}
    path = Path(out) if out else Path(f"check-{Path(recipe.data).stem}{summary.preview.ending}")
    if path.suffix != summary.preview.ending:
        raise UserError(f"{path}: the preview is written as {summary.preview.ending}")
    if path.exists() and out and not overwrite:
        raise UserError(f"{path}: exists; choose another --out, or --overwrite")
    write_atomically(path, summary.preview.data)
    text.append(f"some of them: {path}")
    return {**summary.facts, "sheet": str(path), "summary": "\n".join(text)}
