"""Write the reference of the Python API as pages: ``python docs/reference.py [FOLDER]``, or ``make docs``.

Needs the extra ``docs`` (pdoc) and no network: the pages hold their styles and their search themselves.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import sparring
from sparring.core.settings import Settings, fields

MODULES = (
    "sparring",
    "sparring.model",
    "sparring.options",
    "sparring.core.game",
    "sparring.core.objectives",
    "sparring.core.recipe",
    "sparring.core.adversarial_recipe",
    "sparring.core.schedules",
    "sparring.core.settings",
    "sparring.core.signals",
    "sparring.data.source",
    "sparring.kind",
    "sparring.modality",
    "sparring.images.recipes",
    "sparring.translation.recipes",
    "sparring.text.recipes",
    "sparring.audio.recipes",
    "sparring.video.recipes",
    "sparring.points.recipes",
)
"""What people use from outside, and what is written against to add a game or a modality."""


def with_settings(kind: type[Settings]) -> None:
    """Add what each setting means, which its declaration says, to the docstring of a class of settings."""
    told = {name: (f" ({field.default})" if field.default != "" else "", field) for name, field in fields(kind).items()}
    said = [f"- ``{name}``{default}: {field.metadata['help']}" for name, (default, field) in told.items()]
    kind.__doc__ = "\n".join([(kind.__doc__ or "").rstrip(), "", "", "Settings, with their defaults:", "", *said])


def with_modules() -> None:
    """Add a link to each module to the docstring of the package, whose page would show its own names alone."""
    said = ["", "Modules that are used from outside:", ""]
    for name in MODULES[1:]:
        about = " ".join((import_module(name).__doc__ or "").partition("\n\n")[0].split())
        said.append(f"- ``{name}``: {about.removesuffix(' No torch in here.')}")
    sparring.__doc__ = "\n".join([(sparring.__doc__ or "").rstrip(), *said])


def write(folder: Path) -> None:
    """Write the pages into ``folder``, ``index.html`` first. Raises ImportError without pdoc."""
    import pdoc

    for name in sparring.__all__:  # imported when first used, so that pdoc would find none of them
        setattr(sparring, name, getattr(sparring, name))
    with_modules()
    for module in map(import_module, MODULES):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Settings) and kind.__module__ == module.__name__:
                with_settings(kind)
    pdoc.render.configure(
        docformat="restructuredtext",
        show_source=False,
        footer_text=f"Sparring {sparring.__version__}",
    )
    everything_below = r"!sparring\."  # but what is named after it
    pdoc.pdoc("sparring", everything_below, *MODULES[1:], output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs"))
