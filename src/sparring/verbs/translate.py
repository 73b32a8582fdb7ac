"""``sparring translate``: pictures and films of one world, in the manner of the other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.errors import UserError
from sparring.core.files import make_folder, write_atomically
from sparring.core.recipe import nearest
from sparring.media.films.film import Film
from sparring.media.films.reading import open_film
from sparring.media.films.writing import KNOWN, writing
from sparring.media.pictures.decode import BadImage
from sparring.media.pictures.files import FORMATS, read_picture, write_picture
from sparring.media.pictures.notes import encode_png
from sparring.media.pictures.sheets import to_picture
from sparring.translation.apply import check_tile, translate_picture
from sparring.translation.directions import Translation
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.samples import pair_sheet
from sparring.translation.steady import Steady
from sparring.verbs.inputs import Job, find_jobs
from sparring.verbs.model import Model, load

SHOWN = 12  # pairs on the sheet


class Work:
    """A translator, and how it is used: a picture after the other, a film frame by frame."""

    def __init__(self, model: Model, way: str, *, tile: int, at: int, steady: bool) -> None:
        translators: Any = model.networks["generator"]
        self.translator: ResnetTranslator = translators[way]
        self.channels: int = model.form["channels"]
        self.tile, self.at, self.steady = tile, at, steady

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """One picture, uint8 ``(height, width, channels)``."""
        small = smaller(pixels, self.at)
        return as_large(translate_picture(self.translator, small, self.tile), pixels)

    def film(self, film: Film) -> Iterator[np.ndarray]:
        """Its frames, uint8 ``(height, width, 3)``."""
        steady = Steady(self.translator)
        try:
            for frame in film.frames():
                seen = grey(frame) if self.channels == 1 else frame
                small = smaller(seen, self.at)
                made = steady.frame(small) if self.steady else translate_picture(self.translator, small, self.tile)
                large = as_large(made, seen)
                yield large.repeat(3, axis=2) if self.channels == 1 else large
        finally:
            steady.end()


def translate(
    run: str | Path,
    inputs: Sequence[str | Path],
    *,
    direction: str = "a2b",
    out: str | Path | None = None,
    tile: int = 0,
    at: int = 0,
    steady: bool = True,
    frames: bool = False,
    sheet: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Translate every picture and film among ``inputs``, each to a file of the same name, size and kind in ``out``.

    ``out`` is a folder, or for a single file one; ``translated/<direction>/`` in the run without. ``tile``: see
    :func:`translate_picture`; ``at`` brings the shorter side to that many pixels before, and back after; ``steady``
    keeps films from flickering; ``frames`` takes each folder for a film; ``sheet`` is a PNG file with some pictures
    beside their translations. Files that cannot be read are named and skipped. Returns what was written. Raises
    :class:`UserError` when nothing can be translated, when a result would take the place of something, and for a
    model that does not translate.
    """
    model = load(run, device)
    way = find_way(model, direction)
    if at < 0:
        raise UserError("at: a number of pixels, 0 or more")
    check_tile(tile)
    work = Work(model, way, tile=tile, at=at, steady=steady)
    jobs = find_jobs(inputs, frames)
    places = [place_for(job, out, Path(run), way, alone=alone(inputs)) for job in jobs]
    refuse(jobs, [*places, *([Path(sheet)] if sheet else [])], overwrite)

    began = time.perf_counter()
    done = work_off(work, jobs, places, overwrite, say)
    seconds = time.perf_counter() - began
    result = {
        "written": done.written,
        "skipped": done.skipped,
        "direction": way,
        "model": model.hash,
        "pictures": done.pictures,
        "seconds": round(seconds, 3),
        "pictures_per_second": round(done.pictures / seconds, 2),
        "megapixels_per_second": round(done.pixels / seconds / 1e6, 3),
    }
    if sheet and done.shown:
        write_atomically(Path(sheet), encode_png(pair_sheet(done.shown), {"about": "left of each pair the original"}))
        result["sheet"] = str(sheet)
    return result


@dataclass
class Done:
    """What became of the jobs; a film's frames count as pictures."""

    written: list[str] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    shown: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    pictures: int = 0
    pixels: int = 0


