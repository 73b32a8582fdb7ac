"""Pages from their templates: files that open from disk and ask nothing of any other, all in one style."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

STYLE = "style-src 'unsafe-inline'"  # in the policy of a page, which lets nothing else in


@cache
def part(name: str) -> str:
    """A file of a page's that comes with Sparring."""
    return files("sparring.report").joinpath(name).read_text(encoding="utf-8").rstrip()


def filled(template: str, slots: Mapping[str, str]) -> str:
    """A template with text in its slots; ``head`` is what every page begins with, ``scripted`` what one with a script
    begins with, and a slot named after a style sheet holds that."""
    head = f"{part('head.html')}\n<style>\n{part('style.css')}\n</style>"
    scripted = head.replace(STYLE, f"{STYLE}; script-src 'unsafe-inline'", 1)
    known = {"head": head, "scripted": scripted, "page_style": part("page.css"), **slots}
    return re.sub(r"<!--slot:(\w+)-->", lambda slot: known[slot[1]], part(template)) + "\n"
