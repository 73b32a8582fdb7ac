"""Sound files as a source: decoded once into memory when they fit, else read again and again from disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sparring.audio.form import AudioForm
from sparring.audio.pieces import Piece, Silent, choose_form, in_pieces, pieces_of, read_piece
from sparring.core.errors import UserError
from sparring.data.files.file_set import FileSet, counted_as, nothing_in, too_few
from sparring.data.files.labels import encode, read_labels
from sparring.data.files.parallel import in_parallel
from sparring.data.labels import told_of_few
from sparring.data.source import BadContent, BadFile
from sparring.media.sounds.decode import read_header
from sparring.media.sounds.formats import ENDINGS
from sparring.media.sounds.header import Header

if TYPE_CHECKING:
    from sparring.audio.recipes import AudioRecipe

MINIMUM = 16  # good sounds: with fewer there is nothing to learn from
WHAT = "sounds"
SOUNDING = 0.4  # of what is learned from, below which silence is told of
LOWER = 0.05  # of the files, above which a lower rate is warned of


class AudioFiles:
    """Sounds of one form from the files of a file set.

    At opening every header is read and, for a set that fits into memory, every sample. A file that streams from disk
    and turns out bad later is replaced by the next good one, so that the order of all others stays as it was. Raises
    :class:`UserError` when fewer than ``least`` sounds are good, or the labels do not match them.
    """

    def __init__(
        self, file_set: FileSet, settings: AudioRecipe, least: int = MINIMUM, said: Sequence[str] = ()
    ) -> None:
        self.name, self.file_set, self.shorter = settings.data, file_set, settings.shorter
        self.bad_files = list(file_set.bad_files)
        self.dead: set[int] = set()  # indices found bad while streaming
        self.said = list(said)
        if not file_set.names:
            raise nothing_in(file_set, ENDINGS, WHAT)
        label_of, left_over, without_label = read_labels(file_set, settings, WHAT, strict=least > 1)
        self.said += left_over
        self.bad_files += without_label

        # Headers decide the form
        names = [name for name in file_set.names if label_of is None or name in label_of]
        self.headers = self._headers(names, least)
        form = choose_form(settings, self.headers)
        whole = in_pieces(settings, self.headers, form)
        self.pieces = pieces_of(self.headers, form, all_of_it=whole)
        self.left = Counter(
            piece.name for piece in self.pieces
        )  # pieces of each file that are good, as far as is known
        self.form = form

        # Samples
        self.in_memory = len(self.pieces) * form.samples * form.channels * 2 <= settings.cache_mb << 20
        self.sounds: Tensor | None = self._load() if self.in_memory else None
        if whole and len(self.pieces) < least:
            pieces = f"{len(self.pieces)} good pieces of {form.seconds:.4g} seconds"
            raise UserError(f"{self.name}: {pieces}, at least {least} are needed; give fewer --seconds, or more files")
        if len(self.pieces) < least:
            raise too_few(file_set.where, len(self.pieces), least, self.bad_files, WHAT)
        self.said += told_of_form(self.headers, form, len(self.pieces) if whole else None)

        # Labels
        self.labels: Tensor | None = None
        if label_of:
            known, self.labels = encode([label_of[piece.name] for piece in self.pieces])
            self.form = replace(form, labels=tuple(known))

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``sounds`` int16 ``(n, channels, samples)``; ``labels`` int64 ``(n,)`` if any."""
        if self.sounds is not None:
            chosen = torch.from_numpy(indices)
            sounds = self.sounds.index_select(0, chosen)
        else:
            read = [self._next_good(int(index)) for index in indices]
            chosen = torch.tensor([index for index, _ in read], dtype=torch.int64)
            sounds = torch.from_numpy(np.stack([samples for _, samples in read]))
        return {"sounds": sounds} if self.labels is None else {"sounds": sounds, "labels": self.labels[chosen]}

    def remarks(self) -> list[str]:
        """What a person should know about these sounds, a line each."""
        numbers = [] if self.labels is None else self.labels.tolist()
        return [*self.said, *told_of_few(self.form.labels, numbers, WHAT)]

    def _headers(self, names: Sequence[str], least: int) -> dict[str, Header]:
        """By name, of all files whose header is good."""
        read = in_parallel(lambda name: read_header(self.file_set.read(name)), names)
        headers: dict[str, Header] = {}
        for name, result in zip(names, read, strict=True):
            if isinstance(result, BadContent):
                self._note(name, result)
            else:
                headers[name] = result
        if not headers:
            raise too_few(self.file_set.where, 0, least, self.bad_files, WHAT)
        return headers

    def _load(self) -> Tensor:
        """All sounds, int16 ``(n, channels, samples)``; pieces that give none are left out, and files named of which
        none is left."""
        sounds = np.empty((len(self.pieces), self.form.channels, self.form.samples), np.int16)

        def read(index: int) -> int:
            sounds[index] = self._read(self.pieces[index])
            return index

        good = []
        for piece, result in zip(self.pieces, in_parallel(read, range(len(self.pieces))), strict=True):
            if isinstance(result, BadContent):
                self._drop(piece.name, result)
            else:
                good.append(result)
        self.pieces = [self.pieces[index] for index in good]
        return torch.from_numpy(sounds[good] if len(good) < len(sounds) else sounds)

    def _read(self, piece: Piece) -> np.ndarray:
        return read_piece(self.file_set.read(piece.name), piece, self.form, self.shorter)

    def _next_good(self, index: int) -> tuple[int, np.ndarray]:
        """The sound at ``index``, or the first good one after it."""
        for candidate in chain(range(index, len(self)), range(index)):
            if candidate in self.dead:
                continue
            try:
                return candidate, self._read(self.pieces[candidate])
            except BadContent as problem:
                self.dead.add(candidate)
                self._drop(self.pieces[candidate].name, problem)
        raise UserError(f"{self.file_set.where}: not one of its sounds can be read any more; bring them back")

    def _drop(self, name: str, problem: BadContent) -> None:
        """Do without a piece of a file, which is named once: if it cannot be read, or nothing of it sounds."""
        self.left[name] -= 1
        if isinstance(problem, Silent) and self.left[name]:
            return
        if f"{self.file_set.where}/{name}" not in {bad.path for bad in self.bad_files}:
            self._note(name, problem)

    def _note(self, name: str, problem: BadContent) -> None:
        self.bad_files.append(BadFile(f"{self.file_set.where}/{name}", str(problem)))


