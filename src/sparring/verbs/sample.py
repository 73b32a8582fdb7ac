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
        how = {**({"judge": judge} if judge else {}), **asked}
        ending = f"-{file_name(label)}" if label else ""
        ending += "".join(f"-{name}{file_name(str(value))}" for name, value in how.items())
        if len(str(asked.get("prompt", ""))) > 40 or not str(asked.get("prompt", "a")).replace(" ", "").isalnum():
            ending += f"-{crc32(str(asked['prompt']).encode()):08x}"  # what a file's name leaves out of it
        place = Path(run) / "generated" / f"seed{seed}-{count}{ending}{model.room.sheet}"
        make_folder(place.parent)
        overwrite = True  # the same name holds the same samples
    else:
        place = Path(out)
    written = model.write(samples, model.sample_labels(count, label), place, seed=seed, overwrite=overwrite)
    return {"written": [str(path) for path in written], "count": count, "seed": seed, "model": model.hash}
