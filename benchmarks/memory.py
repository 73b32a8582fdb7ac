"""Does memory grow? Resident memory over a long run, and how many tensors are alive at its start and its end.

    python benchmarks/memory.py [--quick] [--steps 20000] [--feed memory|stream]

The run trains in this process, with checkpoints, previews and health checks more often than usual.
"""

from __future__ import annotations

import argparse
import gc
import math
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import machine
import numpy as np
import torch
from synthetic import draw_pictures

import sparring
from sparring.core.game import Batch
from sparring.core.trainer import PERIOD, Trainer

MIB = 1024 * 1024
SEED = 0


@dataclass(frozen=True)
class Sample:
    """What was in use after that many steps."""

    step: int
    mib: float  # of this process
    workers_mib: float  # of the processes that read for it, pages that they share with it counted again
    tensors: int  # alive, as the garbage collector sees them


class Sampler:
    """Takes a sample about every ``every`` steps of any trainer that plays.

    It does so just before the trainer looks at what was reported, or the tensors that wait for it would count.
    """

    def __init__(self, every: int) -> None:
        self.every = math.ceil(every / PERIOD) * PERIOD
        self.samples: list[Sample] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, every trainer's steps are followed."""
        step = Trainer.step

        def followed(trainer: Trainer, batches: Iterator[Batch]) -> None:
            step(trainer, batches)
            if trainer.progress.step % self.every == 0:
                self.take(trainer.progress.step)

        with patch.object(Trainer, "step", followed):
            yield

    def take(self, step: int) -> None:
        """Take a sample; cycles of garbage are cleared first, for they are no growth."""
        gc.collect()
        workers = [resident(str(child.pid)) for child in multiprocessing.active_children()]
        self.samples.append(Sample(step, resident("self"), sum(workers), live_tensors()))


def resident(process: str) -> float:
    """The MiB of memory that a process holds; the most it ever held where the system does not tell more."""
    statm = Path("/proc") / process / "statm"
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / MIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def live_tensors() -> int:
    """How many tensors the garbage collector knows of."""
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def measure(options: argparse.Namespace, folder: Path) -> list[Sample]:
    """Train for all steps; the samples."""
    often = {"checkpoint_every": "5s", "sample_every": "5s"}
    common = {"width": options.width, "steps": options.steps, "time": 0, "seed": SEED, **often}
    sampler = Sampler(options.every)
    with sampler.watching():
        if options.feed == "memory":
            sparring.train("digits", out=folder / "run", **common)
        else:
            draw_pictures(folder / "pictures", 500, 32, SEED)
            sparring.train("images", data=folder / "pictures", out=folder / "run", cache_mb=0, batch=16, **common)
    return sampler.samples


def summary(samples: list[Sample], warm_up: int) -> dict[str, Any]:
    """The growth after warm-up, and the slope of a straight line through it."""
    late = [sample for sample in samples if sample.step >= warm_up]
    steps = np.array([sample.step for sample in late], dtype=float)

    def slope(values: list[float]) -> float:
        return float(np.polyfit(steps / 1000, values, 1)[0]) if len(values) > 1 else 0.0

    return {
        "warm_up_steps": warm_up,
        "growth_mib": late[-1].mib - late[0].mib,
        "slope_mib_per_1000_steps": slope([sample.mib for sample in late]),
        "workers_growth_mib": late[-1].workers_mib - late[0].workers_mib,
        "workers_slope_mib_per_1000_steps": slope([sample.workers_mib for sample in late]),
        "tensors": [late[0].tensors, late[-1].tensors],
    }


def report(samples: list[Sample], growth: dict[str, Any]) -> None:
    """Print ten of the samples and how much memory grew."""
    shown = samples[:: max(1, len(samples) // 10)]
    machine.show(
        [
            {
                "step": f"{sample.step:,}",
                "MiB": f"{sample.mib:.1f}",
                "workers' MiB": f"{sample.workers_mib:.1f}",
                "tensors": sample.tensors,
            }
            for sample in shown
        ]
    )
    print(f"after {growth['warm_up_steps']:,} steps of warm-up, in all and per 1,000 steps:")
    for whose, prefix in {"trainer": "", "workers": "workers_"}.items():
        whole, slope = growth[f"{prefix}growth_mib"], growth[f"{prefix}slope_mib_per_1000_steps"]
        print(f"  {whose} {whole:+.1f} MiB, {slope:+.3f} MiB")
    print("  live tensors {} -> {}".format(*growth["tensors"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500, help="steps between samples (made a multiple of 16)")
    parser.add_argument("--warm-up", type=int, default=2000, help="steps that do not count")
    parser.add_argument("--width", type=int, default=8, help="of the networks: growth is looked for, not speed")
    parser.add_argument(
        "--feed", default="memory", choices=("memory", "stream"), help="digits, or PNGs read by workers"
    )
    parser.add_argument("--quick", action="store_true", help="400 steps: does it run")
    options = parser.parse_args()
    if options.quick:
        options.steps, options.every, options.warm_up = 400, 48, 96

    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        samples = measure(options, Path(folder))
    growth = summary(samples, options.warm_up)
    report(samples, growth)
    name = "memory" if options.feed == "memory" else "memory-stream"
    machine.write(
        name,
        facts,
        quick=options.quick,
        seed=SEED,
        settings=vars(options),
        **growth,
        samples=list(map(asdict, samples)),
    )


if __name__ == "__main__":
    machine.run(main)
