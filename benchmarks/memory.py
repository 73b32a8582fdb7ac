"""Does memory grow? Resident memory over a long run, and how many tensors are alive at its start and its end.

    python benchmarks/memory.py [--quick] [--steps 20000] [--feed memory|stream]
    python benchmarks/memory.py --resumes 50 [--seconds 300] [--feed memory|stream]

The run trains in this process, with checkpoints, previews and health checks more often than usual; or it is resumed
again and again, and what is in use is noted after each session.
"""

from __future__ import annotations

import argparse
import gc
import math
import multiprocessing
import os
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
    descriptors: int  # open files, pipes and sockets
    threads: int


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
        here = (count_in("/proc/self/fd"), count_in("/proc/self/task"))
        self.samples.append(Sample(step, resident("self"), sum(workers), live_tensors(), *here))


def resident(process: str) -> float:
    """The MiB of memory that a process holds; the most it ever held where the system does not tell more."""
    statm = Path("/proc") / process / "statm"
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / MIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def count_in(folder: str) -> int:
    """How many names a folder has; 0 where there is none, on systems without /proc."""
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


def live_tensors() -> int:
    """How many tensors the garbage collector knows of."""
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def measure(options: argparse.Namespace, folder: Path) -> list[Sample]:
    """Train for all steps, or in many sessions; the samples."""
    common: dict[str, Any] = {"time": 0, "seed": SEED, "checkpoint_every": "5s", "sample_every": "5s"}
    if options.feed == "memory":
        recipe, own = "digits", {"width": options.width}
    else:
        draw_pictures(folder / "pictures", 500, 32, SEED)
        recipe, own = "images", {"width": options.width, "data": folder / "pictures", "cache_mb": 0, "batch": 16}
    sampler = Sampler(options.every)
    if options.resumes:
        resume_often(sampler, folder / "run", recipe, {**common, **own}, options)
        return sampler.samples
    with sampler.watching():
        sparring.train(recipe, out=folder / "run", steps=options.steps, **common, **own)
    return sampler.samples


def resume_often(
    sampler: Sampler, run: Path, recipe: str, settings: dict[str, Any], options: argparse.Namespace
) -> None:
    """Train in many equally long sessions, with a sample after each."""
    each = options.seconds / options.resumes
    outcome = sparring.train(recipe, out=run, **{**settings, "time": each})
    for session in range(2, options.resumes + 2):
        sampler.take(outcome.steps)
        outcome = sparring.resume(run, time=session * each)
    sampler.take(outcome.steps)


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
        "descriptors": [late[0].descriptors, late[-1].descriptors],
        "threads": [late[0].threads, late[-1].threads],
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
                "descriptors": sample.descriptors,
                "threads": sample.threads,
            }
            for sample in shown
        ]
    )
    print(f"after {growth['warm_up_steps']:,} steps of warm-up, in all and per 1,000 steps:")
    for whose, prefix in {"trainer": "", "workers": "workers_"}.items():
        whole, slope = growth[f"{prefix}growth_mib"], growth[f"{prefix}slope_mib_per_1000_steps"]
        print(f"  {whose} {whole:+.1f} MiB, {slope:+.3f} MiB")
    for what in ("tensors", "descriptors", "threads"):
        print(f"  {what} {growth[what][0]} -> {growth[what][1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500, help="steps between samples (made a multiple of 16)")
    parser.add_argument("--warm-up", type=int, default=2000, help="steps that do not count")
    parser.add_argument("--width", type=int, default=8, help="of the networks: growth is looked for, not speed")
    parser.add_argument(
        "--feed", default="memory", choices=("memory", "stream"), help="digits, or PNGs read by workers"
    )
    parser.add_argument("--resumes", type=int, default=0, help="sessions instead of one long run")
    parser.add_argument("--seconds", type=float, default=300.0, help="of training in all these sessions")
    parser.add_argument("--quick", action="store_true", help="400 steps: does it run")
    options = parser.parse_args()
    if options.quick:
        options.steps, options.every, options.warm_up = 400, 48, 96
        options.resumes, options.seconds = min(options.resumes, 4), 8.0

    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        samples = measure(options, Path(folder))
    warm_up = samples[len(samples) // 10].step if options.resumes else options.warm_up
    growth = summary(samples, warm_up)
    report(samples, growth)
    name = "memory" + ("-resumes" if options.resumes else "") + ("" if options.feed == "memory" else "-stream")
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
