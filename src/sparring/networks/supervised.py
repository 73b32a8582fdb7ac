"""How a small network learns by a loss alone: in a fixed number of steps, so that what it learns does not depend on how
fast a machine is. Where it takes far longer all the same, the rest is cut short, which is told wherever the network is
named."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparring.core import precision
from sparring.core.status import Countdown

WARM = 0.3  # of the cycle, in which the rate rises
SECONDS = 240.0  # after which what is left is cut short


@contextmanager
def one_thread() -> Iterator[None]:
    """Work of one thread: with batches so small a second gains little, and where others use the cores as well, waiting
    for it takes many times as long. Nor does what is learned depend on how many threads there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def learn_by(
    loss: Callable[[], Tensor],
    networks: Sequence[nn.Module],
    steps: int,
    rate: float,
    device: torch.device,
    say: Callable[[str], None],
    *,
    work: str,
    weight_decay: float = 0.01,
    seconds: float = SECONDS,
) -> int:
    """So many steps of AdamW on ``loss``, a scalar, under one cycle of the learning rate, ``rate`` at its highest
    (Smith & Topin 2019); networks are left in eval mode. Returns how many steps were taken.

    ``say`` hears how far the ``work`` is. Once half of the ``seconds`` that it may take are over, the cycle does not
    wait for steps that would come too late.
    """
    runs = precision.choose("auto", device, [networks[0]])
    for network in networks:
        runs.place(network).train()
    parameters = [each for network in networks for each in network.parameters()]
    optimizer = torch.optim.AdamW(parameters, rate, weight_decay=weight_decay)
    countdown = Countdown(say, work, steps)
    began, taken, share = time.monotonic(), 0, 0.0
    while share < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * one_cycle(share)
        with runs.autocast():
            value = loss()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        taken += 1
        share = progress(taken / steps, (time.monotonic() - began) / seconds)
        countdown.done(taken)
    for network in networks:
        network.eval()
    return taken


def progress(of_steps: float, of_time: float) -> float:
    """How much of the cycle is over, from 0 to 1: that of the steps, which no clock has a part in, unless half of the
    time is over and more of it than of the steps."""
    return max(of_steps, of_time) if of_time > 0.5 else of_steps


def one_cycle(share: float) -> float:
    """The learning rate, of the highest, after ``share`` of the cycle: up, then down to nothing, by cosines."""
    if share < WARM:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share / WARM)) / 2
    return (1 + math.cos(math.pi * (share - WARM) / (1 - WARM))) / 2
