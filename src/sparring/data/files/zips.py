"""Whether most files in a zip are of one kind, by their endings. No torch in here."""

from __future__ import annotations

from pathlib import Path


def is_zip_of(path: str, endings: tuple[str, ...]) -> bool:
    """Whether most files in the zip at ``path`` have one of these endings, given in small letters."""
    from sparring.core.reading import open_zip  # help must not wait for it

    try:
        with open_zip(Path(path)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except OSError:
        return False
    return 2 * sum(name.lower().endswith(endings) for name in names) > len(names)
