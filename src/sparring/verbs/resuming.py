"""Going on with a run: what it must still be like, and how much longer it is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sparring.core.checkpoint import newest_state
from sparring.core.errors import UserError
from sparring.core.recipe import CHANGEABLE, Recipe
from sparring.core.run import Run, read_config
from sparring.core.settings import note
from sparring.data.fingerprint import other_examples
from sparring.data.source import Source
from sparring.kind import Kind, Say
from sparring.options import ResumeOptions


def check_changeable(recipe: Recipe, names: list[str]) -> None:
    """Raise :class:`UserError` for a setting that a resumed run may not change, and for data that are not there."""
    allowed = (*CHANGEABLE, *recipe.data_settings)
    if fixed := next((name for name in names if name not in allowed), ""):
        raise UserError(f"{fixed}: was decided when the run began; a resumed run can change {', '.join(allowed)}")


def check_data_are_there(recipe: Recipe, run: Run) -> None:
    """Raise :class:`UserError` where the data of a run are not in their place any more."""
    for name in recipe.data_settings:
        place = str(getattr(recipe, name))
        if os.path.isabs(place) and not os.path.exists(place):
            raise UserError(
                f"{place}: the data of this run are not there any more; restore them, or name their new place: "
                f"sparring resume {run.folder} --data PATH"
            )


def lengthened(recipe: Recipe, more: float | str, run: Run) -> Recipe:
    """The recipe with ``more`` seconds, or a length of time as text, added to its budget: to its limit of time or,
    where it has none, is beyond it or ended by another limit, to the seconds that were trained. A limit of steps, and
    one of patience that ended the run, is lifted, and that is said. Raises :class:`UserError` for what is no length of
    time."""
    seconds = ResumeOptions().changed({"more": more}).more
    if not seconds:
        return recipe
    progress, best = newest_state(run.checkpoints)
    out_of_patience = 0 < recipe.patience <= best.misses
    lifted = [name for name in ("steps", "patience") if getattr(recipe, name) and (name == "steps" or out_of_patience)]
    for name in lifted:
        note(f"--more {more}: by time from here on, the limit of {getattr(recipe, name):,} for {name} holds no more")
    ended = out_of_patience or 0 < recipe.steps <= progress.step
    so_far = max(0.0 if ended else recipe.time, float(round(progress.seconds)))
    return recipe.changed({**dict.fromkeys(lifted, 0), "time": so_far + seconds})


def check_same_data(
    run: Run, recipe: Recipe, modality: Kind, source: Source, fingerprint: Mapping[str, list[float]], say: Say
) -> None:
    """Raise :class:`UserError` when a run goes on with other data than it began with."""
    if not (run.model / "config.json").exists():
        return
    try:
        config = read_config(run.model)
        began = modality.form.from_dict(config["form"])
    except UserError as problem:
        say(f"warning: {problem}; the model will be written anew")
        return
    examples, now = config["examples"], source.form
    difference = [f"{examples:,} examples, now {len(source):,}"] if examples != len(source) else []
    if not difference and began == now and other_examples(config.get("fingerprint"), fingerprint):
        difference.append("its examples are others")
    if began != now:
        difference.append(f"has {began.differs(now)}" if began.differs(now) else "its examples are others")
    if difference:
        raise UserError(
            f"{recipe.data}: is not what this run began with ({'; '.join(difference)}); "
            "restore the data, or train a new run"
        )


def check_nothing_is_replaced(run: Run) -> None:
    """Raise :class:`UserError` where a run without checkpoints has a trained model: to begin anew would replace it."""
    if os.path.exists(run.model / "config.json"):
        raise UserError(
            f"{run.folder}: its checkpoints are gone, and to train from the beginning would replace the trained model "
            "in model/; restore checkpoints/, or train a new run with another --out"
        )


def is_published(run: Run, examples: int) -> bool:
    """Whether the run's model folder holds the weights after so many ``examples``."""
    try:
        return read_config(run.model)["examples_seen"] == examples and (run.model / "model.safetensors").is_file()
    except UserError:
        return False