def work_off(
    work: Work, jobs: Sequence[Job], places: Sequence[Path], overwrite: bool, say: Callable[[str], None]
) -> Done:
    """Do the jobs, one after the other. Raises :class:`UserError` when not one could be done."""
    done = Done()
    for number, (job, place) in enumerate(zip(jobs, places, strict=True), 1):
        make_folder(place.parent)
        try:
            if job.film:
                translate_film(work, job, place, overwrite, done, say)
            else:
                translate_file(work, job, place, done)
        except (BadImage, UserError) as problem:
            reason = str(problem) if isinstance(problem, UserError) else f"{job.source}: {problem}"
            if len(jobs) == 1:
                raise UserError(reason) from None
            done.skipped.append({"path": str(job.source), "reason": str(problem)})
            say(f"skipped {reason}")
            continue
        done.written.append(str(place))
        if number % 25 == 0:
            say(f"{number:,} of {len(jobs):,} done")
    if not done.written:
        first = done.skipped[0]["reason"]
        raise UserError(f"{len(done.skipped)} files and not one could be translated; the first: {first}")
    return done


def find_way(model: Model, direction: str) -> str:
    """The way asked for. Raises :class:`UserError` when the model does not go it."""
    game = model.game
    if not isinstance(game, Translation):
        raise UserError(
            f"{model.folder}: makes {model.recipe.kind} and translates nothing; train one that does: "
            "sparring train cyclegan --data A_FOLDER B_FOLDER"
        )
    if direction not in game.ways:
        raise UserError(
            f"direction: '{direction}' is not one this model knows{nearest(direction, game.ways)}; it knows "
            f"{', '.join(game.ways)}"
        )
    return direction


def alone(inputs: Sequence[str | Path]) -> bool:
    """Whether all there is to do is one file."""
    return len(inputs) == 1 and os.path.isfile(os.path.expanduser(inputs[0]))


def place_for(job: Job, out: str | Path | None, run: Path, way: str, alone: bool) -> Path:
    """Where a job's result goes. Raises :class:`UserError` when several should go into one file."""
    name = job.name.with_suffix(".apng") if job.film and job.name.suffix.lower() == ".png" else job.name
    if out is None:
        return run / "translated" / way / name
    place = Path(os.path.expanduser(out))
    known = place.suffix.lower() in (*FORMATS, *KNOWN)
    if os.path.isdir(place) or not (known or (alone and place.suffix)):
        return place / name
    if alone or job.frames:
        return place
    raise UserError(f"out: {place} is one file, and there may be several results; give a folder")


def refuse(jobs: Sequence[Job], places: Sequence[Path], overwrite: bool) -> None:
    """Raise :class:`UserError` before anything is done, when a result would take the place of something."""
    sources = {os.path.realpath(job.source) for job in jobs}
    for place in places:
        if os.path.realpath(place) in sources:
            raise UserError(f"{place}: would overwrite what is translated; choose another --out")
        if os.path.exists(place) and not overwrite:
            raise UserError(f"{place}: exists; choose another --out, or add --overwrite")


def translate_file(work: Work, job: Job, place: Path, done: Done) -> None:
    """One picture. Raises :class:`BadImage`."""
    picture = read_picture(job.source, work.channels)
    made = work.picture(picture.pixels)
    write_picture(made, picture, place)
    done.pictures, done.pixels = done.pictures + 1, done.pixels + made.shape[0] * made.shape[1]
    if len(done.shown) < SHOWN:
        done.shown.append((picture.pixels, made))


def translate_film(work: Work, job: Job, place: Path, overwrite: bool, done: Done, say: Callable[[str], None]) -> None:
    """One film. Raises :class:`UserError`."""
    film = open_film(job.source)
    count = 0
    with writing(place, film, overwrite=overwrite) as writer:
        for frame in work.film(film):
            writer.add(frame)
            count += 1
            if count % 50 == 0:
                say(f"{job.source.name}: {count:,} of {film.count or '?'} frames")
    done.pictures, done.pixels = done.pictures + count, done.pixels + count * film.height * film.width
    for note in [*writer.notes, *([film.cut_short] if film.cut_short else [])]:
        say(f"warning: {job.source}: {note}")


def grey(frame: np.ndarray) -> np.ndarray:
    """``(height, width, 3)`` as ``(height, width, 1)``."""
    return np.asarray(Image.fromarray(frame).convert("L"))[..., None]


def smaller(pixels: np.ndarray, side: int) -> np.ndarray:
    """With a shorter side of ``side`` pixels; as it is for 0, or where it is no larger."""
    height, width = pixels.shape[:2]
    if not side or min(height, width) <= side:
        return pixels
    scale = side / min(height, width)
    return resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def as_large(made: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """``made`` as high and wide as ``pixels``."""
    return made if made.shape[:2] == pixels.shape[:2] else resized(made, *pixels.shape[:2])


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """By Lanczos."""
    picture = to_picture(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture).reshape(height, width, pixels.shape[2])
