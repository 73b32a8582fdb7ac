"""Pictures and videos of one domain translated into files of the other: what ``sparring translate`` does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import UserError
from sparring.core.files import clear_parts, make_folder, write_atomically
from sparring.core.settings import nearest
from sparring.core.terminal import quoted
from sparring.media.films.film import Film
from sparring.media.films.formats import ANIMATIONS, CONTAINERS
from sparring.media.films.reading import is_film, open_film
from sparring.media.films.writing import KNOWN, writing
from sparring.media.inputs import InputFile, find_inputs
from sparring.media.pictures.decode import BadImage
from sparring.media.pictures.deep import Range
from sparring.media.pictures.files import read_picture, write_picture
from sparring.media.pictures.formats import ENDINGS
from sparring.media.pictures.notes import encode_png
from sparring.modality import Say
from sparring.model import Model
from sparring.translation.consistency import AHEAD, ConsistentTranslation, Frames
from sparring.translation.data import TranslationForm
from sparring.translation.game import DIRECTIONS, translator_of
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.pixels import as_large, grey, smaller
from sparring.translation.recipes import TranslationOptions
from sparring.translation.samples import pair_sheet
from sparring.translation.tiling import check_tile, translate_picture

ACCEPTED = (*ENDINGS, *CONTAINERS, *ANIMATIONS)  # of files that are looked for in folders
SHOWN = 12  # pairs on the sheet


class FileTranslator:
    """A translator of pictures with so many ``channels``, and how it is applied to pictures and videos of any size.

    ``resize`` brings the shorter side to that many pixels before, and back after; ``tile``: see
    :func:`translate_picture`; ``consistent`` makes videos temporally consistent; ``ranges`` are black and white of
    pictures with more than 8 bits, before and after, None where nothing tells.
    """

    def __init__(
        self,
        translator: ResnetTranslator,
        channels: int,
        *,
        resize: int = 0,
        tile: int = 0,
        consistent: bool = True,
        ranges: tuple[Range | None, Range | None] = (None, None),
    ) -> None:
        self.translator, self.channels, self.ranges = translator, channels, ranges
        self.resize, self.tile, self.consistent = resize, tile, consistent

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """The translation of one picture, both ``(height, width, channels)``: uint8, or float32 in [0, 255]."""
        small = smaller(pixels, self.resize)
        return as_large(translate_picture(self.translator, small, self.tile), pixels)

    def video(self, film: Film) -> Iterator[np.ndarray]:
        """The translated frames of a video, uint8 ``(height, width, 3)``; with the transparency of the original as a
        fourth channel, where it has any."""
        consistent = ConsistentTranslation(self.translator)
        originals = Frames((frame, self.prepared(frame)) for frame in film.layers())
        try:
            for frame, small in originals:
                if self.consistent:
                    made = consistent.frame(small, lambda: [each for _, each in originals.ahead(AHEAD)])
                else:
                    made = translate_picture(self.translator, small, self.tile)
                large = as_large(made, frame)
                colours = large.repeat(3, axis=2) if self.channels == 1 else large
                yield np.concatenate([colours, frame[..., 3:]], axis=2)
        finally:
            consistent.end()

    def prepared(self, frame: np.ndarray) -> np.ndarray:
        """What is translated of a frame ``(height, width, 3 or 4)``: its colours, with as many channels and as small as
        is wanted."""
        colours = frame[..., :3]
        return smaller(grey(colours) if self.channels == 1 else colours, self.resize)


@dataclass
class Results:
    """What became of the inputs; a video's frames count as pictures."""

    written: list[str] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    shown: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    pictures: int = 0
    pixels: int = 0

    def in_words(self) -> str:
        """The only file, or how many there are, from the first to the last; and how many were skipped."""
        first, *others = self.written
        files = f"{len(self.written)} files, {first} to {others[-1]}" if others else first
        return files + (f", {len(self.skipped)} skipped" if self.skipped else "")


def translate(model: Model, options: TranslationOptions, say: Say) -> dict[str, Any]:
    """Translate every picture and video among the inputs, each to a file of the same name, size and kind.

    They go to ``options.out``, a folder, or for a single input a file; to ``translated/<direction>/`` in the run
    without. Files that cannot be read are named and skipped. Returns what was written. Raises :class:`UserError` for a
    direction that the model does not know, when nothing can be translated, and when a result would take the place of
    something.
    """
    # What is to be done, and whether it may be
    check_direction(options.direction, model.game.outputs)
    check_tile(options.tile)
    inputs = find_inputs(options.inputs, ACCEPTED, "pictures or videos", folders_whole=options.frames)
    paths = [output_path(file, model.path, options) for file in inputs]
    refuse_overwriting(inputs, [*paths, *([Path(options.sheet)] if options.sheet else [])], options.overwrite)

    # The work
    form, network = model.form, translator_of(model.networks["generator"], options.direction)
    assert isinstance(form, TranslationForm)
    source, target = DIRECTIONS[options.direction]
    translator = FileTranslator(
        network,
        form.channels,
        resize=options.resize,
        tile=options.tile,
        consistent=not options.frame_by_frame,
        ranges=(form.ranges[source], form.ranges[target]),
    )
    began = time.perf_counter()
    results = translate_all(translator, inputs, paths, options.overwrite, say)
    seconds = time.perf_counter() - began

    # What is told of it
    result = {
        "written": results.written,
        "skipped": results.skipped,
        "direction": options.direction,
        "model": model.hash,
        "pictures": results.pictures,
        "seconds": round(seconds, 3),
        "pictures_per_second": round(results.pictures / seconds, 2),
        "megapixels_per_second": round(results.pixels / seconds / 1e6, 3),
        "summary": f"{results.in_words()}: {results.pictures / seconds:.2f} images/s",
    }
    if options.sheet and results.shown:
        note = {"about": "left of each pair the original"}
        write_atomically(Path(options.sheet), encode_png(pair_sheet(results.shown), note))
        result["sheet"] = options.sheet
    return result