def told_of_form(headers: Mapping[str, Header], form: AudioForm, pieces: int | None) -> list[str]:
    """What becomes of files of other rates and lengths, a line each; ``pieces`` are how many they are learned from in,
    None where each is taken from its start."""
    total, said = len(headers), []
    others = Counter(header.rate for header in headers.values() if header.rate != form.rate)
    if others:
        rates = ", ".join(f"{rate:,} Hz ({count:,})" for rate, count in others.most_common(3))
        said.append(f"brought to {form.rate:,} Hz: {others.total():,} of {total:,} files, from {rates}")
    lower = sum(count for rate, count in others.items() if rate < form.rate)
    if lower > LOWER * total:
        said.append(
            f"of a lower rate, with nothing above {min(others) / 2:,.0f} Hz, which the discriminator may tell them by: "
            f"{lower:,} of {total:,} files; see --rate {min(others)}"
        )
    sounding = sum(min(1.0, header.seconds / form.seconds) for header in headers.values()) / total
    if sounding < SOUNDING:
        longest = max(header.seconds for header in headers.values())
        said.append(f"the longest file has {longest:.3g} seconds: silence fills {1 - sounding:.0%} up; see --seconds")
    longer = sum(header.frames > 1 + form.seconds * header.rate for header in headers.values())
    length = f"{form.seconds:.4g} seconds"
    if longer and pieces is not None:
        said.append(f"learned from in pieces of {length}: {pieces:,}, of {total:,} {counted_as('files', total)}")
    elif longer:
        beginning = f"longer than {length}, and learned from by their beginning alone"
        said.append(f"{beginning}: {longer:,} of {total:,} files; see --seconds and --longer")
    return said
