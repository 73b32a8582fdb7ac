"""Batches for the trainer, one after the other, read ahead by worker processes where reading takes time."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from sparring.core.errors import ProcessLost, UserError
from sparring.core.signals import SIGNALS
from sparring.core.terminal import one_line, tell
from sparring.data.order import Order
from sparring.data.source import BadFile, Source

READ_AHEAD = 4  # batches that each worker prepares beyond the one that the trainer works on

Read = tuple[dict[str, Tensor] | str, list[BadFile]]
"""A batch, or why there is none, and the files that turned out bad on the way. (What a worker process raises would
come with its traceback.)"""


class Feed:
    """This process's share of each global batch of ``batch`` examples.

    The global batch at position ``p`` holds the examples ``p .. p + batch - 1`` of ``order``; process
    ``rank`` of ``processes`` gets its contiguous slice. Workers change when a batch is read, never what is in
    it. Files that turn out bad on the way are added to ``source.bad_files`` and named on standard error,
    once.
    """

    def __init__(
        self,
        source: Source,
        order: Order,
        *,
        batch: int,  # examples, over all processes
        rank: int = 0,
        processes: int = 1,
        workers: int = 0,  # reading processes; no effect on a source in memory, where indexing is faster
    ) -> None:
        self.source = source
        self.slices = _Slices(order, batch, rank, processes)
        self.workers = 0 if source.in_memory else workers

    def batches(self, start: int) -> Iterator[dict[str, Tensor]]:
        """Batches without end, tensors ``(rows, ...)``, from the example at global position ``start`` on. Raises
        :class:`UserError` when the examples cannot be read any more, :class:`ProcessLost` when a worker was killed."""
        reader = _Reader(self.source)
        reads: Iterable[Read]
        if self.workers == 0:
            reads = (reader[indices] for indices in self.slices.from_position(start))
        else:
            reads = self._loader(reader, start)
        for tensors, found in _watched(reads):
            self._announce(found)
            if isinstance(tensors, str):
                raise UserError(tensors)
            yield tensors

    def _loader(self, reader: _Reader, start: int) -> DataLoader[Read]:
        """Workers live as long as the iteration does, which is one endless epoch."""
        return DataLoader(
            reader,
            batch_size=None,  # the sampler yields whole batches of indices, and the source reads them at once
            sampler=_From(self.slices, start),
            num_workers=self.workers,
            prefetch_factor=READ_AHEAD,
            collate_fn=_as_it_is,
            worker_init_fn=_leave_signals_to_the_trainer,
            generator=torch.Generator(),  # its own, or it would draw a seed from the trainer's random state
        )

    def _announce(self, found: list[BadFile]) -> None:
        """With workers each process has its own copy of the source: what they find is gathered in ours."""
        for bad in found:
            if bad not in self.source.bad_files:
                self.source.bad_files.append(bad)
                tell(f"sparring: {one_line(f'skipped {bad.path} ({bad.reason})')}")


class _Slices:
    """Which indices this process reads, batch by batch."""

    def __init__(self, order: Order, batch: int, rank: int, processes: int) -> None:
        self.order = order
        self.batch = batch
        self.part = slice(rank * batch // processes, (rank + 1) * batch // processes)

    def from_position(self, start: int) -> Iterator[np.ndarray]:
        while True:
            yield self.order.indices(start, self.batch)[self.part]
            start += self.batch


class _From(Sampler[np.ndarray]):
    def __init__(self, slices: _Slices, start: int) -> None:
        self.slices = slices
        self.start = start

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.slices.from_position(self.start)


class _Reader(Dataset[Read]):
    """Reads a batch and takes out of the source what it found bad meanwhile, to be announced by the feed."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __getitem__(self, indices: np.ndarray) -> Read:
        known = len(self.source.bad_files)
        try:
            tensors: dict[str, Tensor] | str = self.source.batch(indices)
        except UserError as problem:
            tensors = str(problem)
        found = self.source.bad_files[known:]
        del self.source.bad_files[known:]
        return tensors, found


def _watched(reads: Iterable[Read]) -> Iterator[Read]:
    """What workers read, until one of them is lost."""
    try:
        yield from reads
    except RuntimeError as problem:
        if "DataLoader worker" not in str(problem):
            raise
        raise ProcessLost(
            f"a process that read examples was killed ({str(problem).partition('.')[0]}); memory may have run out: "
            "go on with 'sparring resume', with fewer --workers"
        ) from None


def _as_it_is(read: Any) -> Any:
    return read


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; only the trainer may act on it, and needs its batches."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
