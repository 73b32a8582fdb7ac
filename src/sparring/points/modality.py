"""Points in the plane, behind the door that every modality has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.files import aside, make_folder
from sparring.core.game import Batch, Game, Networks
from sparring.core.recipe import Recipe
from sparring.data.given import as_array, is_array
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation
from sparring.kind import Layout
from sparring.media.pictures.notes import encode_png
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features
from sparring.metrics.score import Family
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.points.data import PointForm, PointSource, open_source
from sparring.points.flow import PointFlowGame
from sparring.points.game import PointGame
from sparring.points.likelihood import PointBoundsTarget, with_likelihood
from sparring.points.metrics import coordinates, mode_metrics, one_gaussian
from sparring.points.networks.trunk import trunk
from sparring.points.recipes import ENTRY, PointRecipe
from sparring.points.samples import scatter, scatter_among, write_samples
from sparring.probability.bounds import assess_bounded

SHOWN = 1024  # points of a preview
COLOURS = "generated points (orange) among real ones (blue)"


class Points(Modality):
    """Points ``(n, dimensions)`` in the coordinates of the data."""

    entry = ENTRY
    form = PointForm
    sheet = ".png"
    check_sheet = ".png"

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The points that the recipe names; with ``form``, one or more of as many dimensions: a game scales them by
        itself. Raises :class:`UserError` when there are none to be had."""
        assert isinstance(recipe, PointRecipe)
        if form is None:
            return open_source(recipe)
        source = open_source(recipe, least=1)
        if difference := form.differs(source.form):
            raise UserError(f"{source.name}: has {difference}, which is not what the model makes")
        return source

    def takes(self, data: object) -> bool:
        """Whether these are an array ``(n, dimensions)``."""
        return is_array(data) and cast(Tensor, data).ndim == 2

    def keep(self, data: object, folder: Path) -> Path:
        """Write points ``(n, dimensions)`` into a new ``folder``. Raises :class:`UserError` for anything else."""
        if not self.takes(data):
            raise UserError("data: points are an array (n, dimensions); give one, or the path of an .npy")
        make_folder(folder)
        with aside(folder / "points.npy") as temporary, temporary.open("wb") as file:
            np.save(file, as_array(data), allow_pickle=False)
        return folder / "points.npy"

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game on points that are centred and scaled as ``form`` says."""
        assert isinstance(recipe, PointRecipe)
        assert isinstance(form, PointForm)
        return PointFlowGame(recipe, form) if recipe.network == "flow" else PointGame(recipe, form)

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
        """Write points ``(n, dimensions)`` as a picture, an array or a table. Raises :class:`UserError` for
        another ending of ``out``, and where something is there already."""
        return write_samples(samples, out, note, overwrite=overwrite)

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """A picture of where generated points lie among those of the batch."""
        output = game.outputs[""]
        points = output.finish(output.generate(networks, game.conditions(SHOWN), seed=seed))
        real = output.finish(output.real(batch)) if batch else points[:0]
        return as_artifact(points, COLOURS, real=real)

    def columns(self, game: Game, form: Form) -> list[str]:
        """What the colours of the one picture say."""
        return [COLOURS]

    def layout(self, classes: int) -> Layout:
        """A preview has 1,024 points."""
        return Layout(SHOWN)

    def comparable(self, finished: Tensor) -> Tensor:
        """Points ``(n, dimensions)`` are compared as they are."""
        return finished.cpu()

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """The coordinates of points ``(n, dimensions)`` themselves."""
        return coordinates()

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """A perceptron on waves of the coordinates of points ``(n, dimensions)``."""
        assert isinstance(form, PointForm)
        return trunk(form.centre, form.scale)

    def shapeless(self, examples: Tensor, seed: int) -> Tensor:
        """As many points as ``(n, dimensions)``, of this shape: one Gaussian with their mean and covariance."""
        return one_gaussian(examples, seed)

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """Of a flow ``log_likelihood``: the mean over held-out points, in nats."""
        if not isinstance(game, PointFlowGame):
            return {}
        return {"log_likelihood": game.log_likelihood(networks, held_out).mean().item()}

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """How good samples are; of a flow how likely points are that it did not learn from, of other generators bounds
        of that, where they are asked for. Raises :class:`UserError` when nothing can be compared."""
        if isinstance(game := model.game, PointFlowGame):
            return [with_likelihood(each, model, game, options) for each in super().evaluate(model, options, say)]
        return assess_bounded(self, model, options, say, PointBoundsTarget)

    def families(self, source: Source) -> tuple[Family, ...]:
        """The modes that were found, where the truth is a mixture of known centres."""
        assert isinstance(source, PointSource)
        return () if source.centres is None else (mode_metrics(source.centres),)

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """Pictures of generated and of real points."""
        real = comparison.reference[: len(comparison.samples)]
        return [
            as_artifact(comparison.samples, "the samples", "samples"),
            as_artifact(real, "as many real points", "real"),
        ]


def as_artifact(points: Tensor, caption: str, name: str = "", real: Tensor | None = None) -> Artifact:
    """A picture of points ``(n, dimensions)``, or of them among ``real`` ones."""
    drawn = points.float().cpu().numpy()
    picture = scatter(drawn) if real is None else scatter_among(drawn, real.float().cpu().numpy())
    return Artifact(caption, "image/png", encode_png(picture, {}), name)
