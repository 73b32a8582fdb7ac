"""Artifacts as elements of a page that holds everything itself, and the previews of a run: some of many."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from sparring.core.reading import open_regular
from sparring.kind import ENDINGS, Artifact
from sparring.report.curves import evenly, number

MOST = 60  # previews of a report
BUDGET = 1_700_000  # bytes of all previews together, before base64 makes four of three: a page is below 3 MB
LARGE = BUDGET // MOST  # bytes from which on a PNG is shown smaller and compressed with loss
LARGEST = 1 << 26  # bytes of a file that is shown at all
HUGE = 1 << 25  # pixels of a picture that is not made smaller
SIDE = 1024  # pixels of a PNG shown smaller
REAL = "real"  # how the file of real examples is called, without its ending
SMALL = 640  # pixels of a picture whose own pixels stay sharp when it is enlarged

MEDIA_TYPES = {ending: media_type for media_type, ending in ENDINGS.items()}
BEGINNINGS = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/svg+xml": rb"<svg|<\?xml",
    "image/webp": rb"RIFF....WEBP",
    "image/gif": rb"GIF8",
    "audio/wav": rb"RIFF....WAVE",
    "audio/flac": rb"fLaC",
    "audio/mpeg": rb"ID3|\xff[\xe0-\xff]",
    "video/mp4": rb"....ftyp",
    "video/webm": rb"\x1a\x45\xdf\xa3",
    "text/plain": rb"[^\0]*\Z",
}
"""How the first 12 bytes of a file of each media type begin."""


@dataclass(frozen=True)
class Preview:
    """What was written into ``samples/`` after so many ``examples`` seen."""

    examples: int
    artifact: Artifact

    def to_dict(self) -> dict[str, Any]:
        """``examples``, the ``media`` type, the ``url`` and the ``picture`` that a sound may have, as plain values for
        the page's script."""
        told = {"examples": self.examples, "media": self.artifact.media_type, "url": as_url(self.artifact)}
        return {**told, "picture": picture_url(self.artifact)} if self.artifact.picture else told


# Artifacts as elements


def element(artifact: Artifact, attributes: str = "") -> str:
    """The HTML element that shows an artifact: an image, a sound or a video with controls, or text; the caption is what
    is read out in its place. ``attributes`` are put into its tag as they are."""
    kind, caption = artifact.media_type.partition("/")[0], escape(artifact.caption)
    tag = {"image": "img", "audio": "audio controls", "video": "video controls loop playsinline"}.get(kind, "pre")
    opening = " ".join([tag, attributes]).strip()
    if tag == "pre":
        return f"<{opening}>{escape(artifact.data.decode('utf-8', errors='replace'))}</pre>"
    if tag == "img":
        return f'<{opening} alt="{caption}" src="{as_url(artifact)}">'
    above = f'<img class="above" alt="" src="{picture_url(artifact)}">' if artifact.picture else ""
    return f'{above}<{opening} aria-label="{caption}" src="{as_url(artifact)}"></{kind}>'


def picture_url(artifact: Artifact) -> str:
    """The picture that a sound is shown by, as a ``data:`` URL."""
    return as_url(Artifact("", "image/png", artifact.picture))


def as_url(artifact: Artifact) -> str:
    """An artifact as a ``data:`` URL."""
    return f"data:{escape(artifact.media_type)};base64,{base64.b64encode(artifact.data).decode()}"


# The previews of a run


