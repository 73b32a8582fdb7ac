"""A kind of data as training, measuring and writing see it: its entry in the table, what it shows, and the lower half
of the door (the upper half is ``modality.py``). No torch in here."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sparring.artifacts import ENDINGS as ENDINGS
from sparring.artifacts import Artifact as Artifact
from sparring.artifacts import Layout as Layout
from sparring.artifacts import in_columns as in_columns
from sparring.core.errors import UserError
from sparring.core.recipe import Recipe
from sparring.core.settings import Settings
from sparring.data.source import Form

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from sparring.core.game import Batch, Game, Networks, Output
    from sparring.core.health import Limit
    from sparring.data.source import Source
    from sparring.metrics.comparison import Comparison
    from sparring.metrics.features import Features
    from sparring.metrics.score import Family

Explainer = Callable[["Tensor", "Tensor"], "Artifact"]
"""Draws where a judge looked in a comparable example ``(...)``, given the training example that is nearest."""

Say = Callable[[str], None]
"""Tells a person a line of progress."""


@dataclass(frozen=True)
class Entry:
    """How the table of modalities knows a modality, before any of it but its recipes is imported.

    ``presets`` are its recipes by name, the first of them the one for a user's own data; ``sets`` the names of data
    that are no paths; ``endings`` those of files that are its data (``.png``), all in small letters; ``where`` is
    ``module:Class`` of its :class:`Modality`; ``options`` are the settings of verbs that take more than usual (see
    ``options.py``). A folder that holds all the ``folders`` of one of its groups is its data too. ``claims`` tells of a
    file whose ending other modalities know as well whether it is this one's data. ``use`` is the command that uses a
    trained model, with ``{run}`` in place of its folder; ``task`` what model hubs call what it does, empty where they
    have no name for it; ``public`` are the names of sets on these hubs.
    """

    recipe: type[Recipe]
    presets: Mapping[str, Recipe]
    sets: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    where: str = ""
    options: Mapping[str, type[Settings]] = field(default_factory=dict)
    folders: tuple[tuple[str, ...], ...] = ()
    claims: Callable[[str], bool] | None = None
    use: str = "sample {run} -n 64"
    task: str = ""
    public: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogOdds:
    """How real a judge, the discriminator that is trained after training, finds examples, as something that can be
    explained: a number called ``name`` for each, by what ``of_features`` makes of the features ``(n, 128)`` of its
    ``trunk``."""

    trunk: nn.Module
    of_features: Callable[[Tensor], Tensor]
    name: str

    def __call__(self, examples: Tensor) -> Tensor:
        """The numbers ``(n,)`` of comparable examples ``(n, ...)``, higher for real."""
        return self.of_features(self.trunk(examples))


class Most(NamedTuple):
    """How many examples are compared at most: ``samples`` and ``reference``, real ones, by an evaluation, and samples
    that a run is watched by while it is ``training``."""

    samples: int = 10_000
    reference: int = 50_000
    training: int = 1024


class Kind(ABC):
    """What training, measuring and writing files need of one kind of data; :class:`sparring.modality.Modality` adds
    the verbs."""

    entry: ClassVar[Entry]
    form: ClassVar[type[Form]] = Form
    """The class of its forms: what a model's ``config.json`` is read as."""
    sheet: ClassVar[str] = ""
    """The ending that samples are written with where the user names no file; empty: that of :meth:`preview`."""
    check_sheet: ClassVar[str] = ""
    """The ending of the file in which ``sparring data check`` draws some of the examples; empty: it draws none."""
    limits: ClassVar[Mapping[str, Limit]] = {}
    """Of what :meth:`health` measures, by name: how much of it is warned of."""

    # Data and game

    @abstractmethod
    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The examples that ``recipe.data`` names; in the form of a model, where one is given. Raises
        :class:`UserError` when there are none to be had."""

    def takes(self, data: object) -> bool:
        """Whether ``data``, which a caller in Python gave, are examples of this kind."""
        return False

    def keep(self, data: object, folder: Path) -> Path:
        """Write examples that a caller in Python gave into a new ``folder``; what a recipe names as its data to read
        them. Raises :class:`UserError` for what are no such examples."""
        raise UserError(f"data: {self.entry.recipe.kind} are read from files; write them, and give the path")

    def as_trained(self, recipe: Recipe, form: Form) -> Recipe:
        """The recipe that a model of this form was trained by, with what its data decided, which other data, or a later
        version, might decide otherwise."""
        return recipe

    def open_kept(self, recipe: Recipe, form: Form) -> Source | None:
        """Examples that lie beside those that ``recipe`` learns from and are kept to be evaluated with, in the form of
        a model; None where there are none. Raises :class:`UserError` where they cannot be read."""
        return None

    @abstractmethod
    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game that the recipe describes, on examples of this form. Raises :class:`UserError` where they do not go
        together."""

    # What it makes, as files

    @abstractmethod
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
        """Write finished samples ``(n, ...)`` of this form with the label of each; ``out``'s ending decides as what.
        ``note`` says where they came from, ``options`` are the modality's own of sampling. Returns the files. Raises
        :class:`UserError` for an ending that it does not know."""

    @abstractmethod
    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """A few dozen examples made by ``networks`` from ``seed``; ``batch`` holds real ones, for a game that changes
        examples instead of making them from nothing."""

    def layout(self, classes: int) -> Layout:
        """How many examples :meth:`preview` shows, and in which columns, of a game with so many labels (0: without); a
        count of 0 where samples drawn from the same seed would be others."""
        return Layout(0)

    def columns(self, game: Game, form: Form) -> list[str]:
        """What each column of a preview shows, a label where there are some; empty where columns stand for nothing."""
        return self.layout(game.classes).names(form.labels)

    def real_preview(self, game: Game, batch: Batch) -> Artifact | None:
        """Real examples of a batch, drawn as :meth:`preview` draws those that were made; None where that has them in
        it, or nobody knows how."""
        return None

    def to_python(self, samples: Tensor) -> Any:
        """Finished samples ``(n, ...)`` as they are given to a caller in Python: tensors, unless the modality knows
        better."""
        return samples

    def as_lines(self, samples: Tensor, labels: Sequence[str] | None) -> str:
        """Finished samples ``(n, ...)`` with the label of each as lines to be read; empty for what is no text."""
        return ""

    # How it is measured

    @abstractmethod
    def comparable(self, finished: Tensor) -> Tensor:
        """Finished examples ``(n, ...)``, real and made alike, as a file of them would hold them; on the CPU."""

    def real_examples(self, output: Output, batch: Batch) -> Tensor:
        """The real examples of a batch, comparable ``(n, ...)``."""
        return self.comparable(output.finish(output.real(batch)))

    def most_compared(self, form: Form) -> Most:
        """How many examples of this form are compared at most: all of them are in memory at once."""
        return Most()

    @abstractmethod
    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """Features that cost nothing to come by, fitted to some comparable real examples ``(n, ...)``: for watching a
        run and choosing among its weights."""

    @abstractmethod
    def find_features(
        self, source: Source, asked: str, device: torch.device, say: Say, trust: bool = False
    ) -> Features:
        """The features that an evaluation compares in: ``auto``, or what the user named, which may be a program only
        with ``trust``. Raises :class:`UserError` for
        a name that it does not know."""

    def novelty_features(self, real: Tensor, device: torch.device) -> Features:
        """The features in which the distance to training examples tells how odd an example is, fitted to some
        comparable real examples ``(n, ...)``."""
        return self.quick_features(real, device)

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """A network that has learned nothing, for the discriminator that is trained after training: comparable examples
        ``(n, *shape)`` of this form to features ``(n, 128)``. Unless the modality knows better, a perceptron."""
        from sparring.networks.trunks import Trunk, of_numbers

        return Trunk(of_numbers(math.prod(shape)))

    def shown(self, example: Tensor, form: Form) -> Artifact | None:
        """A comparable example ``(...)`` of this form as something to look at or hear; None where words or numbers say
        all."""
        return None

    def explainer(self, log_odds: LogOdds, form: Form) -> Explainer:
        """What draws where a judge with such a :meth:`judge_trunk` looked. Raises :class:`UserError` unless the
        modality knows how."""
        raise UserError(f"explain: of {self.entry.recipe.kind} nothing can be drawn; leave it out")

    def families(self, source: Source) -> tuple[Family, ...]:
        """Metrics of the comparable examples themselves."""
        return ()

    def shapeless(self, examples: Tensor, seed: int) -> Tensor | None:
        """Real comparable examples ``(n, ...)`` changed so that nothing in them can be recognised any more, of that
        shape: such as a generator makes that has hardly learned. None where nobody knows how."""
        return None

    def health(self, samples: Tensor, real: Tensor) -> dict[str, float]:
        """What only samples of this kind can suffer from, by the names in ``limits``, of some comparable samples and
        real examples ``(n, ...)``."""
        return {}

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """What only a game of this kind can measure while it is trained, on examples that no turn has seen."""
        return {}

    def closing_remark(self, game: Game, examples: int, seconds: float) -> tuple[str, str]:
        """What a person should know of a game that has been trained for so many examples and seconds, in one line, and
        what is typed after ``sparring`` to go on then, with ``{run}`` in place of its folder; both empty for
        nothing."""
        return "", ""

    def figures(self, comparison: Comparison) -> list[Artifact]:
        """What an evaluation shows of what was compared."""
        return []
