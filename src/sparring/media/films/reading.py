"""Opening videos: containers by PyAV, animations by Pillow, folders of pictures."""

from __future__ import annotations

from pathlib import Path

from sparring.core.errors import UserError
from sparring.core.reading import open_regular, reason
from sparring.media.films.animations import is_animated, open_animation
from sparring.media.films.containers import open_container
from sparring.media.films.film import Film
from sparring.media.films.folders import open_folder
from sparring.media.films.formats import ANIMATIONS, CONTAINERS, PERHAPS


def is_film(path: Path) -> bool:
    """Whether a file is a video, by its ending; a ``.webp`` or ``.png`` only when it is animated."""
    ending = path.suffix.lower()
    return ending in CONTAINERS + ANIMATIONS or (ending in PERHAPS and is_animated(path))


def open_film(path: Path) -> Film:
    """The video in a container, an animation or a folder of frames.

    Raises :class:`UserError` when it is not there, may not be read, is no video, is damaged so that not even one
    frame can be shown, or needs PyAV where that is not installed.
    """
    if path.is_dir():
        return open_folder(path)
    _readable(path)
    ending = path.suffix.lower()
    if ending in CONTAINERS:
        return open_container(path)
    if ending in ANIMATIONS + PERHAPS:
        return open_animation(path)
    known = ", ".join(CONTAINERS + ANIMATIONS + PERHAPS)
    raise UserError(f"{path}: '{ending}' is no ending of a video; give {known}, or a folder of pictures")


def _readable(path: Path) -> None:
    """Raise :class:`UserError` for a file that may not be read."""
    try:
        open_regular(path).close()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check its name") from None
    except PermissionError:
        raise UserError(f"{path}: no permission to read it; change that (chmod u+r) or give another video") from None
    except OSError as problem:
        raise UserError(f"{path}: cannot be read ({reason(problem)}); give another video") from None
