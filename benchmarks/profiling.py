"""What a training step consists of: milliseconds by part, operations, and how near they come to the machine's peak."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import Any
from unittest.mock import patch

import torch
from loops import Loop, SparringLoop, timed
from stopwatch import PARTS, Stopwatch, now
from torch.utils.flop_counter import FlopCounterMode

from sparring.core.averaging import Averages
from sparring.core.game import Player
from sparring.core.precision import Precision
from sparring.core.trainer import PERIOD


def profiled(loop: Loop, dtype: torch.dtype, steps: int = PERIOD) -> dict[str, float]:
    """Milliseconds of a step in each part, its operations, and their share of what the machine can do in ``dtype``."""
    watch = Stopwatch()
    with ExitStack() as wrapped:
        for context in watched(loop, watch):
            wrapped.enter_context(context)
        total = timed(loop, steps) / steps
    parts = {name: watch.seconds[name] / steps for name in PARTS}
    operations = count_operations(loop)
    return {
        **{name: 1e3 * value for name, value in parts.items()},
        "other": 1e3 * (total - sum(parts.values())),
        "step": 1e3 * total,
        "gflop": operations / 1e9,
        "gflop_per_second": operations / total / 1e9,
        "share_of_peak": operations / total / peak(dtype),
    }


def watched(loop: Loop, watch: Stopwatch) -> list[Any]:
    """What belongs to which part, as contexts. Penalties' gradients belong to forward, averaging to the optimiser."""
    both = [
        watch.watch(loop, "next_batch", "data"),
        watch.watch(torch.Tensor, "backward", "backward"),
        watch.watch(torch.optim.Optimizer, "zero_grad", "optimiser"),
    ]
    if isinstance(loop, SparringLoop):
        return [
            *both,
            watch.watch(Precision, "on_device", "data"),
            watch.watch_turns(loop.session.game),
            watch.watch(Player, "move", "optimiser"),
            watch.watch(Averages, "follow", "optimiser"),
        ]
    return [
        *both,
        watch.watch(loop, "discriminator_loss", "forward"),
        watch.watch(loop, "generator_loss", "forward"),
        watch.watch(torch.optim.Adam, "step", "optimiser"),
        watch.watch(loop, "update_average", "optimiser"),
    ]


def count_operations(loop: Loop) -> int:
    """The multiplications and additions of one step's matrix products and convolutions."""
    # only the total is wanted: hooks that tell modules apart do not survive torch.autograd.grad
    with patch("torch.utils.module_tracker.register_multi_grad_hook"), FlopCounterMode(display=False) as counter:
        loop.play(1)
    return int(counter.get_total_flops())


@cache
def peak(dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product in ``dtype``, the best of ten."""
    on_gpu = torch.cuda.is_available()
    side = 8192 if on_gpu else 2048
    a = torch.randn(side, side, device="cuda" if on_gpu else "cpu").to(dtype)
    seconds = []
    for _ in range(10):
        began = now()
        torch.mm(a, a)
        seconds.append(now() - began)
    return 2 * side**3 / min(seconds)