def previews(run_folder: Path, journal: Iterable[Mapping[str, Any]]) -> list[Preview]:
    """At most 60 previews over the training, within a budget of bytes."""
    files = [(examples, path) for examples, path in preview_files(run_folder, journal) if media_type_of(path)]
    shown = [
        Preview(examples, read_preview(path, f"Samples after {examples:,} examples"))
        for examples, path in evenly(files, MOST)
    ]
    while sum(len(preview.artifact.data + preview.artifact.picture) for preview in shown) > BUDGET and len(shown) > 1:
        shown = evenly(shown, len(shown) // 2) if len(shown) > 3 else shown[len(shown) // 2 :]
    return shown


def real_preview(run_folder: Path) -> Artifact | None:
    """The real examples in ``samples/``, drawn as the previews are; None where there are none, or too many bytes."""
    for path in sorted((run_folder / "samples").glob(f"{REAL}.*")):
        if path.suffix in MEDIA_TYPES and path.stem == REAL and media_type_of(path):
            real = read_preview(path, "Real examples")
            return real if len(real.data) + len(real.picture) <= BUDGET // 3 else None
    return None


def shape(artifact: Artifact) -> str:
    """A style that tells how wide the picture of an artifact is for its height, and how it is enlarged; empty where
    that is not known."""
    content = artifact.picture or artifact.data
    if not artifact.picture and artifact.media_type not in ("image/png", "image/webp", "image/gif"):
        return ""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ""
    return f"--aspect: {width / height:.4f}; --enlarged: {'pixelated' if max(width, height) < SMALL else 'auto'}"


def preview_files(run_folder: Path, journal: Iterable[Mapping[str, Any]]) -> list[tuple[int, Path]]:
    """The previews that the journal names and that are there, by the examples seen; else all in the folder."""
    folder = run_folder / "samples"
    paths = {
        round(examples): folder / Path(str(entry.get("file"))).name
        for entry in journal
        if entry.get("event") == "sample" and (examples := number(entry.get("examples"))) is not None
    }
    if not paths:
        paths = {int(path.stem): path for path in folder.glob("*.*") if path.stem.isdecimal()}
    there = {examples: path for examples, path in paths.items() if os.path.isfile(path)}  # where is_file may raise
    return sorted(there.items())


def media_type_of(path: Path) -> str:
    """The media type that a file's ending stands for, if it begins like one; empty for what cannot be shown."""
    media_type = MEDIA_TYPES.get(path.suffix.lower(), "")
    try:
        with open_regular(path) as file:
            beginning = file.read(12)
            if os.fstat(file.fileno()).st_size > LARGEST:
                return ""
    except OSError:
        return ""
    return media_type if media_type and re.match(BEGINNINGS[media_type], beginning, re.DOTALL) else ""


def read_preview(path: Path, caption: str) -> Artifact:
    """A file as it is, or a large PNG as a WebP. While a run goes on, its report is written again and again: what was
    made of a picture is remembered until its file changes."""
    media_type = media_type_of(path)
    if media_type == "image/png" and (at := os.stat(path)).st_size > LARGE:
        content, media_type = made_small(path, at.st_mtime_ns, at.st_size)
        return Artifact(caption, media_type, content)
    beside = path.with_name(f"{path.name}.png")
    return Artifact(
        caption, media_type, path.read_bytes(), picture=beside.read_bytes() if media_type_of(beside) else b""
    )


@lru_cache(maxsize=2 * MOST)
def made_small(path: Path, changed: int, size: int) -> tuple[bytes, str]:
    """What :func:`smaller` makes of a PNG of that ``size`` that was ``changed`` then, and its media type."""
    artifact = smaller(Artifact("", "image/png", path.read_bytes()))
    return artifact.data, artifact.media_type


def smaller(artifact: Artifact) -> Artifact:
    """An artifact as it is, or where it is a large PNG as a WebP of at most 1024 pixels a side."""
    if len(artifact.data) <= LARGE or artifact.media_type != "image/png":
        return artifact
    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(artifact.data)) as picture:
            if picture.width * picture.height > HUGE:
                return artifact
            picture.thumbnail((SIDE, SIDE))
            picture.save(buffer, format="WEBP", quality=85, method=2)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return artifact  # damaged: a browser shows as much of it as there is
    return min(
        artifact, replace(artifact, media_type="image/webp", data=buffer.getvalue()), key=lambda it: len(it.data)
    )
