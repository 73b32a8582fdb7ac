"""Examples per second on one GPU: Sparring's trainer and plain textbook loops, in turn in one process.

    python benchmarks/gpu.py [--quick] [--rounds 5] [--seconds 1]

What is compared is what ``speed.py`` and ``speed_text.py`` compare on a CPU, R3GAN, and two loops more.
The textbook under autocast shows what is left of Sparring's lead when both compute in bfloat16. Sparring without
cuDNN's deterministic algorithms shows what it costs that one seed gives one result; the textbook has them switched off,
as torch has. Runs only where there is an NVIDIA GPU, but for ``--quick``; says so and ends where there is none.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import torch
from loops import Loop, SparringLoop
from profiling import profiled
from speed import SAME, SEED, alternate, as_texts, contestants, contestants_of_translation, ratios, versus
from speed_text import SAME as SAME_TEXT
from speed_text import contestants as contestants_of_text
from speed_text import random_lines
from torch import Tensor, nn

from sparring.images.recipes import ImageRecipe, images, r3gan_stacked_mnist_narrow
from sparring.modalities import RECIPES
from sparring.text.data import open_source
from sparring.text.recipes import TextRecipe
from sparring.translation.recipes import cyclegan

PICTURES = 4096
SIZES = (("28x28x1", 64), ("64x64x3", 64), ("64x64x3", 512), ("128x128x3", 64))  # of pictures, and of a batch
WIDTH = 192  # channels of R3GAN at all four resolutions, as the narrow recipe has them
NETWORKS = ("generator", "discriminator", "forth", "back", "discriminator_a", "discriminator_b", "network")
"""What the textbooks call the networks that they train."""


# The loops


class InBfloat16(nn.Module):
    """A network whose forward pass runs under autocast; what it returns is float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the network makes of its ``inputs`` ``(batch, ...)``."""
        with torch.autocast(inputs[0].device.type, torch.bfloat16):
            output: Tensor = self.network(*inputs)
        return output.float()


@dataclass
class Contestant:
    """A loop, whether it keeps to cuDNN's deterministic algorithms, and whether a textbook's networks run under
    autocast."""

    loop: Loop
    deterministic: bool = False
    autocast: bool = False

    def play(self, steps: int) -> None:
        """Train for that many steps."""
        torch.backends.cudnn.deterministic = self.deterministic
        plain = {name: getattr(self.loop, name) for name in NETWORKS if self.autocast and hasattr(self.loop, name)}
        for name, network in plain.items():
            setattr(self.loop, name, InBfloat16(network))
        self.loop.play(steps)
        for name, network in plain.items():
            setattr(self.loop, name, network)


# What is measured


def contest(what: str, loops: dict[str, Loop], batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """The speeds of all loops, and their ratios to the textbook's and to Sparring's own."""
    each: dict[str, Loop] = {name: Contestant(loop, deterministic=name != "textbook") for name, loop in loops.items()}
    each["textbook bfloat16"] = Contestant(loops["textbook"], autocast=True)
    each["sparring, any algorithm"] = Contestant(loops["sparring"])
    speeds = alternate(each, options.rounds, options.seconds, batch)
    loop = loops["sparring"]
    assert isinstance(loop, SparringLoop)
    return {
        "what": what,
        "batch": batch,
        "precision": str(loop.trainer.precision),
        "examples_per_second": speeds,
        "ratios": {name: ratios(speeds, name) for name in each if name != "textbook"},
        "ratios_to_sparring": {name: ratios(speeds, name, to="sparring") for name in each if name != "sparring"},
    }


def contest_of_pictures(what: str, size: str, recipe: ImageRecipe, options: argparse.Namespace) -> dict[str, Any]:
    """The same of pictures, with what a step of Sparring's consists of and the GPU memory that it takes beside weights,
    optimisers and averages."""
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants(Path(folder), size, recipe, PICTURES)
        result = contest(f"{what} {size}, R1 and R2", loops, recipe.batch, options)
        torch.backends.cudnn.deterministic = True
        loop = loops["sparring"]
        assert isinstance(loop, SparringLoop)
        at_rest = start_of_memory()
        result["parts"] = profiled(loop, loop.trainer.precision.dtype)
        result["step_memory_gib"] = (torch.cuda.max_memory_allocated() - at_rest) / 2**30
        return result


def start_of_memory() -> int:
    """The bytes of GPU memory in use, from which on the most in use is looked for; 0 without a GPU."""
    if not torch.cuda.is_available():
        return 0
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def contest_of_translation(size: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same of ``cyclegan``."""
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants_of_translation(Path(folder), size)
        return contest(f"cyclegan {size}", loops, cyclegan.batch, options)


def contest_of_text(data: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same of pretraining on the lines of ``data``."""
    recipe = RECIPES["text"].changed({"data": data, **SAME_TEXT})
    assert isinstance(recipe, TextRecipe)
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants_of_text(Path(folder), recipe, open_source(recipe))
        return contest(f"pretraining of text, {Path(data).stem}", loops, recipe.batch, options)


# What is printed


def report(result: dict[str, Any]) -> dict[str, Any]:
    """Print the speeds of one contest, which is returned."""
    print(f"\n{result['what']}, batches of {result['batch']}; sparring runs in {result['precision']}")
    speeds = result["examples_per_second"]
    machine.show(
        [
            {"examples/s": name, "median": f"{statistics.median(each):.0f}", **versus(result["ratios"].get(name))}
            for name, each in speeds.items()
        ]
    )
    cost = result["ratios_to_sparring"]["sparring, any algorithm"]
    print(f"not deterministic: {cost['median']:.3f} times as fast ({cost['lowest']:.3f} to {cost['highest']:.3f})")
    if "parts" in result:
        machine.show([{"ms per step": "sparring", **as_texts(result["parts"])}])
        print(f"{result['step_memory_gib']:.2f} GiB a step")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each loop in each round, about")
    parser.add_argument("--quick", action="store_true", help="2 rounds of a tenth of a second, small: does it run")
    options = parser.parse_args()
    sizes: Sequence[tuple[str, int]] = SIZES
    width, domains = WIDTH, "128x128x3"
    if options.quick:
        options.rounds, options.seconds = 2, 0.1
        sizes, width, domains = [("8x8x1", 8)], 8, "32x32x3"
    elif not torch.cuda.is_available():
        print("no NVIDIA GPU here; nothing was measured")
        return

    facts = machine.facts()
    print(machine.described(facts))
    contests = []
    for size, batch in sizes:
        recipe = images.changed({**SAME, "batch": batch})
        assert isinstance(recipe, ImageRecipe)
        contests.append(report(contest_of_pictures("images", size, recipe, options)))
    narrow = r3gan_stacked_mnist_narrow.batch if not options.quick else 8
    recipe = r3gan_stacked_mnist_narrow.changed({**SAME, "batch": narrow, "widths": ",".join([str(width)] * 4)})
    assert isinstance(recipe, ImageRecipe)
    contests.append(report(contest_of_pictures(f"R3GAN of width {width},", "32x32x3", recipe, options)))
    contests.append(report(contest_of_translation(domains, options)))
    with tempfile.TemporaryDirectory() as folder:
        for data in ("topics", random_lines(Path(folder) / "random.tsv")):
            contests.append(report(contest_of_text(data, options)))
    settings = {"rounds": options.rounds, "seconds": options.seconds}
    machine.write("gpu", facts, quick=options.quick, seed=SEED, settings=settings, contests=contests)


if __name__ == "__main__":
    machine.run(main)