# Inputs and outputs


def check_direction(direction: str, known: Iterable[str]) -> None:
    """Raise :class:`UserError` unless the model knows the direction."""
    if direction not in known:
        raise UserError(
            f"direction: {quoted(direction)} is not one this model knows{nearest(direction, known)}; it knows "
            f"{', '.join(known)}"
        )


def output_path(file: InputFile, run: Path, options: TranslationOptions) -> Path:
    """Where the result of an input goes. Raises :class:`UserError` when several should go into one file."""
    is_animated_png = file.name.suffix.lower() == ".png" and is_film(file.path)
    name = file.name.with_suffix(".apng") if is_animated_png else file.name
    if not options.out:
        return run / "translated" / options.direction / name
    out = Path(os.path.expanduser(options.out))
    single = len(options.inputs) == 1 and os.path.isfile(os.path.expanduser(options.inputs[0]))
    known = out.suffix.lower() in (*ENDINGS, *KNOWN)
    if os.path.isdir(out) or not (known or (single and out.suffix)):
        return out / name
    if single or file.path.is_dir():
        return out
    raise UserError(f"out: {out} is one file, and there may be several results; give a folder")


def refuse_overwriting(inputs: Sequence[InputFile], paths: Sequence[Path], overwrite: bool) -> None:
    """Raise :class:`UserError` when a result at one of ``paths`` would take the place of something."""
    originals = {os.path.realpath(file.path) for file in inputs}
    for path in paths:
        if os.path.realpath(path) in originals:
            raise UserError(f"{path}: would overwrite what is translated; choose another --out")
        if os.path.exists(path) and not overwrite:
            raise UserError(f"{path}: exists; choose another --out, or add --overwrite")


# Translating


def translate_all(
    translator: FileTranslator, inputs: Sequence[InputFile], paths: Sequence[Path], overwrite: bool, say: Say
) -> Results:
    """Translate the inputs, one after the other, each to its path. Raises :class:`UserError` when not one could be."""
    results = Results()
    for folder in {path.parent for path in paths}:
        clear_parts(folder)
    for number, (file, path) in enumerate(zip(inputs, paths, strict=True), 1):
        make_folder(path.parent)
        try:
            if file.path.is_dir() or is_film(file.path):
                translate_video(translator, file, path, overwrite, results, say)
            else:
                translate_file(translator, file, path, results, say)
        except (BadImage, UserError) as problem:
            reason = str(problem) if isinstance(problem, UserError) else f"{file.path}: {problem}"
            if len(inputs) == 1:
                raise UserError(reason) from None
            results.skipped.append({"path": str(file.path), "reason": str(problem)})
            say(f"skipped {reason}")
            continue
        results.written.append(str(path))
        if number % 25 == 0:
            say(f"{number:,} of {len(inputs):,} done")
    if not results.written:
        first = results.skipped[0]["reason"]
        raise UserError(f"{len(results.skipped)} files and not one could be translated; the first: {first}")
    return results


def translate_file(translator: FileTranslator, file: InputFile, path: Path, results: Results, say: Say) -> None:
    """Translate one picture. Raises :class:`BadImage` where it cannot be read."""
    before, after = translator.ranges
    picture = read_picture(file.path, translator.channels, before)
    made = translator.picture(picture.pixels)
    if lost := write_picture(made, picture, path, after):
        say(f"warning: {file.path}: {lost}")
    results.pictures, results.pixels = results.pictures + 1, results.pixels + made.shape[0] * made.shape[1]
    if len(results.shown) < SHOWN:
        results.shown.append((np.rint(picture.pixels).astype(np.uint8), np.rint(made).astype(np.uint8)))


def translate_video(
    translator: FileTranslator, file: InputFile, path: Path, overwrite: bool, results: Results, say: Say
) -> None:
    """Translate one video. Raises :class:`UserError` where it cannot be read or written."""
    film = open_film(file.path)
    count = 0
    with writing(path, film, overwrite=overwrite) as writer:
        for frame in translator.video(film):
            writer.add(frame)
            count += 1
            if count % 50 == 0:
                say(f"{file.path.name}: {count:,} of {film.count or '?'} frames")
    results.pictures, results.pixels = results.pictures + count, results.pixels + count * film.height * film.width
    for note in [*writer.notes, *([film.cut_short] if film.cut_short else [])]:
        say(f"warning: {file.path}: {note}")
