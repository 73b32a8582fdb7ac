"""What a verb is given to work on: files, folders and patterns, and where each result goes."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sparring.core.errors import UserError
from sparring.media.films.reading import is_film
from sparring.media.pictures.decode import ENDINGS


@dataclass(frozen=True)
class Job:
    """A file to read and the name that its result has below the output folder."""

    source: Path
    name: Path
    film: bool
    frames: bool = False  # a folder of them


def find_jobs(inputs: Iterable[str | Path], frames: bool = False) -> list[Job]:
    """Every picture and film among ``inputs``; below a folder, names keep their sub-folders.

    With ``frames`` each folder is one film, its pictures the frames.

    Raises :class:`UserError` for an input that is not there, a folder that holds nothing to work on, and two files
    whose results would have one name.
    """
    jobs: dict[Path, Job] = {}
    for given in inputs:
        for job in jobs_of(str(given), frames):
            if job.name in jobs and not same(job.source, jobs[job.name].source):
                raise UserError(
                    f"{job.source}: its result would be called {job.name} like that of {jobs[job.name].source}; "
                    "do one after the other, each with an --out of its own"
                )
            jobs[job.name] = job
    return list(jobs.values())


def jobs_of(given: str, frames: bool) -> Iterator[Job]:
    """What one input stands for. Raises :class:`UserError`."""
    place = Path(os.path.expanduser(given))
    if not given:
        raise UserError("input: is empty; give pictures, films, or folders that hold some")
    if os.path.isdir(place):
        yield from (
            [Job(place, Path(place.resolve().name.replace(".", "-")), True, frames=True)] if frames else below(place)
        )
    elif os.path.exists(place):
        yield Job(place, Path(place.name), is_film(place))
    else:
        found = sorted(glob.glob(os.path.expanduser(given), recursive=True))
        if not found:
            raise UserError(f"{given}: no such file or folder; give pictures, films, or folders that hold some")
        for path in found:
            if os.path.isfile(path):
                yield Job(Path(path), Path(Path(path).name), is_film(Path(path)))


def below(folder: Path) -> Iterator[Job]:
    """The pictures and films in a folder and its sub-folders."""
    found = False
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if name.startswith("."):
                continue
            film = is_film(path)
            if film or name.lower().endswith(ENDINGS):
                found = True
                yield Job(path, path.relative_to(folder), film)
    if not found:
        raise UserError(f"{folder}: holds no pictures and no films; give a folder that does")


def same(one: Path, other: Path) -> bool:
    """Whether both are one file."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
