"""The command line: a verb to a function. torch is imported only when a verb needs it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sparring import __version__
from sparring.core.errors import ProcessLost, TrainingDiverged, UserError
from sparring.core.journal import finite
from sparring.core.recipe import CHANGEABLE, Recipe, fields, nearest
from sparring.rooms import RECIPES, find_recipe, is_text
from sparring.text.recipes import text as plain_text

USAGE = """sparring: train a generative adversarial network on your own data

  sparring train RECIPE [--data PATH] [--out DIR] [--time 10m | --steps N] [--<setting> VALUE ...]
  sparring train PATH                 the same, on a folder of pictures, with the default recipe
  sparring resume RUN [--time 20m]    go on as if it had never stopped
  sparring sample RUN [-n 64] [--seed 0] [--label NAME] [--out PATH]
  sparring translate RUN INPUT... [--direction a2b] [--out DIR]   pictures, folders and films into the other world
  sparring score RUN FILE...          how likely lines of text are, how real the judge finds them
  sparring evaluate RUN|MODEL|FOLDER [--data PATH] [-n N]   how good it is, compared with what
  sparring recipes                    what can be trained
  sparring data check PATH            what is in a data set, and what is wrong with it
  sparring info PATH                  what a run, a model or a picture is

  sparring VERB --help                every option of a verb; sparring train RECIPE --help: every setting
Every verb takes --json: one JSON object on standard output. Documentation: docs/ in the repository."""

READING = ("size", "channels", "fit", "alpha", "cache_mb", "labelled")  # settings that decide how pictures are read


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the nearest name where one is spelt nearly so."""

    def __init__(self, verb: str, about: str) -> None:
        super().__init__(prog=f"sparring {verb}", description=about, allow_abbrev=False)
        self.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see '{self.prog} --help'")

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The options by name. Raises :class:`UserError`."""
        spelt = [with_dashes(word) for word in arguments]
        options, unknown = self.parse_known_args(spelt)
        if unknown:
            word = next((word for word in unknown if word.startswith("-")), unknown[0]).split("=")[0]
            known = [text for action in self._actions for text in action.option_strings]
            self.error(f"unknown option '{word}'{nearest(word, known)}")
        return vars(options)


def with_dashes(word: str) -> str:
    """``--learning_rate`` as ``--learning-rate``."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


def add_settings(parser: Parser, recipe: Recipe, names: Sequence[str], told: Sequence[str] | None = None) -> None:
    """An option for each of these settings, with its value in ``recipe``; or, of a run whose recipe is not known yet,
    with help for those in ``told`` alone."""
    for name in names:
        field, value = fields(type(recipe))[name], getattr(recipe, name)
        choices = ", ".join(field.metadata["choices"])
        text = field.metadata["help"] + (f": {choices}" if choices else "")
        if told is None:
            text += f" (now {value})"
        elif name not in told:
            text = argparse.SUPPRESS
        flag: dict[str, Any] = {"nargs": "?", "const": "true"} if field.type is bool else {}
        if name == "data" and len(recipe.data_settings) > 1:
            flag = {"nargs": "+"}
        metavar = "yes|no" if field.type is bool else name.upper().split("_")[-1]
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, dest=name, help=text.replace("%", "%%"), metavar=metavar, **flag)


def settings_of(recipe: Recipe) -> list[str]:
    """The settings that can be typed."""
    return [name for name in fields(type(recipe)) if name not in ("name", "about")]


