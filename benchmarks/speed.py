"""Images per second: Sparring's trainer and a plain textbook loop, in turn in one process.

    python benchmarks/speed.py [--quick] [--sizes 28x28x1,64x64x3] [--objective all] [--domains 64x64x3,128x128x3]
                               [--rounds 5] [--seconds 5]

The same networks (deep copies), batch and optimiser settings; see ``textbook.py`` for what Sparring is compared with,
and ``textbook_cycle.py`` for CycleGAN between two domains.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from loops import Loop, SparringLoop, timed
from profiling import profiled
from stopwatch import PARTS, now

from sparring.core.monitor import HEALTH_SECONDS
from sparring.core.pacing import WORTH
from sparring.images.recipes import ImageRecipe, images
from sparring.translation.recipes import cyclegan

SEED = 0
BATCH = 64
SAME = {
    "batch": BATCH,
    "output": "free",
    "learning_rate": 2e-4,
    "r1": 1,
    "r2": 1,
    "average_half_life": "10k",
}  # constant, as the textbook has them
OBJECTIVES: dict[str, dict[str, Any]] = {
    "relativistic": {"penalty_share": 0.25},  # RpGAN + R1 + R2, these on what the recipe begins with, not on all
    "relativistic in full": {"penalty_share": 1},
    "non-saturating": {"objective": "non-saturating", "r1": 0, "r2": 0},
}
WARM_UP = 5  # steps
PICTURES = 256  # of each domain
EVERYWHERE, WITH_AMX = 1.0, 2.2  # what the ratio is meant to reach
WITHOUT_UNITS, WITH_UNITS = 1.4, 2.0  # the same, of cyclegan


# What is measured


def contest(size: str, objective: str, options: argparse.Namespace) -> dict[str, Any]:
    """All that is measured of one size and one objective."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = images.changed({**SAME, **OBJECTIVES[objective]})
        assert isinstance(recipe, ImageRecipe)
        loops = contestants(Path(folder), size, recipe, options.pictures)
        speeds = alternate(loops, options.rounds, options.seconds)
        loop = loops["sparring"]
        assert isinstance(loop, SparringLoop)
        dtypes = {name: each.trainer.precision.dtype for name, each in loops.items() if isinstance(each, SparringLoop)}
        return {
            "size": size,
            "objective": objective,
            "precision": str(loop.trainer.precision),
            "images_per_second": speeds,
            "ratios": {name: ratios(speeds, name) for name in loops if name != "textbook"},
            "parts": {name: profiled(each, dtypes.get(name, torch.float32)) for name, each in loops.items()},
            "services": services(loop),
        }


def contestants(folder: Path, size: str, recipe: ImageRecipe, count: int) -> dict[str, Loop]:
    """The textbook, Sparring as it is and, where that is not float32 already, Sparring in float32: on ``count`` random
    pictures."""
    height, width, channels = map(int, size.split("x"))
    pixels = np.random.default_rng(SEED).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    np.save(folder / "pictures.npy", pixels)
    recipe = recipe.changed({"data": str(folder / "pictures.npy"), "seed": SEED})

    loop = SparringLoop(recipe, folder / "auto")
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    loops: dict[str, Loop] = {"textbook": loop.textbook(pictures), "sparring": loop}
    if loop.trainer.precision.dtype != torch.float32:
        loops["sparring float32"] = SparringLoop(recipe.changed({"precision": "float32"}), folder / "float32")
    return loops


