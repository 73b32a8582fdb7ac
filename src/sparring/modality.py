"""The one door to a kind of data: all that verbs, reports, page and export ask of it.

A modality is a folder. Its ``recipes.py`` names it in an :class:`Entry`, without importing torch; its ``modality.py``
implements :class:`Modality`. Two lines in ``modalities.py`` add it. ``points/`` is the smallest one, the one to copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from sparring.core.errors import UserError
from sparring.core.recipe import Recipe
from sparring.core.settings import Settings
from sparring.data.source import Form

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from sparring.checking import Summary
    from sparring.core.game import Batch, Game, Networks
    from sparring.data.source import Source
    from sparring.evaluation import Evaluation
    from sparring.metrics.comparison import Comparison
    from sparring.metrics.features import Features
    from sparring.metrics.score import Family
    from sparring.model import Model
    from sparring.options import EvaluateOptions, ScoreOptions, TranslateOptions
    from sparring.scoring import Table

Say = Callable[[str], None]
"""Tells a person a line of progress."""


@dataclass(frozen=True)
class Entry:
    """How the table of modalities knows a modality, before any of it but its recipes is imported.

    ``presets`` are its recipes by name, the first of them the one for a user's own data; ``sets`` the names of data
    that are no paths; ``endings`` those of files that are its data (``.png``), all in small letters; ``where`` is
    ``module:Class`` of its :class:`Modality`; ``options`` are the settings of verbs that take more than usual (see
    ``options.py``). A folder that holds all the ``folders`` of one of its groups is its data too. ``claims`` tells of a
    file whose ending other modalities know as well whether it is this one's data.
    """

    recipe: type[Recipe]
    presets: Mapping[str, Recipe]
    sets: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    where: str = ""
    options: Mapping[str, type[Settings]] = field(default_factory=dict)
    folders: tuple[tuple[str, ...], ...] = ()
    claims: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Artifact:
    """One thing that can be shown anywhere: a caption, a media type (``image/png``, ``image/svg+xml``, ``audio/wav``,
    ``video/mp4``, ``text/plain``) and the bytes of its file; ``name`` is what that file is called, where it matters."""

    caption: str
    media_type: str
    data: bytes
    name: str = ""

    @property
    def ending(self) -> str:
        """The ending of a file that holds it, ``.png``."""
        return ENDINGS[self.media_type]


ENDINGS = {
    "image/png": ".png", "image/svg+xml": ".svg", "image/webp": ".webp", "image/gif": ".gif", "audio/wav": ".wav",
    "audio/flac": ".flac", "audio/mpeg": ".mp3", "video/mp4": ".mp4", "video/webm": ".webm", "text/plain": ".txt",
}  # fmt: skip
"""The media types of artifacts, and the endings of their files."""


class Modality(ABC):
    """All that verbs, reports and page ask of one kind of data. The verbs' defaults work for every game with outputs
    under labels or without; a modality that can do more overrides them."""

    entry: ClassVar[Entry]
    form: ClassVar[type[Form]] = Form
    """The class of its forms: what a model's ``config.json`` is read as."""
    sheet: ClassVar[str] = ""
    """The ending that samples are written with where the user names no file; empty: that of :meth:`preview`."""

    # Data and game

    @abstractmethod
    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The examples that ``recipe.data`` names; in the form of a model, where one is given. Raises
        :class:`UserError` when there are none to be had."""

    @abstractmethod
    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game that the recipe describes, on examples of this form. Raises :class:`UserError` where they do not go
        together."""

    # What it makes, as files

    @abstractmethod
    def write(
        self, samples: Tensor, out: Path, *, labels: Sequence[str] | None, note: Mapping[str, Any], overwrite: bool
    ) -> list[Path]:
        """Write finished samples ``(n, ...)`` with the label of each; ``out``'s ending decides as what. ``note`` says
        where they came from. Returns the files. Raises :class:`UserError` for an ending it does not know."""

    @abstractmethod
    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """A few dozen examples made by ``networks`` from ``seed``; ``batch`` holds real ones, for a game that changes
        examples instead of making them from nothing."""

    def to_python(self, samples: Tensor) -> Any:
        """Finished samples ``(n, ...)`` as they are given to a caller in Python: tensors, unless the modality knows
        better."""
        return samples

    # How it is measured

    @abstractmethod
    def comparable(self, finished: Tensor) -> Tensor:
        """Finished examples ``(n, ...)``, real and made alike, as a file of them would hold them; on the CPU."""

    @abstractmethod
    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """Features that cost nothing to come by, fitted to some comparable real examples ``(n, ...)``: for watching a
        run and choosing among its weights."""

    def find_features(self, source: Source, asked: str, device: torch.device, say: Say) -> Features:
        """The features that an evaluation compares in: ``auto``, or what the user named. Raises :class:`UserError` for
        a name that it does not know."""
        if asked != "auto":
            raise UserError(
                f"features: {self.entry.recipe.kind} are compared in features of their own; leave it at auto"
            )
        from sparring.targets import quick_features_of

        return quick_features_of(self, source, device)

    def families(self, source: Source) -> tuple[Family, ...]:
        """Metrics of the comparable examples themselves."""
        return ()

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """What only a game of this kind can measure while it is trained, on examples that no turn has seen."""
        return {}

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """What an evaluation shows of what was compared."""
        return []

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

    def score(self, model: Model, options: ScoreOptions, say: Say) -> Table:
        """What ``model`` thinks of examples in files. Raises :class:`UserError` where it cannot read them."""
        from sparring.scoring import score_by_discriminator

        return score_by_discriminator(self, model, options, say)

    def translate(self, model: Model, options: TranslateOptions, say: Say) -> dict[str, Any]:
        """Translate the files that ``options`` names; plain values of what was written. Raises :class:`UserError` for a
        model that translates nothing."""
        raise UserError(
            f"{model.folder}: makes {self.entry.recipe.kind} and translates nothing; train one that does: "
            "sparring train cyclegan --data A_FOLDER B_FOLDER"
        )
