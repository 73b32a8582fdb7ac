"""Images per second: Sparring's trainer and a plain textbook loop, in turn in one process.

    python benchmarks/speed.py [--quick] [--sizes 28x28x1,64x64x3] [--objective both] [--rounds 5] [--seconds 5]

The same networks (deep copies), batch and optimiser settings; see ``textbook.py`` for what ours is held against.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import machine
import numpy as np
import torch
from stopwatch import PHASES, Stopwatch, now
from textbook import Textbook
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sparring.core import trainer as core_trainer
from sparring.core.game import Player
from sparring.core.processes import Processes
from sparring.core.run import create
from sparring.core.status import Status
from sparring.core.trainer import HEALTH_SECONDS, PERIOD, Batch
from sparring.images.recipes import ImageRecipe, images
from sparring.verbs.session import Session

SEED = 0
SAME = {"learning_rate": 2e-4, "r1": 1, "r2": 1, "average_half_life": "10k"}  # constant, as the textbook has them
OBJECTIVES: dict[str, dict[str, Any]] = {
    "relativistic": {},  # RpGAN + R1 + R2, the recipe's own
    "non-saturating": {"objective": "non-saturating", "r1": 0, "r2": 0},
}
WARM_UP = 5  # steps
EVERYWHERE, WITH_AMX = 1.0, 2.2  # what the ratio is meant to reach


class Loop(Protocol):
    """Something that trains."""

    def play(self, steps: int) -> None:
        """Train for that many steps."""


class Ours:
    """Sparring's session as ``sparring train`` builds it: its feed, its game, its trainer."""

    def __init__(self, recipe: ImageRecipe, folder: Path) -> None:
        self.session = Session(recipe, Processes(), lambda: create(folder, recipe))
        self.trainer = self.session.trainer
        self.trainer.status = Status(quiet=True)
        self.feed = self.session.feed(0)

    def play(self, steps: int) -> None:
        """What :meth:`Trainer.play` does at every step; what it does by the clock is :func:`services`."""
        batches = iter(self.next_batch, None)
        for _ in range(steps):
            self.trainer.step(batches)
            if self.trainer.step_count % PERIOD == 0:
                self.trainer.look()

    def next_batch(self) -> Batch | None:
        """The feed's, never None."""
        return next(self.feed)

    def textbook(self, pictures: Tensor) -> Textbook:
        """The plain loop with copies of these networks, their weights laid out as torch's own."""
        recipe, device = self.trainer.recipe, self.trainer.precision.device
        assert isinstance(recipe, ImageRecipe)
        players = self.session.game.players
        return Textbook(
            plain_copy(players["generator"].network),
            plain_copy(players["discriminator"].network),
            plain_copy(self.trainer.averages["generator"]),
            pictures,
            latent=recipe.latent,
            batch=recipe.batch,
            learning_rate=recipe.learning_rate(0),
            average_half_life=recipe.average_half_life(0),
            relativistic=recipe.objective == "relativistic",
            device=device,
        )


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy with every tensor contiguous."""
    return copy.deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]


# What is measured


def contest(size: str, objective: str, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one size and one objective."""
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants(Path(folder), size, objective, options.pictures)
        speeds = alternate(loops, options.rounds, options.seconds)
        ours = loops["sparring"]
        assert isinstance(ours, Ours)
        dtypes = {name: loop.trainer.precision.dtype for name, loop in loops.items() if isinstance(loop, Ours)}
        return {
            "size": size,
            "objective": objective,
            "precision": str(ours.trainer.precision),
            "images_per_second": speeds,
            "ratios": {name: ratios(speeds, name) for name in loops if name != "textbook"},
            "phases": {name: anatomy(loop, dtypes.get(name, torch.float32)) for name, loop in loops.items()},
            "services": services(ours),
        }


def contestants(folder: Path, size: str, objective: str, count: int) -> dict[str, Loop]:
    """The textbook, Sparring as it comes, and where that is not float32 already, Sparring in float32."""
    height, width, channels = map(int, size.split("x"))
    pixels = np.random.default_rng(SEED).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    np.save(folder / "pictures.npy", pixels)
    recipe = images.changed({"data": str(folder / "pictures.npy"), "seed": SEED, **SAME, **OBJECTIVES[objective]})

    ours = Ours(recipe, folder / "auto")
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    loops: dict[str, Loop] = {"textbook": ours.textbook(pictures), "sparring": ours}
    if ours.trainer.precision.dtype != torch.float32:
        loops["sparring float32"] = Ours(recipe.changed({"precision": "float32"}), folder / "float32")
    return loops


