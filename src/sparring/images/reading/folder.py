"""Image files as a source: decoded once into memory when they fit, else read again and again from disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.images.options import read_range
from sparring.images.reading import remarks
from sparring.images.reading.file_set import FileSet
from sparring.images.reading.labels import encode, read_labels
from sparring.images.reading.shape import MINIMUM, ImageSettings, choose_shape, form_of, survey
from sparring.images.reading.values import common_range, extent_of, is_grey, spread, told, told_of_grey
from sparring.media.pictures.decode import BadImage, Header, Shape, read_header, read_image, read_values
from sparring.media.pictures.deep import Range
from sparring.media.pictures.formats import ENDINGS

THREADS = max(2, min(8, os.cpu_count() or 1))
CHUNK = 32  # files that a thread takes at a time
FEW = 8  # pictures that are looked at first

T = TypeVar("T")


class ImageFiles:
    """Pictures of one shape from the files of a file set.

    At opening every header is read and, for a set that fits into memory, every pixel. A file that streams
    from disk and turns out bad later is replaced by the next good one, so that the order of all others stays
    as it was. Raises :class:`UserError` when fewer than ``least`` pictures are good, or the labels do not
    match them.
    """

    def __init__(
        self, file_set: FileSet, settings: ImageSettings, least: int = MINIMUM, said: Sequence[str] = ()
    ) -> None:
        self.name = settings.data
        self.file_set, self.least = file_set, least
        self.bad_files = list(file_set.bad_files)
        self.dead: set[int] = set()  # indices found bad while streaming
        self.said = list(said)
        if not file_set.names:
            raise UserError(_nothing_in(file_set))
        label_of, left_over = (None, []) if settings.labelled == "no" else read_labels(file_set)
        self.said += left_over

        # The headers decide the shape, with what the pixels tell; what turns out bad behind a good header must not have
        # had a say in it.
        headers = self._headers()
        self.limits = self._range(settings, headers)
        shape = choose_shape(settings, survey(headers.values()), self.limits)
        if may_be_grey(settings, shape) and not fits(headers, shape, settings) and self._seems_grey(headers, shape):
            headers = without_colour(headers)
            shape = choose_shape(settings, survey(headers.values()), self.limits)
        self.in_memory = fits(headers, shape, settings)
        self.images: Tensor | None = None
        if self.in_memory:
            headers, shape, self.images = self._load(settings, headers, shape)

        self.files = list(headers)
        self.shape, self.survey = shape, survey(headers.values())
        names: list[str] = []
        self.labels: Tensor | None = None
        if label_of:
            names, self.labels = encode([label_of[file] for file in self.files])
        self.form = form_of(shape, names, self.limits)

    def __len__(self) -> int:
        return len(self.files)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``images`` uint8 ``(n, channels, height, width)`` in [0, 255]; ``labels`` int64 ``(n,)`` if any."""
        if self.images is not None:
            chosen = torch.from_numpy(indices)
            images = self.images.index_select(0, chosen)  # ten times as quick as [chosen]
        else:
            read = [self._next_good(int(index)) for index in indices]
            chosen = torch.tensor([index for index, _ in read], dtype=torch.int64)
            images = torch.from_numpy(np.stack([pixels for _, pixels in read]))
        if self.labels is None:
            return {"images": images}
        return {"images": images, "labels": self.labels[chosen]}

    def remarks(self) -> list[str]:
        """What a person should know about these pictures, a line each; copies are looked for in memory alone."""
        copies = [] if self.images is None else remarks.of_copies(self.images)
        labels = remarks.of_labels(self.form.labels, self.labels)
        return [*self.said, *remarks.of_crop(self.shape, self.survey), *labels, *copies]

    def _next_good(self, index: int) -> tuple[int, np.ndarray]:
        """The picture at ``index``, or the first good one after it."""
        for candidate in chain(range(index, len(self)), range(index)):
            if candidate in self.dead:
                continue
            try:
                return candidate, read_image(self.file_set.read(self.files[candidate]), self.shape)
            except BadImage as problem:
                self.dead.add(candidate)
                self._note(self.files[candidate], problem)
        raise UserError(f"{self.file_set.where}: not one of its images can be read any more; bring them back")

    def _headers(self) -> dict[str, Header]:
        """By name, of all files whose header is good."""
        read = _in_parallel(lambda name: read_header(self.file_set.read(name)), self.file_set.names)
        return dict(self._good(zip(self.file_set.names, read, strict=True)))

    def _range(self, settings: ImageSettings, headers: Mapping[str, Header]) -> Range | None:
        """Black and white of the deep pictures, as set, or as found on all of a set in memory, else on some; None where
        there are none. Raises :class:`UserError` where they have no range in common."""
        deep = [name for name, header in headers.items() if header.deep]
        asked = read_range(settings.range)
        if not deep or asked is not None:
            return asked if deep else None
        looked_at = deep if fits(headers, choose_shape(settings, survey(headers.values())), settings) else spread(deep)
        results = _in_parallel(lambda name: extent_of(read_values(self.file_set.read(name))), looked_at)
        extents = [result for result in results if not isinstance(result, BadImage) and result.is_finite]
        limits = common_range(extents, self.file_set.where)
        self.said += told(limits, extents, f"{len(looked_at):,} of {len(deep):,}")
        return limits

    def _seems_grey(self, headers: Mapping[str, Header], shape: Shape) -> bool:
        """Whether some of the pictures have no colour, though their files could hold it."""
        looked_at = spread([name for name, header in headers.items() if header.colour])
        for part in (looked_at[:FEW], looked_at[FEW:]):  # of most sets the first few tell
            read = _in_parallel(lambda name: is_grey(self._pixels(name, shape)[None]), part)
            if not all(isinstance(result, BadImage) or result for result in read):
                return False
        self.said.append(told_of_grey(f"{len(looked_at):,} looked at, of {len(headers):,}"))
        return True

    def _pixels(self, name: str, shape: Shape) -> np.ndarray:
        """The picture of that name, uint8 ``(height, width, channels)``."""
        return read_image(self.file_set.read(name), shape).transpose(1, 2, 0)

    def _load(
        self, settings: ImageSettings, headers: Mapping[str, Header], shape: Shape
    ) -> tuple[dict[str, Header], Shape, Tensor]:
        """The headers of all pictures that are good, the shape that these suggest, and their pixels in it, uint8
        ``(n, channels, height, width)``."""
        good, images = self._decode(list(headers), shape)
        headers = {name: headers[name] for name in good}
        if may_be_grey(settings, shape) and is_grey(images.permute(0, 2, 3, 1).numpy()):
            headers = without_colour(headers)
            self.said.append(told_of_grey(f"all {len(good):,}"))
        chosen = choose_shape(settings, survey(headers.values()), self.limits)
        if chosen == replace(shape, channels=1) and torch.equal(images, images[:, :1].expand_as(images)):
            images = images[:, :1].clone()  # what reading them once more would give
        elif chosen != shape:
            good, images = self._decode(good, chosen)
        return {name: headers[name] for name in good}, chosen, images

    def _decode(self, names: Sequence[str], shape: Shape) -> tuple[list[str], Tensor]:
        """The names of all files whose pixels are good, and these, uint8 ``(n, channels, height, width)``."""
        images = np.empty((len(names), shape.channels, shape.height, shape.width), np.uint8)

        def read(index: int) -> int:
            images[index] = read_image(self.file_set.read(names[index]), shape)
            return index

        good = dict(self._good(zip(names, _in_parallel(read, range(len(names))), strict=True)))
        if len(good) < len(names):
            images = images[list(good.values())]
        return list(good), torch.from_numpy(images)

    def _good(self, results: Iterator[tuple[str, T | BadImage]]) -> Iterator[tuple[str, T]]:
        """The results that are no trouble; the others are noted. Too few good ones are an error."""
        count = 0
        for name, result in results:
            if isinstance(result, BadImage):
                self._note(name, result)
            else:
                count += 1
                yield name, result
        if count < self.least:
            raise UserError(_too_few(self.file_set.where, count, self.least, self.bad_files))

    def _note(self, name: str, problem: BadImage) -> None:
        self.bad_files.append(BadFile(f"{self.file_set.where}/{name}", str(problem)))


