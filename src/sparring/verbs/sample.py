"""``sparring sample``: pictures, or what else the game makes, from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

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
    judge: float = 0.0,
    **asked: Any,
) -> dict[str, Any]:
    """Sample ``run`` and write the samples to ``out``; its ending decides the kind of file.

    Without ``out``, a sheet named after what was asked, in the folder's ``generated/``. ``judge`` and ``asked``: see
    :meth:`Model.sample`. Returns what was written.
    """
    model = load(run, device)
    samples = model.draw(count, seed=seed, label=label, judge=judge, **asked)
    if out is None:
        how = sorted({**({"judge": judge} if judge else {}), **asked}.items())
        ending = (f"-{file_name(label)}" if label else "") + (f"-{crc32(repr(how).encode()):08x}" if how else "")
        place = Path(run) / "generated" / f"seed{seed}-{count}{ending}{model.room.sheet}"
        make_folder(place.parent)
        overwrite = True  # the same name holds the same samples
    else:
        place = Path(out)
    written = model.write(samples, model.sample_labels(count, label), place, seed=seed, overwrite=overwrite)
    return {"written": [str(path) for path in written], "count": count, "seed": seed, "model": model.hash}
