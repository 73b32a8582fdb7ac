"""The keyword arguments of the verbs, typed: written from the settings' declarations, for editors and type checkers.

python tests/conformance/keywords.py             print the module
python tests/conformance/keywords.py --write     write it, src/sparring/keywords.py
"""

from __future__ import annotations

import sys
from dataclasses import Field
from pathlib import Path
from typing import Any

from sparring.core.schedules import Schedule
from sparring.core.settings import PATHS, Settings, fields
from sparring.modalities import ENTRIES, options_of

MODULE = Path(__file__).parents[2] / "src" / "sparring" / "keywords.py"
WIDTH = 120
HEAD = '''"""The keyword arguments of the verbs, typed, for editors and type checkers; written by
``tests/conformance/keywords.py`` from the settings' declarations. Each is given in its own type or as text that the
command line would take. No torch in here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

Paths = str | Path | Sequence[str | Path]
"""A path, or several."""
'''
TYPES: dict[Any, str] = {
    bool: "bool | str",
    int: "int | str",
    float: "float | str",
    Schedule: "float | str",
    PATHS: "Paths",
}
VERBS = ("sample", "evaluate", "calibrate", "score", "translate")


def main() -> None:
    if "--write" in sys.argv:
        MODULE.write_text(module(), encoding="utf-8")
    else:
        print(module(), end="")


def module() -> str:
    """The text of the module."""
    recipes = [entry.recipe for entry in ENTRIES.values()]
    classes = [
        typed("TrainSettings", "Settings of recipes, whatever kind of data they are for.", recipes, ("data", "data_b"))
    ]
    for verb in VERBS:
        kinds = [options_of(verb, kind) for kind in ENTRIES]
        about = f"What ``{verb}`` is asked for, of whatever kind of data the model is."
        classes.append(typed(f"{verb.capitalize()}Keywords", about, kinds, ("files", "inputs")))
    return "\n\n".join([HEAD, *classes])


def typed(name: str, about: str, kinds: list[type[Settings]], without: tuple[str, ...]) -> str:
    """A TypedDict of the fields of ``kinds``."""
    declared: dict[str, list[Field[Any]]] = {}
    for key, field in ((key, field) for kind in kinds for key, field in fields(kind).items() if key not in without):
        declared.setdefault(key, []).append(field)
    lines = [line_of(key, declared[key]) for key in sorted(declared)]
    return f'class {name}(TypedDict, total=False):\n    """{about}"""\n\n' + "\n".join(lines) + "\n"


def line_of(name: str, declared: list[Field[Any]]) -> str:
    """A field with its type, whichever declaration counts, and, where there is room, the first one's help."""
    line = f"    {name}: {type_of(declared)}"
    with_help = f"{line}  # {declared[0].metadata['help']}"
    return with_help if len(with_help) <= WIDTH else line


def type_of(declared: list[Field[Any]]) -> str:
    """The type of what may be given for a field."""
    if any(field.metadata["own"] for field in declared):
        return "Any"
    words = [(*field.metadata["choices"], *field.metadata["aliases"]) for field in declared if field.type is str]
    types = [TYPES[field.type] for field in declared if field.type is not str]
    if words and all(words):
        known = dict.fromkeys(f'"{word}"' for each in words for word in each)
        types.append(f"Literal[{', '.join(known)}]")
    elif words:
        types.append("str | Path" if any(field.metadata["unit"] == "path" for field in declared) else "str")
    return " | ".join(dict.fromkeys(" | ".join(types).split(" | ")))


if __name__ == "__main__":
    main()