def may_be_grey(settings: ImageSettings, shape: Shape) -> bool:
    """Whether three channels were chosen only because files could hold colour."""
    return settings.channels == "auto" and shape.channels == 3


def without_colour(headers: Mapping[str, Header]) -> dict[str, Header]:
    """The headers of pictures that turned out to be grey."""
    return {name: replace(header, colour=False) for name, header in headers.items()}


def fits(headers: Mapping[str, Header], shape: Shape, settings: ImageSettings) -> bool:
    """Whether so many pictures of that shape may be kept in memory."""
    return len(headers) * shape.size <= settings.cache_mb << 20


def _in_parallel(work: Callable[[Any], T], items: Sequence[Any]) -> Iterator[T | BadImage]:
    """``work`` on each item by threads, in order (Pillow lets other threads run while it decodes)."""

    def take(chunk: Sequence[Any]) -> list[T | BadImage]:
        return [_attempt(work, item) for item in chunk]

    with ThreadPoolExecutor(THREADS) as pool:
        for results in pool.map(take, [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]):
            yield from results


def _attempt(work: Callable[[Any], T], item: Any) -> T | BadImage:
    try:
        return work(item)
    except BadImage as problem:
        return problem


def _nothing_in(file_set: FileSet) -> str:
    held = [name for name in file_set.others if name.endswith((".npy", ".npz", ".zip", ".tar.gz"))]
    hint = f"give {file_set.where}/{held[0]} instead" if held else f"it needs files that end in {' '.join(ENDINGS)}"
    return f"{file_set.where}: holds no images; {hint}"


def _too_few(where: str, good: int, least: int, bad_files: Sequence[BadFile]) -> str:
    message = f"{where}: {good} good image{'' if good == 1 else 's'}, at least {least} are needed"
    if not bad_files:
        return message + "; add more"
    first = ", ".join(f"{bad.path.removeprefix(where + '/')} ({bad.reason})" for bad in bad_files[:3])
    more = ", ..." if len(bad_files) > 3 else ""
    return f"{message}; {len(bad_files)} bad: {first}{more}; mend these or add more"
