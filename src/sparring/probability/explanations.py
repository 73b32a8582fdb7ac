"""``sparring score --explain``: for the oddest of all examples, a picture each of where the judge looked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import file_name, make_folder, write_atomically
from sparring.kind import Artifact

MOST = 64  # examples that are explained


class Oddest:
    """The examples with the smallest p-values of all that are added, 64 at most, and then those with the smallest
    ``p_real``; ``draw`` explains one comparable example. Raises :class:`UserError` for a ``folder`` that holds files,
    unless ``overwrite``, and for one that cannot be made."""

    def __init__(self, folder: Path, draw: Callable[[Tensor], Artifact], overwrite: bool) -> None:
        make_folder(folder)
        if any(folder.iterdir()) and not overwrite:
            raise UserError(f"explain: {folder} is not empty; choose another folder, or add --overwrite")
        self.folder, self.draw = folder, draw
        self.kept: list[tuple[Mapping[str, Any], str, Tensor]] = []

    def add(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], examples: Tensor) -> None:
        """Keep those of the comparable examples ``(n, ...)`` that are among the oddest until now, with the name of
        each."""
        self.kept += zip(rows, names, examples.clone(), strict=True)
        self.kept.sort(key=lambda kept: (kept[0]["p_value"], kept[0]["p_real"]))
        del self.kept[MOST:]

    def write(self) -> list[Path]:
        """Write a picture of each, numbered from the oddest on and named after its example. Returns the files. Raises
        :class:`UserError` when they cannot be written."""
        written = []
        for number, (_, name, example) in enumerate(self.kept):
            artifact = self.draw(example)
            path = self.folder / f"{number:02d}-{file_name(short(name))}{artifact.ending}"
            write_atomically(path, artifact.data, durable=False)
            written.append(path)
        return written


def short(name: str) -> str:
    """What an example is called without the folders that it lies in, and without its ending: ``7`` of ``a/7.png``,
    ``a.npz 7`` of ``data/a.npz 7``, the seventh of a file."""
    path = Path(name)
    return path.name if " " in path.suffix else path.stem
