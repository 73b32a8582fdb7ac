"""Pictures, behind the door that every modality has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from sparring.checking import Summary
from sparring.core.game import Batch, Game, Networks
from sparring.core.recipe import Recipe
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation
from sparring.images.bounds import ImageBoundsTarget
from sparring.images.check import check
from sparring.images.data import ImageSource, as_trained, open_in_form, open_kept, open_source
from sparring.images.explain import explainer
from sparring.images.features.learned import random_features
from sparring.images.features.novelty import novelty_features
from sparring.images.features.pixels import scaled
from sparring.images.flow import FlowGame
from sparring.images.flow_settings import BITS
from sparring.images.game import ImageGame
from sparring.images.given import are_pictures, keep
from sparring.images.likelihood import with_likelihood
from sparring.images.metrics import COLOURS, SPECTRUM, figures, find_features, shapeless
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import ENTRY, ImageRecipe
from sparring.images.samples import as_artifact, write_samples
from sparring.kind import Explainer, Layout, LogOdds, in_columns
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.score import Family
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.networks.trunks import Trunk, of_pictures
from sparring.options import EvaluateOptions
from sparring.probability.bounds import assess_bounded

SHOWN, ACROSS = 64, 8  # pictures of a preview, and of a row, or about as many


class Images(Modality):
    """Pictures: ``(n, channels, height, width)`` in [-1, 1] as they are generated, in bytes as they are compared."""

    entry = ENTRY
    form = ImageForm
    sheet = ".png"
    check_sheet = ".png"

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The pictures that the recipe names; with ``form``, one or more brought to its size and channels, their labels
        numbered as it numbers them. Raises :class:`UserError` when there are none to be had, and for a label that
        ``form`` does not know."""
        assert isinstance(recipe, ImageRecipe)
        if form is None:
            return open_source(recipe)
        assert isinstance(form, ImageForm)
        return open_in_form(recipe, form)

    def takes(self, data: object) -> bool:
        """Whether these are an array of pictures, or a data set or a list of arrays or Pillow pictures."""
        return are_pictures(data)

    def keep(self, data: object, folder: Path) -> Path:
        """Write such pictures, alone or with labels, into a new ``folder``. Raises :class:`UserError` for others."""
        return keep(data, folder)

    def as_trained(self, recipe: Recipe, form: Form) -> Recipe:
        """The recipe with the channels and the range that a model of this form was trained on."""
        assert isinstance(recipe, ImageRecipe)
        assert isinstance(form, ImageForm)
        return as_trained(recipe, form)

    def open_kept(self, recipe: Recipe, form: Form) -> Source | None:
        """The pictures in a folder ``test`` or the like beside ``train``; None where there are none. Raises
        :class:`UserError` where they cannot be read, or have a label that ``form`` does not know."""
        assert isinstance(recipe, ImageRecipe)
        assert isinstance(form, ImageForm)
        return open_kept(recipe, form)

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game that the recipe describes, on pictures of this form. Raises :class:`UserError` where there are no
        labels to condition on, or the networks cannot make the size."""
        assert isinstance(recipe, ImageRecipe)
        assert isinstance(form, ImageForm)
        return FlowGame(recipe, form) if recipe.network == "flow" else ImageGame(recipe, form)

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
        """Write images ``(n, channels, height, width)`` as a sheet, arrays, an archive or a folder. Raises
        :class:`UserError` for another ending of ``out``, and where something is there already."""
        return write_samples(samples, labels, out, note, overwrite=overwrite)

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """A sheet of generated pictures, a column for each label."""
        output, layout = game.outputs[""], self.layout(game.classes)
        samples = output.finish(output.generate(networks, game.conditions(layout.count), seed=seed))
        return as_artifact(to_bytes(samples), "generated pictures", columns=layout.across)

    def layout(self, classes: int) -> Layout:
        """About 64 pictures, a column for each of a few labels."""
        return in_columns(classes, SHOWN, ACROSS)

    def real_preview(self, game: Game, batch: Batch) -> Artifact:
        """A sheet of real pictures, in the same columns; a place stays white where there are too few."""
        layout, pictures = self.layout(game.classes), self.real_examples(game.outputs[""], batch)
        return as_artifact(layout.arranged(pictures, batch, 255), "real pictures", columns=layout.across)

    def comparable(self, finished: Tensor) -> Tensor:
        """Images ``(n, channels, height, width)`` as bytes: what picture files of them would hold."""
        return to_bytes(finished)

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """Random convolutions, normalised by the real bytes ``(n, channels, height, width)``."""
        return random_features(real, device)

    def novelty_features(self, real: Tensor, device: torch.device) -> Features:
        """What bytes ``(n, channels, height, width)`` show and their texture, in features fitted to real ones."""
        return novelty_features(real, device)

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """Convolutions on bytes ``(n, channels, height, width)``."""
        return Trunk(of_pictures(*shape), scaled)

    def shown(self, example: Tensor, form: Form) -> Artifact:
        """A picture of bytes ``(channels, height, width)``."""
        return as_artifact(example[None], "")

    def explainer(self, log_odds: LogOdds, form: Form) -> Explainer:
        """Maps of what raises and lowers the log odds of bytes ``(channels, height, width)``."""
        return explainer(log_odds)

    def find_features(
        self, source: Source, asked: str, device: torch.device, say: Say, trust: bool = False
    ) -> Features:
        """Pretrained ones or those learned from the source for ``auto``, else what the user names. Raises
        :class:`UserError` for a name of nothing, and for pictures that are all alike, where it learns from them."""
        return find_features(cast(ImageSource, source), asked, device, say, trust)

    def shapeless(self, examples: Tensor, seed: int) -> Tensor:
        """Bytes ``(n, channels, height, width)``, blurred or scrambled, of this shape."""
        return shapeless(examples, seed)

    def families(self, source: Source) -> tuple[Family, ...]:
        """The gap between the power spectra, and that between colours."""
        return (SPECTRUM, COLOURS)

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """Sheets: ``neighbours``, ``best`` and ``worst`` where there are logits, ``labels`` where there are labels."""
        return figures(comparison)

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """Of a flow ``bits_per_dimension``: the mean over held-out pictures, always under the same noise."""
        if not isinstance(game, FlowGame):
            return {}
        return {BITS: game.bits_per_dimension(networks, held_out, seed=0).mean().item()}

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """How good samples are; of a flow how likely pictures are that it did not learn from, of other generators
        bounds of that, where they are asked for. Raises :class:`UserError` when nothing can be compared."""
        if isinstance(game := model.game, FlowGame):
            return [with_likelihood(each, model, game, options) for each in super().evaluate(model, options, say)]
        return assess_bounded(self, model, options, say, ImageBoundsTarget)

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What is in the recipe's data, and what is wrong with it, with a sheet of 64. Raises :class:`UserError` as
        training would."""
        assert isinstance(recipe, ImageRecipe)
        return check(recipe)
