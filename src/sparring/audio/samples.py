"""Generated sounds as files: one with gaps between them, or a folder, each with a note of where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import file_name, make_place
from sparring.media.sounds.pictures import sheet
from sparring.media.sounds.writing import FORMATS, encode, joined, save_sound
from sparring.modality import Artifact

KINDS = (".wav", ".flac", ".ogg (one file with gaps)", "no ending for a folder of WAVs")


def write_samples(
    sounds: Tensor, rate: int, labels: Sequence[str] | None, out: Path, note: Mapping[str, Any], overwrite: bool
) -> list[Path]:
    """Write sounds ``(n, channels, samples)`` in [-1, 1]; the ending of ``out`` decides as what.

    ``.wav``, ``.flac`` and ``.ogg`` are one file with a quarter of a second between sounds; a folder (no ending) holds
    a WAV each, named ``000000.wav`` or ``000000-<label>.wav``. Returns the files written. Raises :class:`UserError`
    when something is there already and ``overwrite`` is not set, and when the ending is another.
    """
    kind = "" if out.is_dir() else out.suffix.lower()
    if kind and kind not in FORMATS:
        raise UserError(f"{out}: cannot write {kind} files; use {', '.join(KINDS)}")
    make_place(out, kind, overwrite)
    samples = sounds.float().cpu().numpy()
    if kind:
        save_sound(joined(samples, rate), rate, out, {**note, **({"labels": list(labels)} if labels else {})})
        return [out]
    written = []
    for index, sound in enumerate(samples):
        label = {} if labels is None else {"label": labels[index]}
        name = f"{index:06d}{f'-{file_name(labels[index])}' if labels else ''}.wav"
        save_sound(sound, rate, out / name, {**note, "index": index, **label}, durable=False)
        written.append(out / name)
    return written


def as_artifact(sounds: Tensor, rate: int, caption: str, name: str = "", columns: int | None = None) -> Artifact:
    """Sounds ``(n, channels, samples)`` in one file with gaps between them, and a picture of them."""
    samples: np.ndarray = sounds.float().cpu().numpy()
    content = encode(joined(samples, rate), rate, ".flac", {})
    return Artifact(caption, "audio/flac", content, name, sheet(samples, rate, columns))
