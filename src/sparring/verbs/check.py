"""``sparring data check``: what is in a data set, what is wrong with it, and some of it to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import make_folder, may_write, not_too_long, write_atomically, write_text
from sparring.core.recipe import Recipe
from sparring.core.settings import fields
from sparring.media.notes import stamped
from sparring.modalities import modality_of, recipe_to_read
from sparring.modality import Say
from sparring.options import CheckOptions
from sparring.report.check import check_page


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
    (``check-<name>.png`` without), with a note of the data's name.

    ``settings`` are those of a recipe that decide how data are read. Raises :class:`UserError` as training on the data
    would, and before they are read for an ``out`` that cannot be written.
    """
    places = [str(data)] if isinstance(data, str | Path) else [str(path) for path in data]
    recipe = recipe_to_read(places)
    known = fields(type(recipe))
    for name in settings:
        if name not in known or known[name].metadata["group"] != "data":
            raise UserError(f"{name}: does not decide how data are read; leave it out")
    recipe = recipe.changed(settings)
    modality = modality_of(recipe.kind)
    options = CheckOptions().changed({"data": places, "out": str(out or ""), "overwrite": overwrite})
    path = place_of_sheet(options, recipe, modality.check_sheet)

    summary = modality.check(recipe, say)
    text = "\n".join(summary.lines)
    if summary.page:
        write_text(path, check_page(Path(recipe.data).name, summary.lines, summary.page))
        return {**summary.facts, "page": str(path), "summary": f"{text}\nsome of them: {path}"}
    if summary.preview is None:
        return {**summary.facts, "summary": text}
    note = {name: Path(place).name for name in recipe.data_settings if (place := getattr(recipe, name))}
    write_atomically(path, stamped(summary.preview.data, summary.preview.media_type, note))
    return {**summary.facts, "sheet": str(path), "summary": f"{text}\nsome of them: {path}"}


def place_of_sheet(options: CheckOptions, recipe: Recipe, ending: str) -> Path:
    """Where the preview of the recipe's data goes, a file with that ending, its folder made. Raises :class:`UserError`
    for a file that may not be written."""
    if not options.out:
        return Path(f"check-{not_too_long(Path(recipe.data).stem)}{ending}")
    path = Path(options.out)
    if not ending:
        raise UserError(f"out: nothing is drawn of {recipe.kind}; leave it out")
    may_write(path, (ending,), "the preview is", options.overwrite)
    make_folder(path.parent)
    return path
