"""Generated clips as files: one video with all of them side by side, strips, arrays, or a folder with a video each."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import aside, file_name, make_place
from sparring.media.films.film import Film
from sparring.media.films.writing import KNOWN, writing
from sparring.media.pictures.notes import compact, save_png
from sparring.media.pictures.sheets import sheet, to_bytes
from sparring.modality import Artifact

KINDS = (".mp4, .webm, .mkv, .mov, .gif, .webp, .apng (one video)", ".png (strips)", ".npz", "no ending for a folder")
SHEET_SIDE, SMALL_SIDE = 480, 128  # pixels that small clips side by side are enlarged up to, in files and on pages
GAP = 2  # pixels between strips
QUALITY, EFFORT = 85, 2  # of animations on pages
FINEST = 1000  # parts of a second that rates are told in


def write_samples(
    clips: Tensor,
    rate: float,
    labels: Sequence[str] | None,
    out: Path,
    note: Mapping[str, Any],
    overwrite: bool,
    each: str = "auto",
) -> list[Path]:
    """Write clips ``(n, frames, channels, height, width)`` in [-1, 1] of ``rate`` frames a second; the ending of
    ``out`` decides as what.

    The endings of videos give one in which all clips play side by side; ``.png`` one strip of frames a row; ``.npz``
    holds ``frames`` uint8 ``(n, frames, height, width, channels)``, ``rate``, ``labels`` if there are any, and
    ``note``; a folder (no ending) a file for each clip, named ``000000.mp4`` or ``000000-<label>.mp4``, of the kind
    that ``each`` names. Returns the files written. Raises :class:`UserError` when something is there already and
    ``overwrite`` is not set, when the ending is another, and when a kind of file needs what is not installed.
    """
    kind = "" if out.is_dir() else out.suffix.lower()
    if kind not in ("", ".png", ".npz", *KNOWN):
        raise UserError(f"{out}: cannot write {kind} files; use {', '.join(KINDS)}")
    make_place(out, kind, overwrite)
    pixels = as_pixels(clips)
    about = {**note, **({"labels": list(labels)} if labels else {})}
    if kind == ".png":
        save_png(sheet(strips(pixels), columns=1, gap=GAP, scale=1), out, about)
    elif kind == ".npz":
        write_arrays(out, pixels, rate, labels, note)
    elif kind:
        write_video(tiled(pixels), rate, out, about)
    else:
        return write_folder(out, pixels, rate, labels, note, ending_for(each))
    return [out]


def ending_for(each: str) -> str:
    """The ending of a file for each clip: ``auto`` is MP4 where PyAV is installed, else an animated WebP."""
    if each == "auto":
        return ".mp4" if importlib.util.find_spec("av") else ".webp"
    return {"frames": "", "strips": ".png"}.get(each, f".{each}")


def write_folder(
    out: Path, pixels: np.ndarray, rate: float, labels: Sequence[str] | None, note: Mapping[str, Any], ending: str
) -> list[Path]:
    """Write each of clips ``(n, frames, height, width, channels)`` as a file, or as a folder of frames."""
    written = []
    for index, clip in enumerate(pixels):
        label = {} if labels is None else {"label": labels[index]}
        path = out / f"{index:06d}{f'-{file_name(labels[index])}' if labels else ''}{ending}"
        own = {**note, "index": index, **label}
        if ending == ".png":
            save_png(sheet(strips(clip[None]), columns=1, gap=0, scale=1), path, own)
        else:
            write_video(clip, rate, path, own)
        written.append(path)
    return written


def write_video(frames: np.ndarray, rate: float, path: Path, note: Mapping[str, Any]) -> None:
    """Write frames uint8 ``(frames, height, width, channels)`` as a video, in place of one that is there."""
    colour = np.broadcast_to(frames, (*frames.shape[:3], 3))
    exact = Fraction(rate).limit_denominator(FINEST)
    height, width = frames.shape[1:3]
    like = Film(path.parent, height, width, exact, len(frames), False, "frames", lambda: iter(colour), note=note)
    with writing(path, like, overwrite=True) as writer:
        for frame in colour:
            writer.add(frame)


def write_arrays(
    out: Path, pixels: np.ndarray, rate: float, labels: Sequence[str] | None, note: Mapping[str, Any]
) -> None:
    """Write an ``.npz`` of bytes ``(n, frames, height, width, channels)``."""
    named = {"labels": np.array(labels, dtype=np.str_)} if labels is not None else {}
    with aside(out) as temporary, temporary.open("wb") as file:
        about = {"rate": np.array(rate), "note": np.array(compact(note)), **named}
        np.savez_compressed(file, allow_pickle=False, frames=pixels, **about)


def as_artifact(clips: Tensor, rate: float, caption: str, name: str = "", columns: int | None = None) -> Artifact:
    """Clips ``(n, frames, channels, height, width)`` in [-1, 1] as an animated WebP in which they play side by side."""
    frames = [Image.fromarray(frame) for frame in tiled(as_pixels(clips), columns, SMALL_SIDE)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="WEBP", save_all=True, append_images=frames[1:], duration=round(1000 / rate), loop=0,
                   quality=QUALITY, method=EFFORT)  # fmt: skip
    return Artifact(caption, "image/webp", buffer.getvalue(), name)


def as_pixels(clips: Tensor) -> np.ndarray:
    """Clips ``(n, frames, channels, height, width)`` in [-1, 1] as bytes ``(n, frames, height, width, channels)``."""
    pixels: np.ndarray = to_bytes(clips).permute(0, 1, 3, 4, 2).contiguous().numpy()
    return pixels


def tiled(pixels: np.ndarray, columns: int | None = None, up_to: int = SHEET_SIDE) -> np.ndarray:
    """Clips ``(n, frames, height, width, channels)`` side by side, row after row, small ones enlarged:
    ``(frames, height, width, 3)``. Raises :class:`UserError` for too many of them."""
    count, _, height, width, _ = pixels.shape
    side = max(1, round(count**0.5)) * max(height, width)
    scale = max(1, up_to // side)
    return np.stack(
        [np.asarray(sheet(pixels[:, time], columns, scale=scale).convert("RGB")) for time in range(pixels.shape[1])]
    )


def strips(pixels: np.ndarray) -> np.ndarray:
    """Clips ``(n, frames, height, width, channels)`` with the frames of each side by side, ``(n, height, frames *
    width, channels)``."""
    count, frames, height, width, channels = pixels.shape
    return pixels.transpose(0, 2, 1, 3, 4).reshape(count, height, frames * width, channels)
