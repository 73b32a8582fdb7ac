"""Where a user's data lie: that there is something, that it can be read, that a person is told where not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sparring.core.errors import UserError
from sparring.core.reading import regular
from sparring.core.settings import nearest
from sparring.core.terminal import quoted_place


@contextmanager
def opened_place(data: str, sets: Sequence[str]) -> Iterator[Path]:
    """The folder or regular file that ``data`` names. Raises :class:`UserError` where there is none, naming the
    ``sets`` that data could also be, and where it cannot be read, inside too."""
    path = Path(os.path.expanduser(data))  # Path.expanduser raises where there is no such user
    try:
        if not data or not path.exists():
            raise UserError(
                f"data: no file, folder or set called {quoted_place(data)}{nearest(data, sets)} "
                f"(sets: {', '.join(sets)})"
            )
        if not path.is_dir():
            regular(path)
        yield path
    except PermissionError as problem:
        raise UserError(f"{path}: cannot be read ({problem.strerror}); check its permissions") from None
    except OSError as problem:
        raise UserError(f"{path}: cannot be read ({problem.strerror}); give a folder or a file") from None
