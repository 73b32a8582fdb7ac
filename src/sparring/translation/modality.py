"""Unpaired image-to-image translation, behind the door that every modality has.

Pictures are measured, drawn and written as those of ``images/`` are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.checking import Summary
from sparring.core.errors import UserError
from sparring.core.game import Batch, Game, Networks
from sparring.core.recipe import Recipe
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation, assess
from sparring.images.data import as_trained
from sparring.images.features.learned import random_features
from sparring.images.samples import as_artifact, write_samples
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.features import Features
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.options import CalibrateOptions, EvaluateOptions, ScoreOptions, TranslateOptions
from sparring.probability.kept import Calibration
from sparring.scoring import Table
from sparring.translation.check import check
from sparring.translation.contrast import ContrastGame
from sparring.translation.cycle import CycleGame
from sparring.translation.data import TranslationForm, in_form, open_source
from sparring.translation.domains import calibrate_domain, score_pictures
from sparring.translation.evaluate import targets_of
from sparring.translation.game import TranslationGame
from sparring.translation.recipes import (
    ENTRY,
    TranslationCalibrateOptions,
    TranslationEvaluateOptions,
    TranslationOptions,
    TranslationRecipe,
)
from sparring.translation.recycle import RecycleGame
from sparring.translation.samples import columns_of, strips
from sparring.translation.translate import check_direction, translate
from sparring.translation.videos import evaluate_videos

GAMES: dict[str, type[CycleGame] | type[ContrastGame]] = {"cycle": CycleGame, "contrast": ContrastGame}
SHOWN, ROWS = 16, 6  # pictures of one source domain, or of each of two, in a preview


class Translation(Modality):
    """Pictures ``(n, channels, height, width)``: in [-1, 1] as they are generated, in bytes as they are compared."""

    entry = ENTRY
    form = TranslationForm
    check_sheet = ".png"

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The two domains that the recipe names; with ``form``, in its size and channels. Raises :class:`UserError`
        when one of them cannot be had."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm | None)
        return open_source(in_form(recipe, form) if form else recipe)

    def as_trained(self, recipe: Recipe, form: Form) -> Recipe:
        """The recipe with the channels that a model of this form was trained on, and the range, where both domains have
        one."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm)
        in_common = form.range if form.range == form.range_b else None
        return as_trained(recipe, replace(form, range=in_common))

    def build_game(self, recipe: Recipe, form: Form) -> TranslationGame:
        """The game that the recipe describes, on pictures of this form. Raises :class:`UserError` for a size that no
        translator takes."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm)
        return RecycleGame(recipe, form) if recipe.recycle else GAMES[recipe.method](recipe, form)

    def write(
        self,
        samples: Tensor,
        out: Path,
        *,
        form: Form,
        labels: Sequence[str] | None,
        note: Mapping[str, Any],
        options: Mapping[str, Any],
        overwrite: bool,
    ) -> list[Path]:
        """Write pictures ``(n, channels, height, width)`` in [-1, 1] as those of ``images/``. Raises
        :class:`UserError` for an ending that these do not have."""
        return write_samples(samples, labels, out, note, overwrite=overwrite)

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """Pictures of each source domain, their translations and, where there are both directions, these translated
        back: a row for a picture of each domain. With one direction, four in a row."""
        both = len(game.outputs) > 1
        rows = strips(networks, list(game.outputs), batch, ROWS if both else SHOWN)
        if both:  # a strip of each domain in turn
            rows = torch.stack(rows.chunk(2), 1).flatten(0, 1)
        pictures = torch.stack(rows.chunk(3 if both else 2, 3), 1).flatten(0, 1)
        about = f"pictures, their translations{' and the way back' if both else ''}"
        return as_artifact(to_bytes(pictures), about, columns=len(columns_of(list(game.outputs))))

    def columns(self, game: Game, form: Form) -> list[str]:
        """What each column of a preview shows: a picture, its translation, that translated back."""
        return columns_of(list(game.outputs))

    def real_preview(self, game: Game, batch: Batch) -> Artifact | None:
        """Pictures of the target domain where there is one direction: those of both are in the preview otherwise."""
        if len(game.outputs) > 1:
            return None
        output = next(iter(game.outputs.values()))
        return as_artifact(self.real_examples(output, batch)[:SHOWN], "real pictures of the target domain")

    def comparable(self, finished: Tensor) -> Tensor:
        """Pictures ``(n, channels, height, width)`` as bytes: what picture files of them would hold."""
        return to_bytes(finished)

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """Random convolutions, normalised by the real bytes ``(n, channels, height, width)``."""
        return random_features(real, device)

    # Verbs

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What is in both domains, and what is wrong with them. Raises :class:`UserError` as training would."""
        assert isinstance(recipe, TranslationRecipe)
        return check(recipe)

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """An evaluation for each direction, or for the one that ``options`` ask for; or one of the videos that they
        name. Raises :class:`UserError` when nothing can be compared, and for a direction that the model does not
        know."""
        assert isinstance(options, TranslationEvaluateOptions)
        if options.resize and not options.videos:
            raise UserError("resize: has no effect without --videos; leave it out")
        if options.direction:
            check_direction(options.direction, model.game.outputs)
        asked = [options.direction] if options.direction else list(model.game.outputs)
        targets = targets_of(model, options.data, asked)
        if options.videos:
            return [evaluate_videos(targets[0], options, say)]
        return [replace(assess(target, options, model.device, say), name=target.direction.name) for target in targets]

    def calibrate(self, model: Model, options: CalibrateOptions, say: Say) -> Calibration:
        """What makes scores of pictures of one domain true. Raises :class:`UserError` where too few of them, or of
        those that are translated into it, were never seen, and for a domain that nothing is translated into."""
        assert isinstance(options, TranslationCalibrateOptions)
        return calibrate_domain(model, options, say)

    def score(self, model: Model, options: ScoreOptions, say: Say) -> Table:
        """What the model thinks of pictures of the domain that it is calibrated for, else of the one that its first
        direction leads to. Raises :class:`UserError` where it cannot read them."""
        return score_pictures(model, options, say)

    def translate(self, model: Model, options: TranslateOptions, say: Say) -> dict[str, Any]:
        """Translate the pictures and videos that ``options`` name; plain values of what was written. Raises
        :class:`UserError` when nothing can be translated, and before anything would be overwritten."""
        assert isinstance(options, TranslationOptions)
        return translate(model, options, say)
