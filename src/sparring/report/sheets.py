"""The sample sheets of a run, as a report holds them: some of many, each as a data URL."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from sparring.report.curves import evenly, number

SHEETS = 60
BUDGET = 10_000_000  # bytes of all sheets together, before base64 makes four of three
LARGE = BUDGET // SHEETS  # bytes from which on a sheet is shown smaller and compressed with loss
SIDE = 1024  # pixels of a sheet shown smaller


def sheets(run_folder: Path, journal: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At most 60 sheets over the training, within a budget of bytes: ``examples`` seen and the ``url``."""
    found = [found for found in files(run_folder, journal) if kind_of(found[1])]
    shown = [(examples, small(path)) for examples, path in evenly(found, SHEETS)]
    while sum(len(data) for _, data in shown) > BUDGET and len(shown) > 2:
        shown = evenly(shown, max(2, len(shown) // 2))
    return [{"examples": examples, "url": as_url(data)} for examples, data in shown]


def files(run_folder: Path, journal: Iterable[Mapping[str, Any]]) -> list[tuple[int, Path]]:
    """The sheets that the journal names and that are there, by the examples seen; else all in the folder."""
    folder = run_folder / "samples"
    noted = {
        round(examples): folder / Path(str(entry.get("file"))).name
        for entry in journal
        if entry.get("event") == "sample" and (examples := number(entry.get("examples"))) is not None
    }
    if not noted:
        noted = {int(path.stem): path for path in folder.glob("*.*") if path.stem.isdecimal()}
    return sorted((examples, path) for examples, path in noted.items() if path.is_file())


def small(path: Path) -> bytes:
    """A picture as it is, or a large PNG as a WebP of at most 1024 pixels a side."""
    data = path.read_bytes()
    if len(data) <= LARGE or kind_of(path) != "png":
        return data
    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.thumbnail((SIDE, SIDE))
            picture.save(buffer, format="WEBP", quality=85, method=2)
    except OSError:
        return data  # damaged: a browser shows as much of it as there is
    return min(data, buffer.getvalue(), key=len)


KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"<svg": "svg+xml", b"RIFF": "webp"}  # first bytes to what browsers call it


def kind_of(path: Path) -> str:
    """By its first bytes; empty for what is no sheet."""
    with path.open("rb") as file:
        return kind(file.read(8))


def kind(data: bytes) -> str:
    """The same of what is in memory."""
    return next((name for start, name in KINDS.items() if data.startswith(start)), "")


def as_url(data: bytes) -> str:
    """A picture as a ``data:`` URL."""
    return f"data:image/{kind(data)};base64,{base64.b64encode(data).decode()}"
