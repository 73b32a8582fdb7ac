"""Videos, behind the door that every modality has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from sparring.checking import Summary
from sparring.core.game import Batch, Game, Networks, Output
from sparring.core.recipe import Recipe
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation, as_row
from sparring.kind import Explainer, Layout, LogOdds, Most, in_columns
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.score import Family
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.networks.trunks import Trunk, of_pictures
from sparring.options import EvaluateOptions
from sparring.probability.bounds import assess_bounded
from sparring.video.bounds import VideoBoundsTarget
from sparring.video.check import check
from sparring.video.control import control_of
from sparring.video.data import VideoSource, open_in_form, open_kept, open_source
from sparring.video.explain import explainer
from sparring.video.features.find import find_features, quick_features
from sparring.video.features.learning import PIXELS, seen, shown
from sparring.video.figures import figures
from sparring.video.form import VideoForm
from sparring.video.game import VideoGame
from sparring.video.health import LIMITS, drift, health
from sparring.video.metrics import families, shapeless
from sparring.video.players import decided
from sparring.video.recipes import ENTRY, VideoRecipe
from sparring.video.samples import as_artifact, write_samples

SHOWN, ACROSS = 16, 4  # clips of a preview, and of a row, or about as many
WATCHED, LONGER = 16, 4  # samples that are watched for drift while training, so many times as long as a clip
NUMBERS = 1 << 27  # of 32 bits, that take half a gibibyte


class Video(Modality):
    """Videos: clips ``(n, frames, channels, height, width)`` in [-1, 1] as they leave the game and are compared."""

    entry = ENTRY
    form = VideoForm
    check_sheet = ".html"
    limits = LIMITS

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The clips that the recipe names; with ``form``, one or more brought to its size and length, their labels
        numbered as it numbers them. Raises :class:`UserError` when there are none to be had, and for a label that
        ``form`` does not know."""
        assert isinstance(recipe, VideoRecipe)
        if form is None:
            return open_source(recipe)
        assert isinstance(form, VideoForm)
        return open_in_form(recipe, form)

    def open_kept(self, recipe: Recipe, form: Form) -> Source | None:
        """The clips in a folder ``test`` or the like beside ``train``; None where there are none. Raises
        :class:`UserError` where they cannot be read, or have a label that ``form`` does not know."""
        assert isinstance(recipe, VideoRecipe)
        assert isinstance(form, VideoForm)
        return open_kept(recipe, form)

    def as_trained(self, recipe: Recipe, form: Form) -> Recipe:
        """The recipe with what its data decided; clips of older versions are not timed and have no hard edges."""
        assert isinstance(recipe, VideoRecipe)
        assert isinstance(form, VideoForm)
        return decided(recipe, form)

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game that the recipe describes, on clips of this form. Raises :class:`UserError` where there are no
        labels to condition on."""
        assert isinstance(recipe, VideoRecipe)
        assert isinstance(form, VideoForm)
        return VideoGame(recipe, form)

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
        """Write clips ``(n, frames, channels, height, width)`` into one file, side by side, or into a folder, at the
        rate of the data or that of the option ``fps``. Raises :class:`UserError` for another ending of ``out``, and
        where something is there already."""
        assert isinstance(form, VideoForm)
        rate = options.get("fps") or form.rate
        return write_samples(samples, rate, labels, out, note, overwrite, options.get("format", "auto"))

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """Generated clips side by side, a column for each label."""
        assert isinstance(game, VideoGame)
        layout = self.layout(game.classes)
        clips = game.generate(networks, game.conditions(layout.count), seed=seed)
        return as_artifact(clips, game.form.rate, "generated clips", columns=layout.across)

    def layout(self, classes: int) -> Layout:
        """About 16 clips, a column for each of a few labels."""
        return in_columns(classes, SHOWN, ACROSS)

    def real_preview(self, game: Game, batch: Batch) -> Artifact:
        """Real clips side by side, in the same columns; a place stays white where there are too few."""
        assert isinstance(game, VideoGame)
        layout, clips = self.layout(game.classes), self.real_examples(game.outputs[""], batch)
        clips = layout.arranged(clips, batch, 1)
        return as_artifact(clips, game.form.rate, "real clips", columns=layout.across)

    def families(self, source: Source) -> tuple[Family, ...]:
        """Distances of single frames, colour, speed, and shares of frozen and flickering clips."""
        return families()

    def shapeless(self, examples: Tensor, seed: int) -> Tensor:
        """Real clips ``(n, frames, channels, height, width)`` in which nothing can be recognised any more."""
        return shapeless(examples, seed)

    def health(self, samples: Tensor, real: Tensor) -> dict[str, float]:
        """Frozen clips, flicker and sameness of motion of samples beside real clips ``(n, frames, channels, height,
        width)``."""
        return health(samples, real)

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """How far samples that are longer than what is learned from drift away."""
        assert isinstance(game, VideoGame)
        frames = game.form.frames
        clips = game.generate(networks, game.conditions(WATCHED), seed=0, frames=LONGER * frames)
        return {"drift": drift(self.comparable(clips), frames)}

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """How good samples are, bounds of how likely real clips are, where they are asked for, and how far content and
        motion can be asked for apart. Raises :class:`UserError` when nothing can be compared."""
        evaluations = assess_bounded(self, model, options, say, VideoBoundsTarget)
        evaluations[0].result["scores"] += map(as_row, control_of(model, options.seed))
        return evaluations

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """Clips that play: ``label-0`` and so on, or ``samples``; ``best`` and ``worst``; ``neighbours-1`` and so
        on."""
        return figures(comparison)

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What is in the recipe's data, and what is wrong with it, with a page on which clips play. Raises
        :class:`UserError` as training would."""
        assert isinstance(recipe, VideoRecipe)
        return check(recipe)

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """What is seen and what changes in real clips ``(n, frames, channels, height, width)``, in a few numbers."""
        return quick_features(real)

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """Convolutions on a few frames of clips ``(n, frames, channels, height, width)``, side by side as channels."""
        frames, channels, height, width = shape
        return Trunk(of_pictures(len(shown(frames)) * channels, min(height, PIXELS), min(width, PIXELS)), seen)

    def shown(self, example: Tensor, form: Form) -> Artifact:
        """A clip ``(frames, channels, height, width)`` that plays."""
        assert isinstance(form, VideoForm)
        return as_artifact(example[None], form.rate, "")

    def explainer(self, log_odds: LogOdds, form: Form) -> Explainer:
        """Maps of what raises and lowers the log odds of clips ``(frames, channels, height, width)``, by frames."""
        return explainer(log_odds)

    def find_features(
        self, source: Source, asked: str, device: torch.device, say: Say, trust: bool = False
    ) -> Features:
        """Features learned from the source. Raises :class:`UserError` for a name that it does not know."""
        return find_features(cast(VideoSource, source), asked, device, say)

    def most_compared(self, form: Form) -> Most:
        """As many clips as take half a gibibyte of memory, half as many samples, and 256 of these while training."""
        assert isinstance(form, VideoForm)
        clips = NUMBERS // (form.frames * form.channels * form.height * form.width)
        return Most(max(256, clips // 2), max(512, clips), 256)

    def real_examples(self, output: Output, batch: Batch) -> Tensor:
        """The batch's clips ``(n, frames, channels, height, width)`` in [-1, 1], on the CPU."""
        return batch["frames"].cpu().float().div_(127.5).sub_(1)

    def comparable(self, finished: Tensor) -> Tensor:
        """Clips ``(n, frames, channels, height, width)`` as bytes would hold them, in [-1, 1], on the CPU."""
        return to_bytes(finished).float().div_(127.5).sub_(1)
