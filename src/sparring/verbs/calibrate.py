"""``sparring calibrate``: makes scores of single examples true, by real ones that were never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from sparring.keywords import CalibrateKeywords
from sparring.modalities import load, modality_of, options_for
from sparring.modality import Say
from sparring.options import CalibrateOptions
from sparring.probability.calibrate import summary_of
from sparring.probability.kept import save


def calibrate(run: str | Path, *, say: Say = lambda line: None, **options: Unpack[CalibrateKeywords]) -> dict[str, Any]:
    """Train a fresh discriminator against the generator of ``run`` and calibrate it; both are kept beside its weights.

    ``options`` are the fields of :class:`CalibrateOptions`. Returns how true its probabilities are, and from which
    p-value on an example is called odd. Raises :class:`UserError` where too few real examples were never seen, and for
    ``data`` that were trained on.
    """
    asked = options_for("calibrate", run, options)
    assert isinstance(asked, CalibrateOptions)
    model = load(run, asked.device)
    calibration = modality_of(model.recipe.kind).calibrate(model, asked, say)
    written = [str(path) for path in save(model.folder, calibration)]
    return {"model": model.hash, **calibration.facts, "written": written, "summary": summary_of(calibration)}
