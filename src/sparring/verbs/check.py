"""``sparring data check``: what is in a data set, what is wrong with it, and a sheet of it to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparring.images.data import check as check_images
from sparring.images.data import open_source
from sparring.images.recipes import images
from sparring.images.samples import write_samples

SHOWN = 64  # pictures on the sheet
NAMED = 10  # bad files and labels in the words for a person; the JSON has all


def check(
    data: str | Path, *, out: str | Path | None = None, overwrite: bool = False, **settings: Any
) -> dict[str, Any]:
    """A summary of ``data``, with the picture sheet it drew to ``out`` (``check-<name>.png`` without).

    ``settings`` are those of a recipe that decide how pictures are read. Raises :class:`UserError` as training
    on the data would.
    """
    recipe = images.changed({**settings, "data": str(data)})
    summary = check_images(recipe)
    source = open_source(recipe)
    chosen = np.random.default_rng(0).permutation(len(source))[:SHOWN]
    pictures = source.batch(np.sort(chosen))["images"].float() / 127.5 - 1
    name = Path(recipe.data).name
    place = Path(out) if out else Path(f"check-{Path(name).stem}.png")
    write_samples(pictures, None, place, {"data": name}, overwrite=overwrite or out is None)
    return {**summary, "sheet": str(place)}


def told(found: Mapping[str, Any]) -> str:
    """The summary in words."""
    form, bad = found["form"], found["bad"]
    lines = [
        f"{found['data']}: {found['good']:,} good pictures, {len(bad)} bad files, {found['duplicates']} duplicates",
        f"trained as {form['height']}x{form['width']} with {form['channels']} channels, "
        + ("in memory" if found["in_memory"] else "streamed from disk"),
        f"sizes found: {counted(found['sizes'])}; modes: {counted(found['modes'])}",
        f"labels: {counted(found['labels']) or 'none'}",
        *(f"bad: {file['path']}: {file['reason']}" for file in bad[:NAMED]),
        *([f"and {len(bad) - NAMED} more bad files; --json names them all"] if len(bad) > NAMED else []),
        f"some of them: {found['sheet']}",
    ]
    return "\n".join(lines)


def counted(counts: Mapping[str, int]) -> str:
    """``a (3), b (2)``, the first few."""
    few = ", ".join(f"{name} ({count:,})" for name, count in list(counts.items())[:NAMED])
    return few + (f" and {len(counts) - NAMED} more" if len(counts) > NAMED else "")
