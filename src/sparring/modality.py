"""The one door to a kind of data: all that verbs, reports, page and export ask of it.

A modality is a folder. Its ``recipes.py`` names it in an :class:`Entry`, without importing torch; its ``modality.py``
implements :class:`Modality`. Two lines in ``modalities.py`` add it. ``points/`` is the smallest one, the one to copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparring.core.errors import UserError
from sparring.kind import Artifact as Artifact
from sparring.kind import Entry as Entry
from sparring.kind import Kind
from sparring.kind import Say as Say

if TYPE_CHECKING:
    import torch

    from sparring.checking import Summary
    from sparring.core.recipe import Recipe
    from sparring.data.source import Source
    from sparring.evaluation import Evaluation
    from sparring.metrics.features import Features
    from sparring.model import Model
    from sparring.options import CalibrateOptions, EvaluateOptions, ScoreOptions, TranslateOptions
    from sparring.probability.kept import Calibration
    from sparring.scoring import Table


class Modality(Kind):
    """All that verbs, reports and page ask of one kind of data.

    What has no default is declared in :class:`sparring.kind.Kind`: ``open_source``, ``build_game``, ``write``,
    ``preview``, ``comparable`` and ``quick_features``. The verbs' defaults work for every game with outputs, under
    labels or without; a modality that can do more overrides them.
    """

    def find_features(
        self, source: Source, asked: str, device: torch.device, say: Say, trust: bool = False
    ) -> Features:
        """The features that an evaluation compares in: ``auto``, or what the user named. Raises :class:`UserError` for
        a name that it does not know."""
        if asked != "auto":
            raise UserError(
                f"features: {self.entry.recipe.kind} are compared in features of their own; leave it at auto"
            )
        from sparring.targets import quick_features_of

        return quick_features_of(self, source, device)

    # Verbs

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What is in the data of ``recipe``, and what is wrong with it. Raises :class:`UserError` as training would."""
        from sparring.checking import check_examples

        return check_examples(self, recipe, say)

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """How good what ``model`` makes is, one evaluation for each of its outputs. Raises :class:`UserError` when
        nothing can be compared."""
        from sparring.evaluation import assess_outputs

        return assess_outputs(self, model, options, say)

    def calibrate(self, model: Model, options: CalibrateOptions, say: Say) -> Calibration:
        """A discriminator trained after training, and what makes its scores of single examples true. Raises
        :class:`UserError` where too few real examples were never seen."""
        from sparring.probability.calibrate import calibrate

        return calibrate(model, options, say)

    def score(self, model: Model, options: ScoreOptions, say: Say) -> Table:
        """What ``model`` thinks of examples in files. Raises :class:`UserError` where it cannot read them."""
        from sparring.scoring import score_by_discriminator

        return score_by_discriminator(self, model, options, say)

    def translate(self, model: Model, options: TranslateOptions, say: Say) -> dict[str, Any]:
        """Translate the files that ``options`` names; plain values of what was written. Raises :class:`UserError` for a
        model that translates nothing."""
        raise UserError(
            f"{model.path}: makes {self.entry.recipe.kind} and translates nothing; train one that does: "
            "'sparring recipes' lists them"
        )
