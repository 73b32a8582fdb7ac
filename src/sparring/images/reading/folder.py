"""Image files as a source: decoded once into memory when they fit, else read again and again from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.files.file_set import FileSet, nothing_in, too_few
from sparring.data.files.labels import encode, read_labels
from sparring.data.files.parallel import in_parallel
from sparring.data.source import BadContent, BadFile
from sparring.images.options import read_range
from sparring.images.reading import remarks
from sparring.images.reading.shape import MINIMUM, ImageSettings, choose_shape, form_of, survey
from sparring.images.reading.values import common_range, extent_of, is_grey, spread, told, told_of_grey
from sparring.media.pictures.decode import Header, Shape, read_header, read_image, read_values
from sparring.media.pictures.deep import Range
from sparring.media.pictures.formats import ENDINGS

WHAT = "images"  # what messages call the files
WHOLE = (".npy", ".npz", ".zip", ".tar.gz")  # files that hold many pictures each
FEW = 8  # pictures that are looked at first

T = TypeVar("T")


class ImageFiles:
    """Pictures of one shape from the files of a file set.

    At opening every header is read and, for a set that fits into memory, every pixel. A file that streams
    from disk and turns out bad later is replaced by the next good one, so that the order of all others stays
    as it was. Where ``least`` is 1 they are for a model to look at, and need not be called as those that it
    learned from. Raises :class:`UserError` when fewer than ``least`` pictures are good, or the labels do not match
    them.
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
            raise nothing_in(file_set, ENDINGS, WHAT, WHOLE)
        label_of, left_over, without_label = read_labels(file_set, settings, WHAT, strict=least > 1)
        self.said += left_over
        self.bad_files += without_label

        # The headers decide the shape, with what the pixels tell; what turns out bad behind a good header must not have
        # had a say in it.
        headers = self._headers([name for name in file_set.names if label_of is None or name in label_of])
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
            except BadContent as problem:
                self.dead.add(candidate)
                self._note(self.files[candidate], problem)
        raise UserError(f"{self.file_set.where}: not one of its images can be read any more; bring them back")

    def _headers(self, names: Sequence[str]) -> dict[str, Header]:
        """By name, of those of the files whose header is good."""
        read = in_parallel(lambda name: read_header(self.file_set.read(name)), names)
        return dict(self._good(zip(names, read, strict=True)))

    def _range(self, settings: ImageSettings, headers: Mapping[str, Header]) -> Range | None:
        """Black and white of the deep pictures, as set, or as found on all of a set in memory, else on some; None where
        there are none. Raises :class:`UserError` where they have no range in common."""
        deep = [name for name, header in headers.items() if header.deep]
        asked = read_range(settings.range)
        if not deep or asked is not None:
            return asked if deep else None
        looked_at = deep if fits(headers, choose_shape(settings, survey(headers.values())), settings) else spread(deep)
        results = in_parallel(lambda name: extent_of(read_values(self.file_set.read(name))), looked_at)
        extents = [result for result in results if not isinstance(result, BadContent) and result.is_finite]
        limits = common_range(extents, self.file_set.where)
        self.said += told(limits, extents, f"{len(looked_at):,} of {len(deep):,}")
        return limits

    def _seems_grey(self, headers: Mapping[str, Header], shape: Shape) -> bool:
        """Whether some of the pictures have no colour, though their files could hold it."""
        looked_at = spread([name for name, header in headers.items() if header.colour])
        for part in (looked_at[:FEW], looked_at[FEW:]):  # of most sets the first few tell
            read = in_parallel(lambda name: is_grey(self._pixels(name, shape)[None]), part)
            if not all(isinstance(result, BadContent) or result for result in read):
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

        good = dict(self._good(zip(names, in_parallel(read, range(len(names))), strict=True)))
        if len(good) < len(names):
            images = images[list(good.values())]
        return list(good), torch.from_numpy(images)

    def _good(self, results: Iterator[tuple[str, T | BadContent]]) -> Iterator[tuple[str, T]]:
        """The results that are no trouble; the others are noted. Too few good ones are an error."""
        count = 0
        for name, result in results:
            if isinstance(result, BadContent):
                self._note(name, result)
            else:
                count += 1
                yield name, result
        if count < self.least:
            raise too_few(self.file_set.where, count, self.least, self.bad_files, WHAT)

    def _note(self, name: str, problem: BadContent) -> None:
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
