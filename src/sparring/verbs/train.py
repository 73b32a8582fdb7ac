"""``sparring train`` and ``sparring resume``: from a recipe to a run folder with a generator in it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Unpack

from sparring.core import precision, processes
from sparring.core.callbacks import Callback, Callbacks
from sparring.core.errors import UserError
from sparring.core.own import with_own_named
from sparring.core.processes import Process, on_first
from sparring.core.recipe import Recipe
from sparring.core.run import DATA, Run, create, default_folder, find, read_config
from sparring.core.settings import with_present_names
from sparring.core.signals import Stop
from sparring.core.status import silence
from sparring.given import are_places, kept, recipe_of_examples, unless_used
from sparring.keywords import TrainSettings
from sparring.modalities import ENTRIES, find_recipe, from_dict, modality_of, named_data, recipe_for
from sparring.verbs.resuming import check_changeable, check_data_are_there, lengthened
from sparring.verbs.session import Outcome, Session

Places = str | Path | Sequence[str | Path]
"""A path or the name of a set, or two paths for two domains."""


def train(
    recipe: Recipe | Places | Any,
    *,
    data: Places | Any = None,
    out: str | Path | None = None,
    stop: Stop | None = None,
    quiet: bool = False,
    on_step: Callback | None = None,
    on_samples: Callback | None = None,
    on_metric: Callback | None = None,
    **settings: Unpack[TrainSettings],
) -> Outcome:
    """Train a new run.

    ``recipe`` is a recipe, its name, a ``recipe.yaml``, or data, which then decide the recipe. ``data`` are a path, two
    of them for two domains, or examples: an array or a tensor of pictures ``(n, height, width)`` or with channels, of
    points ``(n, dimensions)``, a list of Pillow pictures or lines of text, a data set of examples or of pairs of an
    example and its label, or a pair of examples and labels; they are written into the run. ``settings`` are fields of
    the recipe (:class:`TrainSettings`), such as ``time="5m"`` or ``batch=32``; ``network`` and ``objective`` may be
    code of your own, an object or ``"module:name"``. ``out`` is the run folder: ``runs/<recipe>`` (numbered when taken)
    without. ``stop`` ends the run when raised, as Ctrl-C does; ``quiet`` prints nothing; ``on_step``, ``on_samples``
    and ``on_metric`` hear of progress, previews and measurements (:class:`Callbacks`). Raises :class:`UserError` for
    mistakes of the caller's and ``TrainingDiverged`` when the losses cannot be kept finite.
    """
    if not isinstance(recipe, Recipe) and not are_places(recipe, 2):
        recipe, data = recipe_of_examples(recipe), recipe
    chosen, examples = as_recipe(recipe), None
    if not are_places(data, len(chosen.data_settings)):
        data, examples = DATA, data
    chosen, callbacks = complete(chosen, data, settings), Callbacks(on_step, on_samples, on_metric)
    with processes.distributed(precision.find_device(chosen.device).type) as process:
        process.part(chosen.batch)

        def begin() -> Run:
            return on_first(lambda: open_or_create(out, chosen, process))

        if examples is None:
            return play(chosen, process, begin, stop or Stop(), callbacks, quiet)
        run = begin()
        with unless_used(run):
            chosen = on_first(lambda: kept(chosen, examples, run))
            return play(chosen, process, lambda: run, stop or Stop(), callbacks, quiet)


def resume(
    run: str | Path,
    *,
    data: Places | None = None,
    more: float | str = 0,
    stop: Stop | None = None,
    quiet: bool = False,
    on_step: Callback | None = None,
    on_samples: Callback | None = None,
    on_metric: Callback | None = None,
    **settings: Unpack[TrainSettings],
) -> Outcome:
    """Go on with a run as if it had never stopped.

    ``data`` is where its data are now, if they were moved; ``more`` (``"10m"``, or seconds) is added to its budget;
    ``settings`` may change that budget (``time`` and ``steps``, over all sessions) or what does not alter what was
    learned so far. ``stop``, ``quiet`` and what hears of progress are as in :func:`train`. Anything else raises
    :class:`UserError`, as do other data, and a folder that is no run.
    """
    found, content = find(Path(run))
    recipe = from_dict(content, str(found.recipe))
    named = with_present_names(type(recipe), settings)
    check_changeable(recipe, [*named])
    recipe = as_begun(complete(recipe, data, named), found, content)
    check_data_are_there(recipe, found)
    with processes.distributed(precision.find_device(recipe.device).type) as process:
        if not process.restarts:  # a launcher's restart finds the new budget in the run
            recipe = lengthened(recipe, more, found)
        callbacks = Callbacks(on_step, on_samples, on_metric)
        return play(recipe, process, lambda: found, stop or Stop(), callbacks, quiet)


def play(
    recipe: Recipe, process: Process, open_run: Callable[[], Run], stop: Stop, callbacks: Callbacks, quiet: bool
) -> Outcome:
    """Train in a session, and give back what it held: its parts know each other, so only the garbage collector frees
    them, and that does not see how large networks are. Raises what training raises."""
    with silence(quiet):
        outcome = Session(recipe, process, open_run, callbacks).play(stop)
    gc.collect()
    return outcome


def as_begun(recipe: Recipe, run: Run, stored: Mapping[str, Any]) -> Recipe:
    """The recipe with what the data decided when the run began, as the ``stored`` settings tell, and its model, where
    there is one to be read."""
    modality, recipe = modality_of(recipe.kind), recipe.as_stored(stored)
    with suppress(UserError):
        return modality.as_trained(recipe, modality.form.from_dict(read_config(run.model)["form"]))
    return recipe


def as_recipe(recipe: str | Path | Recipe | Sequence[str | Path]) -> Recipe:
    """The recipe that was given in one of the ways that :func:`train` takes it. Raises :class:`UserError` for a name
    that no recipe has, and for paths that decide none."""
    if isinstance(recipe, str | Path):
        return find_recipe(str(recipe))
    return recipe_for([str(path) for path in recipe]) if isinstance(recipe, Sequence) else recipe


def complete(recipe: Recipe, data: Places | None, settings: Mapping[str, Any]) -> Recipe:
    """The recipe with the caller's settings and its data named so that it can be found from any folder. Raises
    :class:`UserError` without data."""
    places = [] if data is None else [str(data)] if isinstance(data, str | Path) else [str(path) for path in data]
    settings = with_own_named(type(recipe), with_present_names(type(recipe), settings))
    recipe = recipe.changed({**settings, **named_data(recipe, places)})
    if not recipe.data:
        raise UserError(f"data: recipe '{recipe.name}' needs your data; add --data PATH")
    resolved = {}
    for name in recipe.data_settings:
        place = getattr(recipe, name)
        path = Path(place).expanduser()
        if place and place not in ENTRIES[recipe.kind].sets and path.exists():
            resolved[name] = str(path.resolve())
    return recipe.changed(resolved)


def open_or_create(out: str | Path | None, recipe: Recipe, process: Process) -> Run:
    """A new run folder; after a launcher's restart, the one that this job made before. Raises :class:`UserError` where
    something is in the way."""
    folder = Path(out) if out else default_folder(recipe, again=process.restarts > 0)
    if process.restarts and (folder / "recipe.yaml").exists():
        return find(folder)[0]
    return create(folder, recipe)
