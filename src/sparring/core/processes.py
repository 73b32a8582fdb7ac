"""Many processes, from the environment that torchrun sets (elastic launchers, SLURM and clouds speak it too).

Everything here is a no-op when there is one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from sparring.core.errors import ProcessLost, UserError

Made = TypeVar("Made")


@dataclass(frozen=True)
class Process:
    """Who we are among how many."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    restarts: int = 0

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """This process's slice of a global batch. Raises :class:`UserError` when it does not divide."""
        if batch % self.world_size:
            raise UserError(f"batch {batch} does not divide among {self.world_size} processes: choose a multiple")
        share = batch // self.world_size
        return slice(self.rank * share, (self.rank + 1) * share)


@contextmanager
def distributed(device_type: str) -> Iterator[Process]:
    """Take part in what torchrun started; alone when it started nothing. Raises :class:`ProcessLost` when another
    process has gone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or is_distributed():
        yield current_process()
        return
    if device_type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # Default arguments in there name the group: evaluated later (AdamW imports it), they would keep the group and its
    # threads alive after the end of it, and a thread of gloo's aborts the process about one time in twenty.
    import_module("torch.distributed.nn")
    # A launcher may keep its store when it starts us again: under names of its own each start finds only its peers.
    store, rank, count = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    store = dist.PrefixStore(f"start {restarts()}", store)  # type: ignore[attr-defined]
    dist.init_process_group("nccl" if device_type == "cuda" else "gloo", store=store, rank=rank, world_size=count)
    try:
        yield current_process()
    except RuntimeError as problem:
        if isinstance(problem, dist.DistError) or "gloo" in str(problem).lower():
            raise ProcessLost(
                f"process {rank} lost touch with another one; torchrun --max-restarts goes on by itself from the last "
                "checkpoint, without it 'sparring resume' does"
            ) from problem
        raise
    finally:
        dist.destroy_process_group()


def current_process() -> Process:
    """This process among those that train together."""
    rank, count = (dist.get_rank(), dist.get_world_size()) if is_distributed() else (0, 1)
    return Process(rank, count, int(os.environ.get("LOCAL_RANK", "0")), restarts())


def restarts() -> int:
    """How often an elastic launcher has started this job again after a worker died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


@torch.no_grad()
def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace the gradient of each weight ``(...)`` by its mean over processes: one flat reduction, exact for any loss
    and penalty."""
    if not is_distributed():
        return
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, mean_of_it in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean_of_it.view_as(gradient))


@torch.no_grad()
def mean(value: Tensor) -> Tensor:
    """The mean over processes of a tensor of any shape ``(...)``."""
    if is_distributed():
        value = value.clone()
        dist.all_reduce(value)
        value /= dist.get_world_size()
    return value


@torch.no_grad()
def all_gather(rows: Tensor) -> Tensor:
    """The rows ``(rows, ...)`` of every process, one after the other in the order of their ranks."""
    if not is_distributed():
        return rows
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


def any_over(flag: bool, device: torch.device) -> bool:
    """Whether any process raised its flag."""
    if not is_distributed():
        return flag
    raised = torch.tensor(float(flag), device=device)
    dist.all_reduce(raised)
    return bool(raised.item() > 0)


def max_over(seconds: float, device: torch.device) -> float:
    """The furthest of the processes' clocks: what is due by it is due in all of them, in the same step."""
    if not is_distributed():
        return seconds
    clock = torch.tensor(seconds, device=device)
    dist.all_reduce(clock, dist.ReduceOp.MAX)
    return clock.item()


def broadcast(value: Any) -> Any:
    """What the first process holds, in every process."""
    if not is_distributed():
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def barrier() -> None:
    """Until every process is here."""
    if is_distributed():
        dist.barrier()


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return not is_distributed() or dist.get_rank() == 0


def is_distributed() -> bool:
    """Whether there is more than one process."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def on_first(make: Callable[[], Made]) -> Made:
    """Do it in the first process only; its result, or its :class:`UserError`, is everyone's. Raises that error."""
    result: Made | str = ""
    if is_first():
        try:
            result = make()
        except UserError as problem:
            result = str(problem)
    result = broadcast(result)
    if isinstance(result, str):
        raise UserError(result)
    return result
