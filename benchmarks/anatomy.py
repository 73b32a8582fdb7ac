"""Of what a training step consists: milliseconds by phase, operations, and how near they come to the peak."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import Any
from unittest.mock import patch

import torch
from loops import Loop, Ours, timed
from stopwatch import PHASES, Stopwatch, now
from torch.utils.flop_counter import FlopCounterMode

from sparring.core import trainer
from sparring.core.game import Player
from sparring.core.trainer import PERIOD


def anatomy(loop: Loop, dtype: torch.dtype, steps: int = PERIOD) -> dict[str, float]:
    """Milliseconds of a step in each phase, its operations, and how near to the machine's best they come."""
    watch = Stopwatch()
    with ExitStack() as wrapped:
        for context in watched(loop, watch):
            wrapped.enter_context(context)
        total = timed(loop, steps) / steps
    phases = {name: watch.seconds[name] / steps for name in PHASES}
    operations = count_operations(loop)
    return {
        **{name: 1e3 * value for name, value in phases.items()},
        "other": 1e3 * (total - sum(phases.values())),
        "step": 1e3 * total,
        "gflop": operations / 1e9,
        "gflop_per_second": operations / total / 1e9,
        "share_of_peak": operations / total / peak(dtype),
    }


def watched(loop: Loop, watch: Stopwatch) -> list[Any]:
    """What belongs to which phase. Penalties' gradients are part of forward, averaging part of the optimiser."""
    both = [
        watch.watch(loop, "next_batch", "data"),
        watch.watch(torch.Tensor, "backward", "backward"),
        watch.watch(torch.optim.Optimizer, "zero_grad", "optimiser"),
    ]
    if isinstance(loop, Ours):
        return [
            *both,
            watch.watch(loop.trainer, "on_device", "data"),
            watch.watch_turns(loop.session.game),
            watch.watch(Player, "move", "optimiser"),
            watch.watch(trainer, "follow", "optimiser"),
        ]
    return [
        *both,
        watch.watch(loop, "discriminator_loss", "forward"),
        watch.watch(loop, "generator_loss", "forward"),
        watch.watch(torch.optim.Adam, "step", "optimiser"),
        watch.watch(loop, "update_average", "optimiser"),
    ]


def count_operations(loop: Loop) -> int:
    """Multiplications and additions of one step's matrix products and convolutions."""
    # only the total is wanted: hooks that tell modules apart do not survive torch.autograd.grad
    with patch("torch.utils.module_tracker.register_multi_grad_hook"), FlopCounterMode(display=False) as counter:
        loop.play(1)
    return int(counter.get_total_flops())


@cache
def peak(dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: the best of ten."""
    on_gpu = torch.cuda.is_available()
    side = 8192 if on_gpu else 2048
    a = torch.randn(side, side, device="cuda" if on_gpu else "cpu").to(dtype)
    seconds = []
    for _ in range(10):
        began = now()
        torch.mm(a, a)
        seconds.append(now() - began)
    return 2 * side**3 / min(seconds)
