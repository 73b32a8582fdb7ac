"""What ``sparring data check`` shows of examples that a picture cannot show: a page that opens from disk."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sparring.kind import Artifact
from sparring.report.pages import filled
from sparring.report.previews import element
from sparring.version import __version__


def check_page(title: str, lines: Sequence[str], artifacts: Sequence[Artifact]) -> str:
    """The text of a page with lines on a data set, and some of its examples."""
    slots = {
        "title": escape(title),
        "lines": "".join(f"<p>{escape(line)}</p>" for line in lines),
        "artifacts": "".join(
            f"<figure>{element(artifact)}<figcaption>{escape(artifact.caption)}</figcaption></figure>"
            for artifact in artifacts
        ),
        "version": escape(__version__),
    }
    return filled("check.html", slots)
