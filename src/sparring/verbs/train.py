"""``sparring train`` and ``sparring resume``: from a recipe to a run folder with a generator in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparring.core import precision, processes
from sparring.core.errors import UserError
from sparring.core.files import file_name
from sparring.core.processes import Processes
from sparring.core.recipe import CHANGEABLE, Recipe
from sparring.core.run import Run, create, find
from sparring.core.signals import Stop
from sparring.rooms import find_recipe, from_dict, room_of
from sparring.verbs.session import Outcome, Session


def train(
    recipe: str | Recipe,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Outcome:
    """Train a new run.

    ``recipe`` is a recipe, its name, a ``recipe.yaml``, or a path to data; ``settings`` are fields of it, such
    as ``time="5m"`` or ``batch=32``. ``out`` is the run folder: ``runs/<recipe>`` (numbered when taken) without.
    ``stop`` ends the run when raised, as Ctrl-C does. Raises :class:`UserError` for mistakes of the caller's
    and ``TrainingDiverged`` when the losses cannot be kept finite.
    """
    chosen = complete(find_recipe(str(recipe)) if not isinstance(recipe, Recipe) else recipe, data, settings)
    with processes.joined(precision.find_device(chosen.device).type) as ours:
        ours.part(chosen.batch)
        session = Session(chosen, ours, lambda: in_first(lambda: open_or_create(out, chosen, ours)))
        return session.play(stop or Stop())


def resume(run: str | Path, *, stop: Stop | None = None, **settings: Any) -> Outcome:
    """Go on with a run as if it had never stopped.

    ``settings`` may change its budget (``time``, ``steps``) or change what does not alter what was learned so
    far; anything else raises :class:`UserError`, as does a folder that is no run.
    """
    found, content = find(Path(run))
    recipe = from_dict(content, str(found.recipe)).changed(settings)
    for name in settings:
        if name not in CHANGEABLE:
            raise UserError(f"{name}: was decided when the run began; a resumed run can change {', '.join(CHANGEABLE)}")
    with processes.joined(precision.find_device(recipe.device).type) as ours:
        return Session(recipe, ours, lambda: found).play(stop or Stop())


def complete(recipe: Recipe, data: str | Path | None, settings: dict[str, Any]) -> Recipe:
    """The recipe with the caller's settings and its data named so that it can be found from any folder."""
    recipe = recipe.changed({**settings, **({} if data is None else {"data": data})})
    if not recipe.data:
        raise UserError(f"data: recipe '{recipe.name}' needs your data; add --data PATH")
    room, found = room_of(recipe), {}
    for name in recipe.data_settings:
        place = getattr(recipe, name)
        path = Path(place).expanduser()
        if place and not room.names_data(place) and path.exists():
            found[name] = str(path.resolve())
    return recipe.changed(found)


def open_or_create(out: str | Path | None, recipe: Recipe, ours: Processes) -> Run:
    """A new run folder; after a launcher's restart, the one that this job made before."""
    folder = Path(out) if out else default_folder(recipe, again=ours.restarts > 0)
    if ours.restarts and (folder / "recipe.yaml").exists():
        return find(folder)[0]
    return create(folder, recipe)


def default_folder(recipe: Recipe, again: bool) -> Path:
    """``runs/<recipe>``, numbered when taken; the one taken last when it is wanted ``again``."""
    name = file_name(recipe.name).strip(".") or recipe.kind
    number, folder, last = 1, Path("runs") / name, Path("runs") / name
    while folder.exists():
        number, last = number + 1, folder
        folder = Path("runs") / f"{name}-{number}"
    return last if again else folder


def in_first(make: Callable[[], Run]) -> Run:
    """Do it in the first process only; its result, or its :class:`UserError`, is everyone's."""
    result: Run | str = ""
    if processes.is_first():
        try:
            result = make()
        except UserError as problem:
            result = str(problem)
    result = processes.from_first(result)
    if isinstance(result, str):
        raise UserError(result)
    return result
