"""The command line: a verb to a function. torch is imported only when a verb needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from sparring.arguments import Typed, answer, help_text, one_word, read, recipe_and_data
from sparring.core.errors import ProcessLost, TrainingDiverged, UserError
from sparring.core.own import allow, with_own_named
from sparring.core.recipe import CHANGEABLE, Recipe
from sparring.core.settings import fields, nearest, note
from sparring.core.status import Status, columns_of, plain_lines, starting
from sparring.core.terminal import one_line, open_standard_streams, show, tell
from sparring.core.threads import let_threads_sleep
from sparring.modalities import ENTRIES, RECIPES, explained, find_recipe, named_data, recipe_for, recipe_to_read
from sparring.model_commands import calibrate, evaluate, sample, score, translate
from sparring.options import CheckOptions, ResumeOptions, TrainOptions
from sparring.version import __version__

USAGE = """sparring: train a generative adversarial network on your own data

  sparring train RECIPE [--data PATH] [--out DIR] [--time 10m | --steps N] [--<setting> VALUE ...]
  sparring train PATH                 the same on your own data: what the path holds decides the recipe
  sparring resume RUN [--more 10m]    go on as if it had never stopped
  sparring sample RUN [-n 64] [--seed 0] [--label NAME] [--out PATH]
  sparring translate RUN INPUT... [--direction a2b] [--out DIR]   pictures, folders and videos into the other domain
  sparring calibrate RUN              make scores of single examples true: probabilities and decisions
  sparring score RUN FILE...          is each of these real, is it odd, what is it nearest to
  sparring evaluate RUN|MODEL|FOLDER [--data PATH] [-n N]   how good it is, compared with what
  sparring recipes                    what can be trained
  sparring data check PATH            what is in a data set, and what is wrong with it
  sparring info PATH                  what a run, a model or a file that Sparring wrote is

  sparring VERB --help                the options of a verb; sparring train RECIPE --help: the settings of a recipe
Every verb takes --json: one JSON object on standard output; and --allow MODULE:NAME, code of your own
that a model uses. Documentation: docs/ in the repository."""

RECIPE_CLASSES = [entry.recipe for entry in ENTRIES.values()]


def train(words: list[str]) -> None:
    """Train a new run."""
    named = [type(RECIPES[word]) for word in words if word in RECIPES]
    typed = read("train", words, [TrainOptions, *named, *RECIPE_CLASSES])
    out, _ = typed.values.pop("out", None), typed.values.pop("data", None)
    recipe = typed_recipe(typed)
    if typed.help:
        return show_train_help(recipe, typed)
    recipe = recipe.changed(with_own_named(type(recipe), typed.values))  # mistakes are told before torch is imported

    starting(plain=True)
    from sparring.verbs.train import train as verb

    answer(typed, vars(verb(recipe, out=out)))


def typed_recipe(typed: Typed) -> Recipe:
    """The recipe that was named, on the data that were typed; or the one that these data decide. Raises
    :class:`UserError` where there is neither."""
    name, places = recipe_and_data(typed)
    if name:
        recipe = find_recipe(name)
        return recipe.changed(named_data(recipe, places))
    if len(typed.words) == len(places) == 1:
        recipe = find_recipe(places[0])
    elif places:
        recipe = recipe_for(places)
    elif typed.help:
        return next(iter(RECIPES.values()))
    else:
        raise UserError("train: which recipe? 'sparring recipes' lists them, or give a folder of your own data")
    note(explained(recipe))
    return recipe


def show_train_help(recipe: Recipe, typed: Typed) -> None:
    """Print the settings of a recipe."""
    name = typed.words[0] if typed.words else "RECIPE"
    data = "" if recipe.data else " --data" + " PATH" * len(recipe.data_settings)
    examples = (
        f"sparring train {name}{data} --time 10m --out runs/mine",
        f"sparring train {name}{data} --steps 20k --batch 32 --learning-rate 1e-3",
        f"sparring train {name}{data} --seed 1 --device cpu",
    )
    usage = f"sparring train {name} [DATA...] [--<setting> VALUE ...]"
    about = f"Recipe {recipe.name}: {recipe.about}{'' if recipe.about.endswith('?') else '.'}"
    show(help_text(usage, about, examples, [TrainOptions(), recipe], everything=typed.help != "--help"))


def resume(words: list[str]) -> None:
    """Go on with a run."""
    typed = read("resume", words, [ResumeOptions, *RECIPE_CLASSES])
    if typed.help:
        usage, about = "sparring resume RUN [--<setting> VALUE ...]", "Go on with a run as if it had never stopped."
        examples = [f"sparring resume runs/digits{more}" for more in ("", " --more 10m", " --data /new/place/digits")]
        path = os.path.join(typed.words[0], "recipe.yaml") if typed.words else ""
        recipe = find_recipe(path) if os.path.isfile(path) else Recipe()
        names = {*CHANGEABLE, *fields(ResumeOptions)}
        return show(help_text(usage, about, examples, [recipe, ResumeOptions()], everything=True, names=names))

    starting(plain=True)
    from sparring.verbs.train import resume as verb

    answer(typed, vars(verb(one_word(typed, "resume", "a run folder"), **typed.values)))


def recipes(words: list[str]) -> None:
    """List what can be trained. Raises :class:`UserError` for words that mean nothing here."""
    typed = read("recipes", words, [])
    if typed.words:
        raise UserError(f"recipes: lists all of them; leave '{' '.join(typed.words)}' out")
    if typed.help:
        return show("usage: sparring recipes [--json]\n\nList what can be trained.")
    width = max(map(len, RECIPES))
    lines = [f"{name:{width}}  {recipe.kind:11}  {recipe.about}" for name, recipe in RECIPES.items()]
    answer(typed, {name: recipe.to_dict() for name, recipe in RECIPES.items() if typed.json}, "\n".join(lines))


def data(words: list[str]) -> None:
    """Check a data set. Raises :class:`UserError` for a mistake of the caller's."""
    asks_help = bool({"-h", "--help", "--help-all"} & set(words))
    if words[:1] != ["check"] and not asks_help:
        wrong = f"'{words[0]}' is not one of its verbs" if words else "needs a verb"
        raise UserError(f"data: {wrong}; write: sparring data check PATH")
    typed = read("data check", words[1:] if words[:1] == ["check"] else words, [CheckOptions, *RECIPE_CLASSES])
    typed.values.pop("data", None)
    name, places = recipe_and_data(typed)
    places = [name, *places] if name else places
    if typed.help:
        return show_check_help(places)
    if not places:
        raise UserError("data check: which data? sparring data check PATH")

    starting()
    from sparring.verbs.check import check as verb

    result = verb(places, **typed.values, say=Status().say)
    answer(typed, result, result.pop("summary"))


