"""Settings as options of the command line: what was typed is read, and help is written, from their one declaration."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field
from typing import Any, NoReturn

from sparring.core.errors import UserError
from sparring.core.schedules import Schedule
from sparring.core.settings import GROUPS, PATHS, YES_NO, Settings, as_typed, fields, is_first, nearest, note, read_bool
from sparring.core.terminal import as_json, printable, quoted, show
from sparring.modalities import ENTRIES, RECIPES, kind_at, options_of

ALIASES = {
    "n": "count", "lr": "learning_rate", "batch_size": "batch", "outdir": "out", "output": "out", "dataset": "data",
}  # fmt: skip
"""Names that people bring with them or that options had before, and the options that are meant."""

ANSWERS = {
    "epochs": "training is bounded by --time 10m or --steps 20k; one epoch is the number of examples / --batch steps",
    "kimg": "training is bounded by --time 10m or --steps 20k; a kimg is 1,000 examples, so 1,000 / --batch steps",
    "gpus": "processes are started by torchrun: torchrun --nproc-per-node 2 -m sparring train ...",
    "resume": "a run goes on by: sparring resume RUN",
    "min_probability": "samples are kept by the judge now: sparring calibrate RUN, then --judge rejection",
}
"""Options of other tools, and what does the same here."""

WIDTH = 30  # columns of help that hold an option's name


@dataclass
class Typed:
    """What was typed: ``words`` without an option, ``values`` by setting, whether help or JSON was asked for, and
    ``places``: the words and the values of ``--data`` in the order in which they were typed."""

    words: list[str]
    values: dict[str, Any]
    help: str
    json: bool
    places: list[str] = field(default_factory=list)


def read(verb: str, words: Sequence[str], kinds: Iterable[type[Settings]]) -> Typed:
    """What was typed after a verb whose options are those of any of ``kinds``. Raises :class:`UserError` for an option
    that none of them has, and for one without its value.

    An option stands anywhere among the words, as ``--name value`` or ``--name=value``, with dashes or underscores; a
    yes/no setting is ``--name`` or ``--no-name``; after ``--`` there are words alone. Values stay text: the settings
    read them themselves.
    """
    kinds = list(kinds)
    known = {name: field for kind in reversed(kinds) for name, field in fields(kind).items()}  # the first one counts
    renamed = {name: new for kind in kinds for name, new in kind.renamed.items() if name not in known}
    typed, rest = Typed([], {}, "", False), list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            typed.words += rest
            typed.places += rest
            break
        if word in ("-h", "--help", "--help-all"):
            typed.help = "--help" if word == "-h" else word
        elif word == "--json":
            typed.json = True
        elif word.startswith("-") and not word[1:2].isdigit() and word != "-":
            read_option(verb, word, rest, typed, known, renamed)
        else:
            typed.words.append(word)
            typed.places.append(word)
    return typed


def read_option(
    verb: str, word: str, rest: list[str], typed: Typed, known: Mapping[str, Field[Any]], renamed: Mapping[str, str]
) -> None:
    """Read one option and take its values off the ``rest`` of the words. Raises :class:`UserError` for an option that
    is not ``known``, and for one without its value."""
    flag, equals, value = word.partition("=")
    if flag.startswith("-n") and flag[2:].isdigit():
        flag, equals, value = "-n", "=", flag[2:]  # -n5
    name = flag.lstrip("-").replace("-", "_")
    negated = name.removeprefix("no_") if name.startswith("no_") and name not in known else ""
    asked = negated or name
    meant = asked if asked in known else renamed.get(asked, ALIASES.get(asked, asked))
    if meant not in known or (negated and known[meant].type is not bool):
        refuse(verb, flag, known)
    if asked in renamed:
        note(f"{flag} is now called --{'no-' if negated else ''}{meant.replace('_', '-')}")
    if known[meant].type is bool:
        said = value if equals else rest.pop(0) if rest and rest[0].lower() in YES_NO else "yes"
        typed.values[meant] = ("no" if read_bool(said) else "yes") if negated else said
        return
    values = [value] if equals else rest[:1]
    if not values or (not equals and values[0].startswith("--")):
        raise UserError(f"{flag}: needs a value; see 'sparring {verb} --help'")
    del rest[: 0 if equals else 1]
    if known[meant].type == PATHS:
        while not equals and rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
        typed.values.setdefault(meant, []).extend(values)
        typed.places += values if meant == "data" else []
    else:
        typed.values[meant] = values[0]


def refuse(verb: str, flag: str, known: Iterable[str]) -> NoReturn:
    """Raise :class:`UserError` for an option that there is not, with what does the same here or is spelt nearly so."""
    name = flag.lstrip("-").replace("-", "_")
    if name in ANSWERS:
        raise UserError(f"{flag}: {ANSWERS[name]}")
    close = nearest(flag, [f"--{name.replace('_', '-')}" for name in [*known, "help", "json"]])
    raise UserError(f"unknown option {quoted(flag)}" + (close or f"; see 'sparring {verb} --help'"))


def read_for_model(verb: str, words: Sequence[str], about: str, takes: str, examples: Sequence[str]) -> Typed | None:
    """What was typed after a verb that works on a model; None where that was a wish for help, which is printed. Raises
    :class:`UserError` for an option that the verb does not have."""
    typed = read(verb, words, [options_of(verb, kind) for kind in ("", *ENTRIES)])
    if not typed.help:
        return typed
    kind = kind_at(typed.words[0]) if typed.words else ""
    asked = [options_of(verb, kind)] if kind else [options_of(verb, each) for each in ENTRIES]
    shown = [each() for each in [*asked, options_of(verb, "")]]
    hidden = ("inputs", "files")  # which are words, not options
    names = {name for each in shown for name in fields(type(each))} - set(hidden)
    usage = f"sparring {verb} {takes} [--<option> VALUE ...]"
    show(help_text(usage, about, examples, shown, everything=True, names=names))
    return None


def one_word(typed: Typed, verb: str, what: str) -> str:
    """The only word; without one, the last value of an option that took several. Raises :class:`UserError` for none, or
    several."""
    lists = [value for value in typed.values.values() if isinstance(value, list) and len(value) > 1]
    if not typed.words and lists:
        typed.words.append(lists[-1].pop())
    if len(typed.words) != 1:
        wrong = f"takes {what}, not {' '.join(typed.words)}" if typed.words else f"give {what}"
        raise UserError(f"{verb}: {wrong}; see 'sparring {verb} --help'")
    return typed.words[0]


def run_and_more(typed: Typed, verb: str, what: str, takes: str) -> tuple[str, list[str]]:
    """The run and the words after it, ``what`` a verb works on. Raises :class:`UserError` where one of them is
    missing."""
    if len(typed.words) < 2:
        raise UserError(f"{verb}: give a run and {what}: sparring {verb} RUN {takes}")
    return typed.words[0], typed.words[1:]


def recipe_and_data(typed: Typed) -> tuple[str, list[str]]:
    """The recipe that was named, empty for none, and the places of data in the order in which they were typed: the
    recipe is the first word, or what ``--data`` took for its last place."""
    places = list(typed.places)
    name = typed.words[0] if typed.words else places[-1] if len(places) > 1 else ""
    is_file = name.endswith((".yaml", ".yml")) and (bool(typed.words) or os.path.isfile(name))
    if name not in RECIPES and not is_file:
        return "", places
    places.remove(name)
    return name, places


def listed(written: Sequence[str]) -> str:
    """The only file, or how many there are, from the first to the last."""
    return written[0] if len(written) == 1 else f"{len(written)} files, {written[0]} to {written[-1]}"


def answer(typed: Typed, result: dict[str, Any], text: str = "") -> None:
    """The verb's result on standard output: as JSON when asked for, else in words. Only the first process talks."""
    if typed.json:
        from sparring.core.journal import finite

        text = as_json(finite(result))
    else:
        text = printable(text, keep="\n\t")
    if text and is_first():
        show(text)


