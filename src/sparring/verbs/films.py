"""How well films are translated: how much they flicker, beside how much they took on of the other world.

Doing nothing flickers least and the boldest style most, so neither number is told without the other.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from sparring.core.errors import UserError
from sparring.core.files import make_folder, write_atomically
from sparring.core.journal import finite
from sparring.images.metrics import find_features
from sparring.media.films.cuts import is_cut
from sparring.media.films.film import Film
from sparring.media.films.reading import open_film
from sparring.media.films.warping import LONG, WarpingError
from sparring.metrics.kernel import kernel_distance
from sparring.verbs.crossing import Crossing
from sparring.verbs.translate import Work, grey, smaller

VERSIONS = ("original", "alone", "steady")
CROPS = 2000  # of each version, at most, that its style is judged by
LEAST = 80  # pictures of the target world
APART = 5  # frames between two that crops are taken from
HEADINGS = ("film", "version", "flicker", f"over {LONG}", "style distance", "strength")
ABOUT = (
    "flicker: the warping error to the frame before (Lai et al. 2018), below the original's own it means blur; over "
    f"{LONG}: to the frame {LONG} before. style distance: kernel distance of crops to the target world, floor "
)


def evaluate_films(
    crossing: Crossing, clips: Sequence[str | Path], *, at: int, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Scores of every clip as it is, translated frame by frame, and translated to hold still.

    ``strength`` is the share of the way from the original's style distance to nothing: 0 is untouched, 1 like the
    target world. Leaves ``films.json``. Raises :class:`UserError` for what is no film.
    """
    films = [open_film(Path(clip)) for clip in clips]
    for film in films:
        fits(film, crossing, at)
    if len(crossing.source) < LEAST:
        raise UserError(
            f"{crossing.source.name}: {len(crossing.source)} pictures to judge style by, {LEAST} are needed"
        )
    measure = find_features(crossing.source, "auto", crossing.model.device, say)
    order = np.random.default_rng(seed).permutation(len(crossing.source))
    halves = [crossing.source.batch(part[:CROPS])["images"] for part in np.array_split(order, 2)]
    target, other = (measure(half) for half in halves)
    rows = []
    for film in films:
        errors, crops = watched(crossing, film, at, seed, say)
        distances = {name: kernel_distance(target, measure(some), seed)["kernel"] for name, some in crops.items()}
        untouched = distances["original"].value
        for name in VERSIONS:
            rows.append(
                {
                    "film": film.path.name,
                    "version": name,
                    "flicker": errors.short().get(name),
                    "long": errors.long().get(name),
                    "style": distances[name].value,
                    "style_error": distances[name].error,
                    "strength": 1 - distances[name].value / untouched if untouched > 0 else None,
                }
            )
    floor = kernel_distance(target, other, seed)["kernel"].value
    result = {
        "sparring": sparring.__version__,
        "direction": crossing.way,
        "model": crossing.model.hash,
        "features": {"name": measure.name, "hash": measure.hash},
        "seed": seed,
        "at": at,
        "floor": floor,
        "films": rows,
    }
    make_folder(crossing.place)
    place = crossing.place / "films.json"
    write_atomically(place, (json.dumps(finite(result), indent=2, ensure_ascii=False) + "\n").encode())
    return {**result, "written": [str(place)]}


def fits(film: Film, crossing: Crossing, at: int) -> None:
    """Raise :class:`UserError` for a film that is too small to be judged by pieces of the size that the model knows."""
    tall, wide = smaller(np.empty((film.height, film.width, 1), np.uint8), at).shape[:2]
    height, width = (crossing.model.form[name] for name in ("height", "width"))
    if at < 0 or tall < height or wide < width:
        raise UserError(f"at: frames of {tall}x{wide} are smaller than what the model knows, {height}x{width}")


def watched(
    crossing: Crossing, film: Film, at: int, seed: int, say: Callable[[str], None]
) -> tuple[WarpingError, dict[str, Tensor]]:
    """The film gone through once in all versions: their flicker, and crops ``(n, channels, height, width)`` of each."""
    alone = Work(crossing.model, crossing.way, tile=0, at=at, steady=False)
    steady = Work(crossing.model, crossing.way, tile=0, at=at, steady=True)
    steady.translator = copy.deepcopy(steady.translator)  # holds statistics that the other must not see
    errors, before = WarpingError(VERSIONS), None
    crops: dict[str, list[Tensor]] = {name: [] for name in VERSIONS}
    random = np.random.default_rng(seed)
    each = max(1, CROPS * APART // (film.count or CROPS))
    versions = zip(film.frames(), alone.film(film), steady.film(film), strict=True)
    for number, (original, *translated) in enumerate(versions):
        shown = dict(zip(VERSIONS, (original, *translated), strict=True))
        errors.add(original, shown, cut=before is not None and is_cut(before, original))
        before = original
        if number % APART == 0:
            for name, some in cut_out(crossing, shown, each, at, random).items():
                crops[name].append(some)
        if number % 50 == 49:
            say(f"{film.path.name}: {number + 1:,} of {film.count or '?'} frames")
    return errors, {name: torch.cat(some) for name, some in crops.items()}


def cut_out(
    crossing: Crossing, shown: dict[str, np.ndarray], count: int, at: int, random: np.random.Generator
) -> dict[str, Tensor]:
    """``count`` squares of each version, from the same places, as large as the model was trained on."""
    form = crossing.model.form
    height, width = form["height"], form["width"]
    small = {name: smaller(frame, at) for name, frame in shown.items()}
    tall, wide = next(iter(small.values())).shape[:2]
    places = [(random.integers(tall - height + 1), random.integers(wide - width + 1)) for _ in range(count)]
    pieces = {}
    for name, frame in small.items():
        seen = grey(frame) if form["channels"] == 1 else frame
        squares = np.stack([seen[top : top + height, left : left + width] for top, left in places])
        pieces[name] = torch.from_numpy(squares).permute(0, 3, 1, 2).contiguous()
    return pieces


def films_table(result: dict[str, Any]) -> str:
    """For a person at a terminal."""
    lines = [HEADINGS]
    for row in result["films"]:
        numbers = (row[name] for name in ("flicker", "long", "style", "strength"))
        lines.append((row["film"], row["version"], *("" if value is None else f"{value:.4g}" for value in numbers)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*text, "", f"{ABOUT}{result['floor']:.4g}", *result["written"]])
