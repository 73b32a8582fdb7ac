"""``sparring train`` and ``sparring resume``: from a recipe to a run folder with a generator in it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparring.core import precision, processes
from sparring.core.errors import UserError
from sparring.core.files import file_name, make_folder
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run, create, find, read_config
from sparring.core.settings import with_present_names
from sparring.core.signals import Stop
from sparring.modalities import ENTRIES, find_recipe, from_dict, modality_of, named_data, recipe_for
from sparring.verbs.resuming import check_changeable, check_data_are_there, lengthened
from sparring.verbs.session import Outcome, Session


def train(
    recipe: str | Path | Recipe | Sequence[str | Path],
    *,
    data: str | Path | Sequence[str | Path] | None = None,
    out: str | Path | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Outcome:
    """Train a new run.

    ``recipe`` is a recipe, its name, a ``recipe.yaml``, or data: a path, or two of them for two domains; ``settings``
    are fields of it, such as ``time="5m"`` or ``batch=32``. ``out`` is the run folder: ``runs/<recipe>`` (numbered when
    taken) without. ``stop`` ends the run when raised, as Ctrl-C does. Raises :class:`UserError` for mistakes of the
    caller's and ``TrainingDiverged`` when the losses cannot be kept finite.
    """
    chosen = complete(as_recipe(recipe), data, settings)
    with processes.distributed(precision.find_device(chosen.device).type) as process:
        process.part(chosen.batch)
        return play(chosen, process, lambda: on_first(lambda: open_or_create(out, chosen, process)), stop or Stop())


def resume(
    run: str | Path,
    *,
    data: str | Path | Sequence[str | Path] | None = None,
    more: float | str = 0,
    stop: Stop | None = None,
    **settings: Any,
) -> Outcome:
    """Go on with a run as if it had never stopped.

    ``data`` is where its data are now, if they were moved; ``more`` (``"10m"``, or seconds) is added to its budget;
    ``settings`` may change that budget (``time`` and ``steps``, over all sessions) or what does not alter what was
    learned so far. Anything else raises :class:`UserError`, as do other data, and a folder that is no run.
    """
    found, content = find(Path(run))
    recipe = from_dict(content, str(found.recipe))
    settings = with_present_names(type(recipe), settings)
    check_changeable(recipe, [*settings])
    recipe = as_begun(complete(recipe, data, settings), found, content)
    check_data_are_there(recipe, found)
    with processes.distributed(precision.find_device(recipe.device).type) as process:
        if not process.restarts:  # a launcher's restart finds the new budget in the run
            recipe = lengthened(recipe, more, found)
        return play(recipe, process, lambda: found, stop or Stop())


def play(recipe: Recipe, process: Process, open_run: Callable[[], Run], stop: Stop) -> Outcome:
    """Train in a session, and give back what it held: its parts know each other, so only the garbage collector frees
    them, and that does not see how large networks are. Raises what training raises."""
    outcome = Session(recipe, process, open_run).play(stop)
    gc.collect()
    return outcome


def as_begun(recipe: Recipe, run: Run, stored: Mapping[str, Any]) -> Recipe:
    """The recipe with what the data decided when the run began, as its model and the ``stored`` settings tell; as it is
    where there is no model to be read."""
    modality = modality_of(recipe.kind)
    with suppress(UserError):
        return modality.as_trained(recipe, modality.form.from_dict(read_config(run.model)["form"]), stored)
    return recipe


def as_recipe(recipe: str | Path | Recipe | Sequence[str | Path]) -> Recipe:
    """The recipe that was given in one of the ways that :func:`train` takes it. Raises :class:`UserError` for a name
    that no recipe has, and for paths that decide none."""
    if isinstance(recipe, str | Path):
        return find_recipe(str(recipe))
    return recipe_for([str(path) for path in recipe]) if isinstance(recipe, Sequence) else recipe


def complete(recipe: Recipe, data: str | Path | Sequence[str | Path] | None, settings: dict[str, Any]) -> Recipe:
    """The recipe with the caller's settings and its data named so that it can be found from any folder. Raises
    :class:`UserError` without data."""
    places = [] if data is None else [str(data)] if isinstance(data, str | Path) else [str(path) for path in data]
    settings = with_present_names(type(recipe), settings)
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


def default_folder(recipe: Recipe, again: bool) -> Path:
    """``runs/<recipe>``, numbered when taken, and made, so that nobody else takes it; the one taken last when it is
    wanted ``again``. Raises :class:`UserError` where it cannot be made."""
    name = file_name(recipe.name).strip(".") or recipe.kind
    number, folder, last = 1, Path("runs") / name, Path("runs") / name
    make_folder(folder.parent)
    while os.path.lexists(folder) if again else not made_anew(folder):
        number, last = number + 1, folder
        folder = Path("runs") / f"{name}-{number}"
    return last if again else folder


def made_anew(folder: Path) -> bool:
    """Make a folder; False where something of that name is there. Raises :class:`UserError` where it cannot be made."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as problem:
        raise UserError(f"{folder}: cannot be created ({problem.strerror}); choose another place with --out") from None
    return True


def on_first(make: Callable[[], Run]) -> Run:
    """Do it in the first process only; its result, or its :class:`UserError`, is everyone's. Raises that error."""
    result: Run | str = ""
    if processes.is_first():
        try:
            result = make()
        except UserError as problem:
            result = str(problem)
    result = processes.broadcast(result)
    if isinstance(result, str):
        raise UserError(result)
    return result
