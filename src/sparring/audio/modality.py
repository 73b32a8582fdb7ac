"""Sounds, behind the door that every modality has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from sparring.audio.bounds import AudioBoundsTarget
from sparring.audio.check import check
from sparring.audio.data import AudioSource, open_in_form, open_kept, open_source
from sparring.audio.explain import explainer
from sparring.audio.features.find import find_features, quick_features
from sparring.audio.features.log_mel import SQUARE, square_at
from sparring.audio.figures import figures
from sparring.audio.form import FULL, AudioForm
from sparring.audio.game import AudioGame
from sparring.audio.metrics import FAULTS, LIMITS, bins, health, shapeless, spectra
from sparring.audio.recipes import ENTRY, AudioRecipe
from sparring.audio.samples import as_artifact, write_samples
from sparring.checking import Summary
from sparring.core.game import Batch, Game, Networks, Output
from sparring.core.recipe import Recipe
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation
from sparring.kind import Explainer, Layout, LogOdds, in_columns
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.score import Family
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.networks.trunks import Trunk, of_pictures
from sparring.options import EvaluateOptions
from sparring.probability.bounds import assess_bounded

SHOWN, ACROSS = 16, 8  # sounds of a preview, and of a row, or about as many


class Audio(Modality):
    """Sounds: what the players see of them ``(n, ...)`` as they are generated, ``(n, channels, samples)`` in [-1, 1] as
    they leave the game and are compared."""

    entry = ENTRY
    form = AudioForm
    sheet = ".wav"
    check_sheet = ".html"
    limits = LIMITS

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The sounds that the recipe names; with ``form``, one or more brought to its rate, length and channels, their
        labels numbered as it numbers them. Raises :class:`UserError` when there are none to be had, and for a label
        that ``form`` does not know."""
        assert isinstance(recipe, AudioRecipe)
        if form is None:
            return open_source(recipe)
        assert isinstance(form, AudioForm)
        return open_in_form(recipe, form)

    def open_kept(self, recipe: Recipe, form: Form) -> Source | None:
        """The sounds in a folder ``test`` or the like beside ``train``; None where there are none. Raises
        :class:`UserError` where they cannot be read, or have a label that ``form`` does not know."""
        assert isinstance(recipe, AudioRecipe)
        assert isinstance(form, AudioForm)
        return open_kept(recipe, form)

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game that the recipe describes, on sounds of this form. Raises :class:`UserError` where there are no
        labels to condition on, or the sounds are too short for the window."""
        assert isinstance(recipe, AudioRecipe)
        assert isinstance(form, AudioForm)
        return AudioGame(recipe, form)

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
        """Write sounds ``(n, channels, samples)`` into one file, with gaps between them, or into a folder. Raises
        :class:`UserError` for another ending of ``out``, and where something is there already."""
        assert isinstance(form, AudioForm)
        return write_samples(samples, form.rate, labels, out, note, overwrite)

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """Generated sounds one after the other, and a picture of them with a column for each label."""
        assert isinstance(game, AudioGame)
        output, layout = game.outputs[""], self.layout(game.classes)
        samples = output.finish(output.generate(networks, game.conditions(layout.count), seed=seed))
        return as_artifact(samples, game.rate, "generated sounds", columns=layout.across)

    def layout(self, classes: int) -> Layout:
        """About 16 sounds, a column for each of a few labels."""
        return in_columns(classes, SHOWN, ACROSS)

    def real_preview(self, game: Game, batch: Batch) -> Artifact:
        """Real sounds one after the other, in the same columns; silence where there are too few."""
        assert isinstance(game, AudioGame)
        layout, sounds = self.layout(game.classes), self.real_examples(game.outputs[""], batch)
        sounds = layout.arranged(sounds, batch, 0)
        return as_artifact(sounds, game.rate, "real sounds", columns=layout.across)

    def real_examples(self, output: Output, batch: Batch) -> Tensor:
        """The batch's own sounds ``(n, channels, samples)``, whose phases no iteration has touched."""
        return self.comparable(batch["sounds"] / FULL)

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """How good samples are, and bounds of how likely what the players see of real sounds is, where they are asked
        for. Raises :class:`UserError` when nothing can be compared."""
        return assess_bounded(self, model, options, say, AudioBoundsTarget)

    def families(self, source: Source) -> tuple[Family, ...]:
        """The gap between spectra, statistically different bins, level, and shares of silent, clicking and clipped
        sounds."""
        rate = cast(AudioSource, source).form.rate
        return (FAULTS, spectra(rate), bins(rate))

    def shapeless(self, examples: Tensor, seed: int) -> Tensor:
        """Sounds ``(n, channels, samples)`` with the spectrum of real ones in random phases, of this shape."""
        return shapeless(examples, seed)

    def health(self, samples: Tensor, real: Tensor) -> dict[str, float]:
        """Silence, clicks and drift of level of samples beside real sounds ``(n, channels, samples)``."""
        return health(samples, real)

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """Sounds to be heard: ``label-0`` and so on, or ``samples``; ``best`` and ``worst``; ``neighbours-1`` and so
        on."""
        return figures(comparison)

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What is in the recipe's data, and what is wrong with it, with a page of 24 sounds. Raises :class:`UserError`
        as training would."""
        assert isinstance(recipe, AudioRecipe)
        return check(recipe)

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """Bands of the spectrum of sounds ``(n, channels, samples)``, scaled to those of real ones."""
        return quick_features(real)

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """Convolutions on log-mel spectrograms of sounds ``(n, channels, samples)``."""
        assert isinstance(form, AudioForm)
        return Trunk(of_pictures(1, SQUARE, SQUARE), square_at(form.rate))

    def shown(self, example: Tensor, form: Form) -> Artifact:
        """A sound ``(channels, samples)``, with its picture."""
        assert isinstance(form, AudioForm)
        return as_artifact(example[None], form.rate, "")

    def explainer(self, log_odds: LogOdds, form: Form) -> Explainer:
        """Maps of what raises and lowers the log odds of sounds ``(channels, samples)``, in their spectrograms."""
        assert isinstance(form, AudioForm)
        return explainer(log_odds, form)

    def find_features(
        self, source: Source, asked: str, device: torch.device, say: Say, trust: bool = False
    ) -> Features:
        """Features learned from the source. Raises :class:`UserError` for a name that it does not know."""
        return find_features(cast(AudioSource, source), asked, device, say)

    def comparable(self, finished: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` as files of 16 bits would hold them, in [-1, 1]."""
        return (finished.float().cpu().clamp(-1, 1) * FULL).round() / FULL
