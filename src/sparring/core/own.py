"""Parts of a game that are the caller's own code: networks, objectives.

A recipe keeps such a part by name, ``module:name``. A name alone runs nothing: files of others may hold any. What it
stands for is imported only where the caller gives it, in this process, to :func:`allow` or as a setting of a verb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sparring.core.errors import UserError
from sparring.core.settings import Settings, fields, is_own
from sparring.core.terminal import one_line, quoted

ALLOWED: dict[str, Any] = {}
"""The parts that the caller gave in this process, by name."""


def allow(part: Any, name: str = "") -> str:
    """Let games use a ``part`` of the caller's own, an object or ``"module:name"``, which is imported; its name, the
    object's own where none is given. Raises :class:`UserError` for a module or a name that is not there."""
    if isinstance(part, str):
        name, part = part, imported(part)
    elif not name:
        name = f"{getattr(part, '__module__', type(part).__module__)}:{getattr(part, '__qualname__', 'given')}"
    ALLOWED[name] = part
    return name


def imported(name: str) -> Any:
    """What ``module:name`` stands for; modules in the present folder are found too. Raises :class:`UserError` where
    there is none."""
    if not is_own(name):
        raise UserError(f"{quoted(name)} names no code; write module:name")
    module, _, inner = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found: Any = import_module(module)
        for part in inner.split("."):
            found = getattr(found, part)
    except Exception as problem:  # the caller's code may raise anything
        raise UserError(f"{name}: cannot be imported ({type(problem).__name__}: {one_line(problem)})") from problem
    return found


def part_called(name: str) -> Any:
    """The part that was allowed under ``name``. Raises :class:`UserError` where none was."""
    if name not in ALLOWED:
        raise UserError(
            f"{name}: is code of somebody's own, which no file can ask for; where you trust it, add --allow {name}, "
            f"or in Python: sparring.allow({quoted(name)})"
        )
    return ALLOWED[name]


def check_allowed(settings: Settings) -> None:
    """Raise :class:`UserError` where settings name code that was not allowed."""
    for name, field in fields(type(settings)).items():
        if field.metadata["own"] and is_own(value := getattr(settings, name)):
            part_called(value)


def with_own_named(kind: type[Settings], values: Mapping[str, Any]) -> dict[str, Any]:
    """A caller's settings with the name of each part of the caller's own in its place; these parts are allowed. Raises
    :class:`UserError` as :func:`allow` does."""
    known = fields(kind)
    own = {name for name, value in values.items() if name in known and known[name].metadata["own"]}
    return {
        name: allow(value) if name in own and (is_own(value) or not isinstance(value, str)) else value
        for name, value in values.items()
    }