# Help


def help_text(
    usage: str, about: str, examples: Sequence[str], settings: Sequence[Settings], *, everything: bool,
    names: Container[str] | None = None,
) -> str:  # fmt: skip
    """Help on a verb: its settings under their groups, with their present values; unless ``everything``, those alone
    that people change first, where the settings say which these are. With ``names`` only settings of these names."""
    lines = [f"usage: {usage}", "", about, "", "examples:", *(f"  {example}" for example in examples)]
    values = {name: (field, getattr(each, name)) for each in settings for name, field in fields(type(each)).items()}
    told = {name: value for name, value in values.items() if name not in ("name", "about")}
    told = {name: value for name, value in told.items() if names is None or name in names}
    common = {name for name, (field, _) in told.items() if field.metadata["common"] or not field.metadata["group"]}
    short = not everything and any(field.metadata["common"] for field, _ in told.values())
    shown = {name: value for name, value in told.items() if not short or name in common}
    for group in ("", *GROUPS):
        found = {name: value for name, value in shown.items() if value[0].metadata["group"] == group}
        if found:
            lines += ["", f"{group or 'options'}:"]
            lines += [line for name, (field, value) in found.items() for line in option_lines(name, field, value)]
    if len(shown) < len(told):
        lines += ["", f"--help-all shows the other {len(told) - len(shown)} settings."]
    return "\n".join([*lines, "", "--json prints one JSON object on standard output."])


def option_lines(name: str, field: Field[Any], value: Any) -> list[str]:
    """An option, what it is, its choices and its present value, in lines of at most 110 columns."""
    flag = "--" + name.replace("_", "-")
    short = "".join(f"-{alias}, " for alias, meant in ALIASES.items() if meant == name and len(alias) == 1)
    head = f"  {flag}, --no-{flag.removeprefix('--')}" if field.type is bool else f"  {short}{flag} {metavar(field)}"
    text = field.metadata["help"]
    if field.metadata["choices"]:
        text += f": {', '.join(field.metadata['choices'])}"
    present = as_typed(value, field.metadata["unit"])
    text += f" [{present}]" if present else ""
    first = f"{head:{WIDTH}}  {text}" if len(head) <= WIDTH else f"{head}\n{'':{WIDTH}}  {text}"
    return first.split("\n")


def metavar(field: Field[Any]) -> str:
    """What stands for an option's value in help, by its type."""
    if field.metadata["unit"] == "time":
        return "TIME"
    names: dict[Any, str] = {int: "N", float: "X", Schedule: "X", PATHS: "PATH..."}
    if field.metadata["choices"]:
        return "NAME"
    return names.get(field.type, "PATH" if field.metadata["unit"] == "path" else "TEXT")
