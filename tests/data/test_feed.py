"""Batches: the same ones whatever the number of workers, processes or the position begun at."""

import os
import signal
from itertools import chain, islice

import numpy as np
import pytest
import torch

from sparring.data.feed import Feed
from sparring.data.order import Order
from sparring.data.source import BadFile, Form


class Numbers:
    """Example ``i`` is ``i``; number 5 turns out bad when it is first read, and 6 stands in for it."""

    def __init__(self, *, in_memory: bool = False, count: int = 50) -> None:
        self.name, self.form, self.in_memory, self.count = "numbers", Form(), in_memory, count
        self.bad_files: list[BadFile] = []
        self.dead: set[int] = set()

    def __len__(self) -> int:
        return self.count

    def batch(self, indices: np.ndarray) -> dict[str, torch.Tensor]:
        if 5 in indices and 5 not in self.dead:
            self.dead.add(5)
            self.bad_files.append(BadFile("5.png", "cut short"))
        return {
            "examples": torch.from_numpy(np.where(indices == 5, 6, indices)),
            "reader": torch.tensor([os.getpid()]),
        }


def read(source: Numbers, start: int = 0, number: int = 12, **how: int) -> list[list[int]]:
    feed = Feed(source, Order(np.arange(len(source)), seed=0), batch=8, **how)
    return [batch["examples"].tolist() for batch in islice(feed.batches(start), number)]


def test_workers_change_nothing_and_bad_files_are_named_once(capsys):
    alone, helped = Numbers(), Numbers()
    assert read(helped, workers=2, number=20) == read(alone, number=20)
    assert alone.bad_files == helped.bad_files == [BadFile("5.png", "cut short")]
    assert capsys.readouterr().err.splitlines() == ["sparring: skipped 5.png (cut short)"] * 2


@pytest.mark.parametrize("workers", [0, 1])
def test_going_on_from_a_position_is_never_having_stopped(workers):
    assert read(Numbers(), start=5 * 8, number=7, workers=workers) == read(Numbers(), number=12)[5:]


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_the_processes_of_a_job_share_each_global_batch(processes):
    shares = [read(Numbers(), rank=rank, processes=processes) for rank in range(processes)]
    joined = [list(chain(*parts)) for parts in zip(*shares, strict=True)]
    assert joined == read(Numbers())


def test_memory_is_read_in_this_process_and_disks_are_not():
    order = Order(np.arange(50), seed=0)
    for in_memory, here in ((True, True), (False, False)):
        batch = next(Feed(Numbers(in_memory=in_memory), order, batch=8, workers=1).batches(0))
        assert (batch["reader"].item() == os.getpid()) is here


def test_workers_outlive_the_signals_that_the_trainer_gets():
    batches = Feed(Numbers(), Order(np.arange(50), seed=0), batch=8, workers=1).batches(0)
    worker = int(next(batches)["reader"])
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, number)
    readers = {int(batch["reader"]) for batch in islice(batches, 20)}
    assert readers == {worker}


def test_reading_leaves_the_random_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    read(Numbers(), workers=1, number=1)
    assert torch.equal(torch.get_rng_state(), before)
