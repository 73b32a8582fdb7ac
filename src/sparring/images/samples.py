"""Generated pictures as files: one sheet, arrays, an archive or a folder, each with a note of where they came from."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import aside, file_name, make_place, write_atomically
from sparring.media.pictures.notes import as_png, compact, encode_png, save_png
from sparring.media.pictures.sheets import channels_last, sheet, to_picture, to_uint8
from sparring.modality import Artifact

KINDS = (".png (one sheet)", ".npz", ".npy", ".zip", "no ending for a folder")


def write_samples(
    images: Tensor, labels: Sequence[str] | None, out: Path, note: Mapping[str, Any], overwrite: bool = False
) -> list[Path]:
    """Write images ``(n, channels, height, width)`` in [-1, 1]; the ending of ``out`` decides as what.

    ``.png`` is one sheet; ``.npz`` holds ``images`` uint8 ``(n, height, width)`` or ``(n, height, width,
    channels)``, ``labels`` if there are any, and ``note``; ``.npy`` is the images alone; ``.zip`` and a
    folder (no ending) hold a PNG each, named ``000000.png`` or ``000000-<label>.png``. Returns the files
    written. Raises :class:`UserError` when something is there already and ``overwrite`` is not set, when the
    ending is another, and when nothing can be written there.
    """
    kind = "" if out.is_dir() else out.suffix.lower()
    if kind not in ("", ".png", ".npz", ".npy", ".zip"):
        raise UserError(f"{out}: cannot write {kind} files; use {', '.join(KINDS)}")
    make_place(out, kind, overwrite)
    pixels = to_uint8(images)
    if kind == ".png":
        save_png(sheet(pixels), out, {**note, **({"labels": list(labels)} if labels else {})})
    elif kind == ".zip":
        write_zip(out, pixels, labels, note)
    elif kind:
        write_arrays(out, pixels, labels, note)
    else:
        return write_folder(out, pixels, labels, note)
    return [out]


def as_artifact(images: Tensor, caption: str, name: str = "", columns: int | None = None) -> Artifact:
    """A sheet of bytes ``(n, channels, height, width)``, as many in a row as ``columns`` says, or as make it square."""
    return Artifact(caption, "image/png", as_png(sheet(channels_last(images), columns)), name)


def write_arrays(out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]) -> None:
    """Write an ``.npz`` or ``.npy`` of bytes ``(n, height, width, channels)``, grey without an axis for channels."""
    images = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    named = {"labels": np.array(labels, dtype=np.str_)} if labels is not None else {}
    with aside(out) as temporary, temporary.open("wb") as file:
        if out.suffix.lower() == ".npy":
            np.save(file, images)
        else:
            np.savez_compressed(file, allow_pickle=False, images=images, note=np.array(compact(note)), **named)


def write_zip(out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]) -> None:
    """Write a zip of PNGs from bytes ``(n, height, width, channels)``; it is the same whenever it is written."""
    with aside(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for index, picture in enumerate(pixels):
            name, own = describe(index, labels, note)
            archive.writestr(zipfile.ZipInfo(name), encode_png(to_picture(picture), own))


def write_folder(out: Path, pixels: np.ndarray, labels: Sequence[str] | None, note: Mapping[str, Any]) -> list[Path]:
    """Write a PNG for each of ``(n, height, width, channels)``: thousands of files, so none waits for the disk."""
    written = []
    for index, picture in enumerate(pixels):
        name, own = describe(index, labels, note)
        write_atomically(out / name, encode_png(to_picture(picture), own), durable=False)
        written.append(out / name)
    return written


def describe(index: int, labels: Sequence[str] | None, note: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The file name and the note of one of many pictures."""
    if labels is None:
        return f"{index:06d}.png", {**note, "index": index}
    return f"{index:06d}-{file_name(labels[index])}.png", {**note, "index": index, "label": labels[index]}
