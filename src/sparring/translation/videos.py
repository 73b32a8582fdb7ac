"""How well videos are translated: how much they flicker, beside how much they took on of the target domain.

Doing nothing flickers least and the boldest style most, so neither number is told without the other.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.evaluation import Evaluation
from sparring.media.films.film import Film, on_white
from sparring.media.films.flow import is_cut
from sparring.media.films.reading import open_film
from sparring.media.films.warping import LONG, WarpingError
from sparring.metrics.kernel import kernel_distance
from sparring.modality import Say
from sparring.translation.data import TranslationForm
from sparring.translation.evaluate import DirectionTarget
from sparring.translation.game import translator_of
from sparring.translation.pixels import grey, smaller
from sparring.translation.recipes import TranslationEvaluateOptions
from sparring.translation.translate import FileTranslator
from sparring.version import __version__

VERSIONS = {"original": "original", "alone": "frame by frame", "steady": "consistent"}
"""The versions of a video that are compared, with what they are called at a terminal."""
CROPS = 2000  # of each version, at most, that its style is measured by
LEAST = 80  # pictures of the target domain
APART = 5  # frames between two that crops are taken from
HEADINGS = ("video", "version", "flicker", f"over {LONG}", "style distance", "strength")
ABOUT = (
    "flicker: the warping error to the frame before (Lai et al. 2018), below the original's own it means blur; over "
    f"{LONG}: to the frame {LONG} before. style distance: kernel distance of crops to the target domain, floor "
)


def evaluate_videos(target: DirectionTarget, options: TranslationEvaluateOptions, say: Say) -> Evaluation:
    """Scores of every video as it is, translated frame by frame, and translated to be temporally consistent.

    ``strength`` is the share of the way from the original's style distance to nothing: 0 is untouched, 1 like the
    target domain. The result is kept in ``films.json``. Raises :class:`UserError` for what is no video or too small,
    and where there are too few pictures of the target domain.
    """
    # What is compared, and in which features
    videos = [open_film(Path(path)) for path in options.videos]
    for video in videos:
        check_size(video, target.form, options.resize)
    source = target.source
    if len(source) < LEAST:
        raise UserError(f"{source.name}: {len(source)} pictures to compare style with, {LEAST} are needed")
    features = target.modality.find_features(source, options.features, target.model.device, say, options.trust)
    order = np.random.default_rng(options.seed).permutation(len(source))
    halves = [source.batch(part[:CROPS])["images"] for part in np.array_split(order, 2)]
    reference, other = (features.both(half)[1] for half in halves)

    # Scores of each version of each video
    rows = []
    for video in videos:
        errors, crops = watched(target, video, options, say)
        measured = {version: features.both(pieces)[1] for version, pieces in crops.items()}
        rows += rows_of(video.path.name, errors, measured, reference, options.seed)

    # The result as plain values
    result = {
        "sparring": __version__,
        "direction": target.direction.name,
        "model": target.model.hash,
        "features": {"name": features.name, "hash": features.hash},
        "seed": options.seed,
        "at": options.resize,
        "floor": kernel_distance(reference, other, options.seed)["kernel"].value,
        "films": rows,
    }
    return Evaluation(result, file="films.json", text=as_table(result))


def rows_of(
    name: str, errors: WarpingError, features: dict[str, Tensor], reference: Tensor, seed: int
) -> list[dict[str, Any]]:
    """The scores of all versions of one video as plain values, from their flicker and from the features
    ``(n, dimensions)`` of their crops; ``reference`` are those of the target domain."""
    distances = {version: kernel_distance(reference, crops, seed)["kernel"] for version, crops in features.items()}
    untouched = distances["original"].value
    return [
        {
            "film": name,
            "version": version,
            "flicker": errors.short().get(version),
            "long": errors.long().get(version),
            "style": distance.value,
            "style_error": distance.error,
            "strength": 1 - distance.value / untouched if untouched > 0 else None,
        }
        for version, distance in distances.items()
    ]


def check_size(video: Film, form: TranslationForm, resize: int) -> None:
    """Raise :class:`UserError` for a video that is smaller than the crops that it is compared by."""
    height, width = smaller(np.empty((video.height, video.width, 1), np.uint8), resize).shape[:2]
    if height < form.height or width < form.width:
        raise UserError(
            f"resize: frames of {height}x{width} are smaller than what the model knows, {form.height}x{form.width}"
        )


def watched(
    target: DirectionTarget, video: Film, options: TranslationEvaluateOptions, say: Say
) -> tuple[WarpingError, dict[str, Tensor]]:
    """The flicker of all versions of a video, which is gone through once, and crops of each, uint8
    ``(n, channels, height, width)``."""
    translator = translator_of(target.model.networks["generator"], target.direction.name)
    other = copy.deepcopy(translator)  # holds statistics that the first must not see
    channels, resize = target.form.channels, options.resize
    alone = FileTranslator(translator, channels, resize=resize, consistent=False)
    steady = FileTranslator(other, channels, resize=resize)
    errors, before = WarpingError(VERSIONS), None
    crops: dict[str, list[Tensor]] = {name: [] for name in VERSIONS}
    random = np.random.default_rng(options.seed)
    count = max(1, CROPS * APART // (video.count or CROPS))
    versions = zip(video.frames(), alone.video(video), steady.video(video), strict=True)
    for number, (original, *translations) in enumerate(versions):
        shown = dict(zip(VERSIONS, (original, *map(on_white, translations)), strict=True))
        errors.add(original, shown, cut=before is not None and is_cut(before, original))
        before = original
        if number % APART == 0:
            for name, pieces in cut_out(shown, count, target.form, resize, random).items():
                crops[name].append(pieces)
        if number % 50 == 49:
            say(f"{video.path.name}: {number + 1:,} of {video.count or '?'} frames")
    return errors, {name: torch.cat(pieces) for name, pieces in crops.items()}


def cut_out(
    shown: dict[str, np.ndarray], count: int, form: TranslationForm, resize: int, random: np.random.Generator
) -> dict[str, Tensor]:
    """``count`` crops of each version of a frame ``(height, width, 3)``, from the same places, as large as the model
    was trained on: uint8 ``(count, channels, height, width)``."""
    height, width = form.height, form.width
    small = {name: smaller(frame, resize) for name, frame in shown.items()}
    tall, wide = next(iter(small.values())).shape[:2]
    corners = [(random.integers(tall - height + 1), random.integers(wide - width + 1)) for _ in range(count)]
    pieces = {}
    for name, frame in small.items():
        seen = grey(frame) if form.channels == 1 else frame
        crops = np.stack([seen[top : top + height, left : left + width] for top, left in corners])
        pieces[name] = torch.from_numpy(crops).permute(0, 3, 1, 2).contiguous()
    return pieces


def as_table(result: dict[str, Any]) -> str:
    """The scores of videos for a person at a terminal."""
    lines = [HEADINGS]
    for row in result["films"]:
        numbers = (row[name] for name in ("flicker", "long", "style", "strength"))
        words = ("" if value is None else f"{value:.4g}" for value in numbers)
        lines.append((row["film"], VERSIONS[row["version"]], *words))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    compared = f"direction {result['direction']}, features: {result['features']['name']}"
    return "\n".join([*text, "", compared, f"{ABOUT}{result['floor']:.4g}"])
