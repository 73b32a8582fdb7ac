"""``sparring sample``: pictures, or what else the game makes, from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack
from zlib import crc32

from sparring.core.files import file_name, make_folder
from sparring.core.settings import Settings, fields
from sparring.keywords import SampleKeywords
from sparring.modalities import load, options_for
from sparring.model import Model
from sparring.options import SampleOptions


def sample(run: str | Path, **options: Unpack[SampleKeywords]) -> dict[str, Any]:
    """Sample ``run`` and write the samples to ``out``; its ending decides the kind of file.

    ``options`` are the fields of :class:`SampleOptions` and of the modality's own. Without ``out``, a preview named
    after what was asked, in the folder's ``generated/``. Returns what was written; as ``readable`` samples that can be
    read, where no ``out`` was asked for. Raises :class:`UserError` for what the model cannot be asked for.
    """
    asked = options_for("sample", run, options)
    assert isinstance(asked, SampleOptions)
    model = load(run, asked.device)
    own = dict(changes(asked, tuple(fields(SampleOptions))))
    label = asked.label or None
    judged = None if asked.judge == "none" else model.judged(asked.judge, asked.proposals)
    samples = model.draw(asked.count, seed=asked.seed, label=label, output=judged, **own)
    if asked.out:
        make_folder(Path(asked.out).parent)
    path, overwrite = (Path(asked.out), asked.overwrite) if asked.out else (default_path(run, model, asked), True)
    labels = model.sample_labels(asked.count, label)
    written = model.write(samples, labels, path, seed=asked.seed, overwrite=overwrite, options=own)
    made = {} if judged is None else {"generated": judged.generated, "kept": judged.kept}
    result = {"written": [str(path) for path in written], "count": asked.count, "seed": asked.seed, "model": model.hash}
    return {**result, **made, "readable": "" if asked.out else model.modality.as_lines(samples, labels)}


def default_path(run: str | Path, model: Model, asked: SampleOptions) -> Path:
    """A file named after what was asked: the same name holds the same samples."""
    unusual = changes(asked, ("count", "seed", "label", "out", "overwrite", "device"))
    ending = (f"-{file_name(asked.label)}" if asked.label else "") + (
        f"-{crc32(repr(unusual).encode()):08x}" if unusual else ""
    )
    folder = Path(run) / "generated"
    make_folder(folder)
    return folder / f"seed{asked.seed}-{asked.count}{ending}{sheet_ending(model)}"


def sheet_ending(model: Model) -> str:
    """The ending that a modality's samples are written with where nobody says so."""
    if model.modality.sheet:
        return model.modality.sheet
    return model.modality.preview(model.game, model.networks, model.game.conditions(1), seed=0).ending


def changes(options: Settings, but: tuple[str, ...]) -> list[tuple[str, Any]]:
    """The options that differ from their defaults, sorted by name; ``but`` names those that do not matter."""
    known = fields(type(options))
    values = {name: getattr(options, name) for name in known if name not in but}
    return sorted((name, value) for name, value in values.items() if value != known[name].default)
