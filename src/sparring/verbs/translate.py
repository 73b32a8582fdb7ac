"""``sparring translate``: files of one domain, in the manner of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from sparring.keywords import TranslateKeywords
from sparring.modalities import load, modality_of, options_for
from sparring.modality import Say
from sparring.options import TranslateOptions


def translate(
    run: str | Path,
    inputs: Sequence[str | Path],
    *,
    say: Say = lambda line: None,
    **options: Unpack[TranslateKeywords],
) -> dict[str, Any]:
    """Translate every file among ``inputs``, each to a file of the same name and kind in ``out``.

    ``options`` are the fields of :class:`TranslateOptions` and of the modality's own. Returns what was written. Raises
    :class:`UserError` when nothing can be translated, when a result would take the place of something, and for a model
    that does not translate.
    """
    asked = options_for("translate", run, {**options, "inputs": [str(path) for path in inputs]})
    assert isinstance(asked, TranslateOptions)
    model = load(run, asked.device)
    return modality_of(model.recipe.kind).translate(model, asked, say)
