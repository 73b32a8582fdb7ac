"""kill -9 at random moments, resume after each: are the weights those of a run that was never killed?

    python benchmarks/kills.py [--quick] [--kills 10] [--steps 400] [--precisions bfloat16,float32]

Everything goes through the real command line, in processes of its own. Exits with 1 when a single bit differs.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import machine
import torch
from safetensors.torch import load_file
from torch import Tensor

SPARRING = [sys.executable, "-m", "sparring"]
BEGUN = "saves and stops"  # the last words on the screen before the first step
MOMENTS = ("start-up", "training", "writing")  # taken in turn
SEED = 0


@dataclass(frozen=True)
class Kill:
    """One kill -9: when it was meant to strike, and what it struck."""

    moment: str
    seconds: float  # after the process was started
    struck: bool  # False: the process had ended before
    writing: str  # the file that was half-written
    checkpoint: str  # the newest one then


class Victim:
    """A process that will be killed; what it prints goes to the file ``log``."""

    def __init__(self, command: list[str], out: Path, log: Path) -> None:
        self.out, self.log = out, log
        self.started = time.monotonic()
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)

    def wait_until_it_trains(self) -> float:
        """The seconds until it trains, or until the process ends."""
        while self.process.poll() is None and BEGUN not in self.log.read_text(errors="replace"):
            time.sleep(0.005)
        return time.monotonic() - self.started

    def wait_until_it_writes(self) -> None:
        """Wait until a half-written file is there, or the process ends."""
        while self.process.poll() is None and not half_written(self.out):
            time.sleep(0.0003)

    def kill(self, moment: str) -> Kill:
        """Send SIGKILL, which nothing can catch, if it still runs; what it struck."""
        struck = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        seconds = time.monotonic() - self.started
        return Kill(moment, round(seconds, 3), struck, half_written(self.out), newest(self.out, "none"))


def half_written(out: Path) -> str:
    """The name of a file that is being written, or was when its writer died; empty without."""
    return next((path.name for path in parts(out)), "")


def parts(out: Path) -> Iterator[Path]:
    """Temporary files in a run folder."""
    for folder in (out / "checkpoints", out / "model", out / "samples", out):
        yield from folder.glob(".*.part")


def newest(out: Path, otherwise: str) -> str:
    """The name of the newest checkpoint."""
    return max((path.name for path in out.glob("checkpoints/*.safetensors")), default=otherwise)


# The two runs


def train_command(options: argparse.Namespace, precision: str, out: Path) -> list[str]:
    """The command that trains a small run which saves often."""
    settings = {
        "width": options.width,
        "steps": options.steps,
        "seed": SEED,
        "precision": precision,
        "device": "cpu",  # where the same numbers are promised
        "checkpoint-every": "0.3s",
        "sample-every": "1s",
        "out": out,
    }
    return [*SPARRING, "train", "digits", *(f"--{name}={value}" for name, value in settings.items())]


def going_on(options: argparse.Namespace, precision: str, out: Path) -> list[str]:
    """The command after a kill: ``resume``, or ``train`` again when the run had not begun to exist."""
    if (out / "recipe.yaml").exists():
        return [*SPARRING, "resume", str(out)]
    return train_command(options, precision, out)


def run_whole(command: list[str], out: Path, log: Path) -> tuple[float, float]:
    """Run a command to its end; the seconds until it trains, and those of training. Raises SystemExit when it fails."""
    victim = Victim(command, out, log)
    startup = victim.wait_until_it_trains()
    if victim.process.wait():
        raise SystemExit(f"{' '.join(command)}: failed\n{log.read_text()}")
    return startup, time.monotonic() - victim.started - startup


def run_killed(
    options: argparse.Namespace, precision: str, out: Path, log: Path, startup: float, training: float
) -> list[Kill]:
    """Kill a run again and again, then let it go on to its end; the kills. Raises SystemExit when it cannot go on."""
    generator = random.Random(SEED)
    kills: list[Kill] = []
    for index in range(options.kills):
        victim = Victim(going_on(options, precision, out), out, log)
        moment = MOMENTS[index % len(MOMENTS)]
        if moment == "start-up":
            time.sleep(generator.uniform(0, startup))
        else:
            victim.wait_until_it_trains()
            time.sleep(generator.uniform(0, training / options.kills))
            if moment == "writing":
                victim.wait_until_it_writes()
        kills.append(victim.kill(moment))
        if not kills[-1].struck and victim.process.returncode:
            raise SystemExit(f"after {len(kills) - 1} kills the run could not go on\n{log.read_text()}")
    run_whole(going_on(options, precision, out), out, log)
    return kills


# Comparing them


def compare(first: dict[str, Tensor], second: dict[str, Tensor]) -> dict[str, Any]:
    """How two sets of tensors ``(...)`` of any shapes differ, bit for bit."""
    shared = sorted(first.keys() & second.keys())
    different = [name for name in shared if not same_bits(first[name], second[name])]
    return {
        "tensors": len(first),
        "numbers": sum(tensor.numel() for tensor in first.values()),
        "missing": sorted(first.keys() ^ second.keys()),
        "different": different,
        "identical": not different and first.keys() == second.keys(),
    }


def same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors ``(...)`` have the same shape, type and bits."""
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        return False
    return torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))


def contest(options: argparse.Namespace, precision: str) -> dict[str, Any]:
    """Compare a run that was never killed with one that often was. Raises SystemExit when they end apart."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole, killed = folder / "whole", folder / "killed"
        startup, training = run_whole(train_command(options, precision, whole), whole, folder / "log")
        kills = run_killed(options, precision, killed, folder / "log", startup, training)
        last = newest(whole, "")
        if newest(killed, "") != last:
            raise SystemExit(f"the killed run ended at {newest(killed, 'nothing')}, the other at {last}")
        differences = {
            "checkpoint": compare(load_file(whole / "checkpoints" / last), load_file(killed / "checkpoints" / last)),
            "model": compare(*(load_file(out / "model" / "model.safetensors") for out in (whole, killed))),
        }
    return {
        "precision": precision,
        "startup_seconds": startup,
        "training_seconds": training,
        "kills": [asdict(kill) for kill in kills],
        "last_checkpoint": last,
        **differences,
    }


def report(result: dict[str, Any]) -> None:
    """Print the kills, then what came of them."""
    print(
        f"\n{result['precision']}: never killed, {result['startup_seconds']:.1f} s to start and "
        f"{result['training_seconds']:.1f} s of training"
    )
    machine.show([{"kill": index, **kill} for index, kill in enumerate(result["kills"], 1)])
    struck = sum(kill["struck"] for kill in result["kills"])
    for name in ("checkpoint", "model"):
        each = result[name]
        verdict = "bit-identical" if each["identical"] else f"DIFFER in {len(each['different'] + each['missing'])}"
        print(f"{name} after {struck} kills: {each['tensors']} tensors, {each['numbers']:,} numbers: {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--precisions", default="bfloat16,float32")
    parser.add_argument("--quick", action="store_true", help="3 kills, 100 steps, narrow networks: does it run")
    options = parser.parse_args()
    if options.quick:
        options.kills, options.steps, options.width = 3, 100, 8

    facts = machine.facts()
    print(machine.described(facts))
    contests = []
    for precision in options.precisions.split(","):
        contests.append(contest(options, precision))
        report(contests[-1])
    machine.write("kills", facts, quick=options.quick, seed=SEED, settings=vars(options), contests=contests)
    return 0 if all(each["checkpoint"]["identical"] and each["model"]["identical"] for each in contests) else 1


if __name__ == "__main__":
    machine.run(main)