def alternate(loops: dict[str, Loop], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Images per second of each loop in each round; in a round all play the same number of steps, in turn."""
    for loop in loops.values():
        loop.play(WARM_UP)
    steps = math.ceil(seconds / (timed(loops["textbook"], WARM_UP) / WARM_UP))
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            speeds[name].append(steps * images.batch / timed(loop, steps))
    return speeds


def timed(loop: Loop, steps: int) -> float:
    """Seconds for that many steps."""
    began = now()
    loop.play(steps)
    return now() - began


def ratios(speeds: dict[str, list[float]], name: str) -> dict[str, float]:
    """Of images per second over the textbook's, round by round."""
    each = [ours / theirs for ours, theirs in zip(speeds[name], speeds["textbook"], strict=True)]
    return {"median": statistics.median(each), "lowest": min(each), "highest": max(each)}


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
            watch.watch(core_trainer, "follow", "optimiser"),
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
    return counter.get_total_flops()


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


def services(ours: Ours) -> dict[str, float]:
    """Milliseconds of what the trainer does by the clock, and the share of a run's time that this takes."""
    trainer, recipe = ours.trainer, ours.trainer.recipe
    every = {
        "save": recipe.checkpoint_every,
        "write_sheet": recipe.sample_every,
        "check_health": HEALTH_SECONDS,
    }
    taken = {}
    for name in every:
        began = now()
        getattr(trainer, name)()
        taken[name] = now() - began
    share = sum(taken[name] / every[name] for name in every)
    return {**{name: 1e3 * value for name, value in taken.items()}, "share": share}


# What is printed


def report(found: dict[str, Any], amx: bool) -> None:
    """Two tables and a line."""
    print(f"\n{found['size']}, {found['objective']}; sparring runs in {found['precision']}")
    speeds = found["images_per_second"]
    machine.show(
        [
            {"images/s": name, "median": f"{statistics.median(each):.0f}", **versus(found["ratios"].get(name))}
            for name, each in speeds.items()
        ]
    )
    target = f">= {WITH_AMX} (this CPU has AMX)" if amx else f">= {EVERYWHERE} (>= {WITH_AMX} where a CPU has AMX)"
    print(f"wanted of sparring / textbook: {target}\n")
    machine.show([{"ms per step": name, **spelt(phases)} for name, phases in found["phases"].items()])
    each = found["services"]
    print(
        f"by the clock: checkpoint {each['save']:.0f} ms, sheet {each['write_sheet']:.0f} ms, health "
        f"{each['check_health']:.0f} ms: at most {each['share']:.1%} of a run's time, not in the ratios"
    )


def versus(ratio: dict[str, float] | None) -> dict[str, str]:
    """The ratio's columns; empty for the textbook itself."""
    if ratio is None:
        return {"ratio": "", "lowest": "", "highest": ""}
    return {
        "ratio": f"{ratio['median']:.2f}",
        "lowest": f"{ratio['lowest']:.2f}",
        "highest": f"{ratio['highest']:.2f}",
    }


def spelt(phases: dict[str, float]) -> dict[str, str]:
    """The phases' columns."""
    columns = {name: f"{phases[name]:.1f}" for name in (*PHASES, "other", "step")}
    return {
        **columns,
        "GFLOP": f"{phases['gflop']:.1f}",
        "GFLOP/s": f"{phases['gflop_per_second']:.0f}",
        "of peak": f"{phases['share_of_peak']:.0%}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="28x28x1,64x64x3", help="HEIGHTxWIDTHxCHANNELS, separated by commas")
    parser.add_argument("--objective", default="both", choices=(*OBJECTIVES, "both"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each loop in each round, about")
    parser.add_argument("--pictures", type=int, default=4096)
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second: does it run")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 0.5

    facts = machine.facts()
    print(machine.described(facts))
    objectives = list(OBJECTIVES) if options.objective == "both" else [options.objective]
    found = []
    for size in options.sizes.split(","):
        for objective in objectives:
            found.append(contest(size, objective, options))
            report(found[-1], facts["capabilities"]["amx"])
    machine.write("speed", facts, quick=options.quick, seed=SEED, settings=vars(options), contests=found)


if __name__ == "__main__":
    main()