def show_check_help(places: Sequence[str]) -> None:
    """Print the settings that decide how data are read."""
    words = places or [*RECIPES][:1]
    recipe = RECIPES[words[0]] if len(words) == 1 and words[0] in RECIPES else recipe_to_read(words)
    reading = [name for name, field in fields(type(recipe)).items() if field.metadata["group"] == "data"]
    about = "Say what is in a data set, what is wrong with it, and draw some of it."
    examples = ("sparring data check photos/", "sparring data check photos/ --size 64 --out sheet.png",
                "sparring data check horses/ zebras/")  # fmt: skip
    usage = "sparring data check [RECIPE] PATH [PATH] [--<setting> VALUE ...]"
    names = {*reading, "out", "overwrite"}
    show(help_text(usage, about, examples, [CheckOptions(), recipe], everything=True, names=names))


def info(words: list[str]) -> None:
    """Describe a run, a model or a file."""
    typed = read("info", words, [])
    if typed.help:
        return show("usage: sparring info PATH [--json]\n\nSay what a run, a model or a file that Sparring wrote is.")

    starting()
    from sparring.report.about import described
    from sparring.verbs.info import info as verb

    result = verb(one_word(typed, "info", "a run, a model or a file"))
    answer(typed, result, "" if typed.json else described(result, columns_of(sys.stdout)))


VERBS: dict[str, Callable[[list[str]], None]] = {
    "train": train,
    "resume": resume,
    "sample": sample,
    "translate": translate,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "score": score,
    "recipes": recipes,
    "data": data,
    "info": info,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 2 for a mistake of the caller's, 1 when something broke; raises only
    where SPARRING_TRACEBACK is set."""
    open_standard_streams()
    let_threads_sleep()
    words = list(sys.argv[1:] if arguments is None else map(str, arguments))
    try:
        with plain_lines("--json" in words):
            run(words)
    except UserError as mistake:
        return complain(mistake, 2)
    except (TrainingDiverged, ProcessLost) as trouble:
        return complain(trouble, 1)
    except KeyboardInterrupt:
        return complain("interrupted; the last checkpoint is kept", 130)
    except Exception as bug:  # the one place where a bug of ours becomes a line
        if os.environ.get("SPARRING_TRACEBACK"):
            raise
        if isinstance(bug, OSError) and bug.filename is not None:  # a name too long, a folder that may not be read
            return complain(f"{bug.filename}: {bug.strerror}; check the path and its permissions", 2)
        kind = type(bug).__name__
        return complain(f"internal error ({kind}: {bug}); SPARRING_TRACEBACK=1 shows where, please report it", 1)
    return 0


def run(words: list[str]) -> None:
    """Do what a command's words ask for. Raises :class:`UserError` for a verb that there is not, and what verbs
    raise."""
    if not words or words[0] in ("-h", "--help", "--help-all", "help"):
        return show(USAGE)
    if words[0] == "--version":
        return show(f"sparring {__version__}")
    if words[0] not in VERBS:
        raise UserError(f"no verb '{words[0]}'" + (nearest(words[0], VERBS) or "; 'sparring --help' lists them"))
    VERBS[words[0]](without_allowed(words[1:]))


def without_allowed(words: Sequence[str]) -> list[str]:
    """The words but each ``--allow MODULE:NAME``, whose code may then be used. Raises :class:`UserError` for code that
    is not there."""
    rest, left = list(words), list[str]()
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*left, word, *rest]
        name, equals, value = word.partition("=")
        if name != "--allow":
            left.append(word)
        elif equals or rest:
            allow(value if equals else rest.pop(0))
        else:
            raise UserError("--allow: needs the code's name, module:name")
    return left


def complain(problem: object, status: int) -> int:
    """One line on standard error."""
    tell(f"sparring: {one_line(problem)}")
    return status
