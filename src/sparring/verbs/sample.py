"""``sparring sample``: pictures, or what else the game makes, from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparring.core.files import file_name, make_folder
from sparring.verbs.model import load


def sample(
    run: str | Path,
    *,
    count: int = 64,
    seed: int = 0,
    label: str | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Sample ``run`` and write the samples to ``out``; its ending decides the kind of file.

    Without ``out``, a sheet named after what was asked, in the folder's ``generated/``. Returns what was written.
    """
    model = load(run, device)
    samples = model.sample(count, seed=seed, label=label)
    if out is None:
        ending = f"-{file_name(label)}" if label else ""
        place = Path(run) / "generated" / f"seed{seed}-{count}{ending}.png"
        make_folder(place.parent)
        overwrite = True  # the same name holds the same samples
    else:
        place = Path(out)
    written = model.write(samples, model.sample_labels(count, label), place, seed=seed, overwrite=overwrite)
    return {"written": [str(path) for path in written], "count": count, "seed": seed, "model": model.hash}
