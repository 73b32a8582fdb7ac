"""The oddest of all examples that are scored, drawn: for the page of scores, and in pictures of where the judge
looked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import file_name, make_folder, write_atomically
from sparring.kind import Artifact

MOST = 64  # examples that are drawn


class Oddest:
    """The examples with the smallest p-values of all that are added, 64 at most, and then those with the smallest
    ``p_real``; ``draw`` draws one comparable example, or gives None."""

    def __init__(self, draw: Callable[[Tensor], Artifact | None]) -> None:
        self.draw = draw
        self.kept: list[tuple[Mapping[str, Any], str, Tensor]] = []

    def add(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], examples: Tensor) -> None:
        """Keep those of the comparable examples ``(n, ...)`` that are among the oddest until now, with the name of
        each."""
        self.kept += zip(rows, names, examples.clone(), strict=True)
        self.kept.sort(key=lambda kept: (kept[0]["p_value"], kept[0]["p_real"]))
        del self.kept[MOST:]

    def drawn(self) -> dict[str, Artifact]:
        """What is drawn of each, by its name, the oddest first."""
        found = {name: self.draw(example) for _, name, example in self.kept}
        return {name: artifact for name, artifact in found.items() if artifact is not None}


def free_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder. Raises :class:`UserError` where that fails, or files are in it already, unless ``overwrite``."""
    make_folder(folder)
    if any(folder.iterdir()) and not overwrite:
        raise UserError(f"explain: {folder} is not empty; choose another folder, or add --overwrite")


def write_pictures(folder: Path, drawn: Mapping[str, Artifact]) -> list[Path]:
    """Write a picture of each example, numbered from the first on and named after it. Returns the files. Raises
    :class:`UserError` when they cannot be written."""
    written = []
    for number, (name, artifact) in enumerate(drawn.items()):
        path = folder / f"{number:02d}-{file_name(short(name))}{artifact.ending}"
        write_atomically(path, artifact.data, durable=False)
        written.append(path)
    return written


def short(name: str) -> str:
    """What an example is called without the folders that it lies in, and without its ending: ``7`` of ``a/7.png``,
    ``a.npz 7`` of ``data/a.npz 7``, the seventh of a file."""
    path = Path(name)
    return path.name if " " in path.suffix else path.stem