def given(options: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Those of ``names`` that were typed."""
    return {name: options[name] for name in names if options[name] is not None}


def with_places(recipe: Recipe, settings: dict[str, Any]) -> dict[str, Any]:
    """Several ``data`` as the settings that they are for. Raises :class:`UserError` for more than the recipe has."""
    data = settings.get("data")
    if not isinstance(data, list):
        return settings
    if len(data) > len(recipe.data_settings):
        raise UserError(
            f"data: {len(data)} places are too many, recipe '{recipe.name}' takes {len(recipe.data_settings)}"
        )
    return {**settings, **dict(zip(recipe.data_settings, data, strict=False))}


# The verbs


def train(arguments: list[str]) -> None:
    """Train a new run."""
    recipe = typed_recipe(arguments)
    parser = Parser("train", f"Recipe {recipe.name}: {recipe.about}. Settings and what they are now:")
    parser.add_argument("recipe", help="a recipe's name, a recipe.yaml, or a path to data")
    parser.add_argument("--out", help="run folder (default: runs/<recipe>)")
    names = settings_of(recipe)
    add_settings(parser, recipe, names)
    options = parser.read(arguments)
    settings = with_places(recipe, given(options, names))
    recipe = recipe.changed(settings)  # mistakes are told before torch is imported

    from sparring.verbs.train import train as verb

    outcome = verb(recipe, out=options["out"])
    answer(options, vars(outcome))


def typed_recipe(arguments: list[str]) -> Recipe:
    """The recipe among the words: which options there are depends on it. Raises :class:`UserError` without one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("recipe", nargs="?")
    for name in {name for recipe in RECIPES.values() for name in settings_of(recipe)} | {"out"}:
        parser.add_argument("--" + name.replace("_", "-"), nargs="?")
    name = parser.parse_known_args([with_dashes(word) for word in arguments])[0].recipe
    if name is not None:
        return find_recipe(name)
    if {"-h", "--help"} & set(arguments):
        return RECIPES["images"]
    raise UserError("train: which recipe? 'sparring recipes' lists them, or give a folder of pictures")


def resume(arguments: list[str]) -> None:
    """Go on with a run."""
    parser = Parser("resume", "Go on with a run as if it had never stopped.")
    parser.add_argument("run", help="its folder")
    names = settings_of(RECIPES["images"])
    add_settings(parser, RECIPES["images"], names, told=CHANGEABLE)
    options = parser.read(arguments)

    from sparring.verbs.train import resume as verb

    answer(options, vars(verb(options["run"], **given(options, names))))


def sample(arguments: list[str]) -> None:
    """Write samples."""
    parser = Parser("sample", "Write samples of a run or a model folder.")
    parser.add_argument("run", help="a run folder, or a model folder")
    parser.add_argument("-n", "--count", type=int, default=64, help="how many (default 64)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same samples (default 0)")
    parser.add_argument("--label", help="only of this label")
    parser.add_argument("--judge", type=float, default=0.0, help="only what the judge finds real with this probability")
    parser.add_argument("--temperature", type=float, help="of text: below 1 likelier units, 0 the likeliest alone")
    parser.add_argument("--top-p", type=float, help="of text: from the likeliest units that make up this share")
    parser.add_argument("--prompt", help="of text: how lines begin")
    parser.add_argument(
        "--out", help=".png one sheet, .npz arrays, .zip, or a folder; of text .txt, .tsv, .jsonl, .svg"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    options = parser.read(arguments)

    from sparring.verbs.sample import sample as verb

    asked = {name: options[name] for name in ("count", "seed", "label", "judge", "out", "overwrite", "device")}
    result = verb(options["run"], **asked, **given(options, ("temperature", "top_p", "prompt")))
    written = result["written"]
    summary = written[0] if len(written) == 1 else f"{len(written)} files, {written[0]} to {written[-1]}"
    answer(options, result, f"{result['count']} samples: {summary}")


def translate(arguments: list[str]) -> None:
    """Translate pictures and films."""
    parser = Parser("translate", "Translate pictures and films by a run or a model of a translation.")
    parser.add_argument("run", help="a run folder, or a model folder")
    parser.add_argument("inputs", nargs="+", metavar="input", help="pictures, films, folders of them, patterns")
    parser.add_argument("--direction", default="a2b", help="a2b or b2a (default a2b)")
    parser.add_argument("--out", help="a folder; a file for a single input (default: translated/ in the run)")
    parser.add_argument("--tile", type=int, default=0, help="pixels of a tile (default 0: whole up to a megapixel)")
    parser.add_argument("--at", type=int, default=0, help="translate at this many pixels of the shorter side")
    parser.add_argument("--every-frame-alone", action="store_true", help="do not keep films from flickering")
    parser.add_argument("--frames", action="store_true", help="each folder holds the frames of one film")
    parser.add_argument("--sheet", help="a PNG file to draw some originals beside their translations in")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    options = parser.read(arguments)

    from sparring.core.status import Status
    from sparring.verbs.translate import translate as verb

    names = ("direction", "out", "tile", "at", "frames", "sheet", "overwrite", "device")
    result = verb(
        options["run"],
        options["inputs"],
        **{name: options[name] for name in names},
        steady=not options["every_frame_alone"],
        say=Status().say,
    )
    written = result["written"]
    where = written[0] if len(written) == 1 else f"{len(written)} files, {written[0]} to {written[-1]}"
    skipped = f", {len(result['skipped'])} skipped" if result["skipped"] else ""
    answer(options, result, f"{where}{skipped}: {result['pictures_per_second']} images/s")


def recipes(arguments: list[str]) -> None:
    """List what can be trained."""
    options = Parser("recipes", "List what can be trained.").read(arguments)
    width = max(map(len, RECIPES))
    lines = [f"{name:{width}}  {recipe.kind:7}  {recipe.about}" for name, recipe in RECIPES.items()]
    answer(options, {name: recipe.to_dict() for name, recipe in RECIPES.items()}, "\n".join(lines))


def data(arguments: list[str]) -> None:
    """Check a data set."""
    if arguments[:1] in (["-h"], ["--help"]):
        arguments = ["check", "--help"]
    if arguments[:1] != ["check"]:
        wrong = f"'{arguments[0]}' is not one of its verbs" if arguments else "which verb?"
        raise UserError(f"data: {wrong}; write: sparring data check PATH")
    parser = Parser("data check", "Say what is in a data set, what is wrong with it, and draw some of it.")
    parser.add_argument("path", help="a folder, a file, or the name of a set")
    parser.add_argument("--out", help="the picture sheet (default: check-<name>.png)")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    add_settings(parser, RECIPES["images"], READING)
    options = parser.read(arguments[1:])
    if is_text(options["path"]):
        from sparring.text import check as text

        return answer(options, found := text.check(plain_text.changed({"data": options["path"]})), text.told(found))

    from sparring.verbs.check import check, told

    asked = {name: options[name] for name in ("out", "overwrite")}
    found = check(options["path"], **asked, **given(options, READING))
    answer(options, found, told(found))


def evaluate(arguments: list[str]) -> None:
    """Say how good samples are."""
    parser = Parser("evaluate", "Compare what a run or a model makes, or a folder of samples, with real data.")
    parser.add_argument("target", help="a run folder, a model folder, or a folder of pictures")
    parser.add_argument(
        "--data", nargs="+", help="the real examples, of a translation both worlds (a run knows its own)"
    )
    parser.add_argument("-n", "--count", type=int, help="samples (default: 10,000, or half of the real examples)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and of which real ones (default 0)")
    parser.add_argument("--film", nargs="+", default=(), help="films to translate and to score, instead of pictures")
    parser.add_argument("--at", type=int, default=0, help="with --film: pixels of the shorter side (see translate)")
    parser.add_argument("--features", default="auto", help="auto, a .pt or .onnx file, or timm:NAME (docs/metrics.md)")
    parser.add_argument("--out", help="folder for the results (default: evaluation/ in the run)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    add_settings(parser, RECIPES["images"], READING)
    options = parser.read(arguments)

    from sparring.core.status import Status
    from sparring.report.evaluation import evaluation_table
    from sparring.verbs.evaluate import evaluate as verb
    from sparring.verbs.films import films_table

    names = ("data", "count", "seed", "features", "out", "device", "at")
    result = verb(
        options["target"],
        films=options["film"],
        **{name: options[name] for name in names},
        say=Status().say,
        **given(options, READING),
    )
    if options["film"]:
        return answer(options, result, films_table(result))
    tables = result.get("directions", {"": result}).values()
    answer(options, result, "\n\n".join(f"{evaluation_table(each)}\n{each['written'][1]}" for each in tables))


def score(arguments: list[str]) -> None:
    """Score lines of text."""
    parser = Parser(
        "score", "How likely lines of text are to a model, how real its judge finds them, which label fits."
    )
    parser.add_argument("run", help="a run folder, or a model folder, of text")
    parser.add_argument("files", nargs="+", metavar="file", help="lines of text, or tables of them with labels")
    parser.add_argument("--label", help="score them under this label")
    parser.add_argument("--out", help="a table to write: .tsv, .csv or .jsonl")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    options = parser.read(arguments)

    from sparring.core.status import Status
    from sparring.verbs.score import score as verb
    from sparring.verbs.score import told

    names = ("label", "out", "overwrite", "device")
    asked = {name: options[name] for name in names}
    found = verb(options["run"], options["files"], **asked, say=Status().say)
    answer(options, found, told(found))


def info(arguments: list[str]) -> None:
    """Describe a run, a model or a picture."""
    parser = Parser("info", "Say what a run, a model or a picture is, and where it came from.")
    parser.add_argument("path", help="a run folder, a model folder, or a picture that Sparring wrote")
    options = parser.read(arguments)

    import yaml

    from sparring.verbs.info import info as verb

    found = verb(options["path"])
    answer(options, found, yaml.safe_dump(found, sort_keys=False, allow_unicode=True).rstrip())


VERBS: dict[str, Callable[[list[str]], None]] = {
    "train": train,
    "resume": resume,
    "sample": sample,
    "translate": translate,
    "evaluate": evaluate,
    "score": score,
    "recipes": recipes,
    "data": data,
    "info": info,
}


def answer(options: dict[str, Any], result: dict[str, Any], text: str = "") -> None:
    """The verb's result on standard output: as JSON when asked for, else in words. Only the first process talks."""
    if os.environ.get("RANK", "0") != "0":
        return
    line = json.dumps(finite(result), default=str, ensure_ascii=False) if options["json"] else text
    if line:
        print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 2 for a mistake of the caller's, 1 when something broke."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if words[0] == "--version":
        print(f"sparring {__version__}")
        return 0
    try:
        if words[0] not in VERBS:
            raise UserError(f"no verb '{words[0]}'{nearest(words[0], VERBS)}; 'sparring --help' lists them")
        VERBS[words[0]](words[1:])
    except UserError as mistake:
        return complain(mistake, 2)
    except (TrainingDiverged, ProcessLost) as trouble:
        return complain(trouble, 1)
    except KeyboardInterrupt:
        return complain("interrupted; the last checkpoint is kept", 130)
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as done:  # argparse, after --help
        return int(done.code or 0)
    except Exception as bug:  # the one place where a bug of ours becomes a line
        if os.environ.get("SPARRING_TRACEBACK"):
            raise
        kind = type(bug).__name__
        return complain(f"internal error ({kind}: {bug}); SPARRING_TRACEBACK=1 shows where, please report it", 1)
    return 0


def complain(problem: object, status: int) -> int:
    """One line on standard error."""
    line = " ".join(str(problem).split())
    print(f"sparring: {line}", file=sys.stderr)
    return status
