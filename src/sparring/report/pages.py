"""Pages from their templates: files that open from disk and ask nothing of any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def part(name: str) -> str:
    """A file of a page's that comes with Sparring."""
    return files("sparring.report").joinpath(name).read_text(encoding="utf-8")


def filled(template: str, slots: Mapping[str, str]) -> str:
    """A template with text in its slots; ``head`` is what every page without a script begins with."""
    known = {"head": part("head.html").rstrip(), **slots}
    return re.sub(r"<!--slot:(\w+)-->", lambda slot: known[slot[1]], part(template))