def contest_of_translation(size: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same for ``cyclegan``: both translators, both discriminators, cycle and identity losses, and the pool."""
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants_of_translation(Path(folder), size)
        speeds = alternate(loops, options.rounds, options.seconds, cyclegan.batch)
        loop = loops["sparring"]
        assert isinstance(loop, SparringLoop)
        return {
            "size": size,
            "objective": "cyclegan",
            "precision": str(loop.trainer.precision),
            "images_per_second": speeds,
            "ratios": {name: ratios(speeds, name) for name in loops if name != "textbook"},
        }


def contestants_of_translation(folder: Path, size: str) -> dict[str, Loop]:
    """The same loops of ``cyclegan`` between two domains of random pictures."""
    height, width, channels = map(int, size.split("x"))
    random, domains = np.random.default_rng(SEED), {}
    for name in ("a", "b"):
        pixels = random.integers(0, 256, (PICTURES, height, width, channels), dtype=np.uint8)
        np.save(folder / f"{name}.npy", pixels)
        domains[name] = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    paths = {"data": f"{folder}/a.npy", "data_b": f"{folder}/b.npy"}
    recipe = cyclegan.changed({**paths, "seed": SEED, "size": f"{height}x{width}", "shift": 0, "measure_every": 0})

    loop = SparringLoop(recipe, folder / "auto")
    loops: dict[str, Loop] = {"textbook": loop.textbook_cycle(domains), "sparring": loop}
    if loop.trainer.precision.dtype != torch.float32:
        loops["sparring float32"] = SparringLoop(recipe.changed({"precision": "float32"}), folder / "float32")
    return loops


def alternate(loops: dict[str, Loop], rounds: int, seconds: float, batch: int = BATCH) -> dict[str, list[float]]:
    """The examples per second of each loop in each of ``rounds``, in which all play the same number of steps, in
    turn."""
    for loop in loops.values():
        loop.play(WARM_UP)
    steps = math.ceil(seconds / (timed(loops["textbook"], WARM_UP) / WARM_UP))
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            speeds[name].append(steps * batch / timed(loop, steps))
    return speeds


def ratios(speeds: dict[str, list[float]], name: str, to: str = "textbook") -> dict[str, float]:
    """The ratios of examples per second to those of another loop, taken round by round."""
    each = [speed / other for speed, other in zip(speeds[name], speeds[to], strict=True)]
    return {"median": statistics.median(each), "lowest": min(each), "highest": max(each)}


def services(loop: SparringLoop) -> dict[str, float]:
    """The milliseconds of what is done by the clock, and the share of a run's time that this takes."""
    trainer, monitor, recipe = loop.trainer, loop.monitor, loop.trainer.recipe
    seen = trainer.averages.networks, trainer.recent, trainer.progress
    by_the_clock: dict[str, tuple[float, Callable[[], None]]] = {
        "checkpoint": (recipe.checkpoint_every, trainer.save),
        "preview": (recipe.sample_every, lambda: monitor.write_preview(seen[0], seen[2])),
        "health": (HEALTH_SECONDS, lambda: monitor.check(*seen)),
    }
    taken, share = {}, 0.0
    for name, (every, service) in by_the_clock.items():
        began = now()
        service()
        seconds = now() - began
        taken[name], share = 1e3 * seconds, share + seconds / max(every, WORTH * seconds)
    return {**taken, "share": share}


# What is printed


def report(result: dict[str, Any], amx: bool) -> None:
    """Print the speeds, what a step consists of, and what is done by the clock."""
    print(f"\n{result['size']}, {result['objective']}; sparring runs in {result['precision']}")
    speeds = result["images_per_second"]
    machine.show(
        [
            {"images/s": name, "median": f"{statistics.median(each):.0f}", **versus(result["ratios"].get(name))}
            for name, each in speeds.items()
        ]
    )
    target = f">= {WITH_AMX} (this CPU has AMX)" if amx else f">= {EVERYWHERE} (>= {WITH_AMX} where a CPU has AMX)"
    if result["objective"] == "cyclegan":
        print(f"wanted of sparring / textbook: >= {WITHOUT_UNITS} (>= {WITH_UNITS} where a CPU has bfloat16 units)")
        return
    print(f"wanted of sparring / textbook: {target}\n")
    machine.show([{"ms per step": name, **as_texts(parts)} for name, parts in result["parts"].items()])
    each = result["services"]
    print(
        f"by the clock: checkpoint {each['checkpoint']:.0f} ms, preview {each['preview']:.0f} ms, health check "
        f"{each['health']:.0f} ms: at most {each['share']:.1%} of a run's time, not in the ratios"
    )


def versus(ratio: dict[str, float] | None) -> dict[str, str]:
    """The columns of a ratio; empty for the textbook itself."""
    if ratio is None:
        return {"ratio": "", "lowest": "", "highest": ""}
    return {
        "ratio": f"{ratio['median']:.2f}",
        "lowest": f"{ratio['lowest']:.2f}",
        "highest": f"{ratio['highest']:.2f}",
    }


def as_texts(parts: dict[str, float]) -> dict[str, str]:
    """The columns of what a step consists of."""
    columns = {name: f"{parts[name]:.1f}" for name in (*PARTS, "other", "step")}
    return {
        **columns,
        "GFLOP": f"{parts['gflop']:.1f}",
        "GFLOP/s": f"{parts['gflop_per_second']:.0f}",
        "of peak": f"{parts['share_of_peak']:.0%}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="28x28x1,64x64x3", help="HEIGHTxWIDTHxCHANNELS, separated by commas")
    parser.add_argument("--domains", default="64x64x3,128x128x3", help="sizes for cyclegan; empty for none")
    parser.add_argument("--objective", default="all", choices=(*OBJECTIVES, "all"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each loop in each round, about")
    parser.add_argument("--pictures", type=int, default=4096)
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second: does it run")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 0.5

    facts = machine.facts()
    print(machine.described(facts))
    objectives = list(OBJECTIVES) if options.objective == "all" else [options.objective]
    measured: dict[str, list[dict[str, Any]]] = {"speed": [], "speed_translation": []}
    for size in filter(None, options.sizes.split(",")):
        for objective in objectives:
            measured["speed"].append(contest(size, objective, options))
            report(measured["speed"][-1], facts["capabilities"]["amx"])
    for size in filter(None, options.domains.split(",")):
        measured["speed_translation"].append(contest_of_translation(size, options))
        report(measured["speed_translation"][-1], facts["capabilities"]["amx"])
    for name, contests in measured.items():
        if contests:
            machine.write(name, facts, quick=options.quick, seed=SEED, settings=vars(options), contests=contests)


if __name__ == "__main__":
    machine.run(main)
