"""Pages from their templates: files that open from disk and ask nothing of any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

STYLE = "style-src 'unsafe-inline'"  # in the policy of a page, which lets nothing else in


def part(name: str) -> str:
    """A file of a page's that comes with Sparring."""
    return files("sparring.report").joinpath(name).read_text(encoding="utf-8")


def filled(template: str, slots: Mapping[str, str]) -> str:
    """A template with text in its slots; ``head`` is what every page begins with, ``scripted`` what one with a script
    begins with."""
    head = part("head.html").rstrip()
    known = {"head": head, "scripted": head.replace(STYLE, f"{STYLE}; script-src 'unsafe-inline'"), **slots}
    return re.sub(r"<!--slot:(\w+)-->", lambda slot: known[slot[1]], part(template))
