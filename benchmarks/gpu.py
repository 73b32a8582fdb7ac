"""What one GPU makes of R3GAN: images a second, memory, share of the peak, and Stacked MNIST after ten minutes.

    python benchmarks/gpu.py PATH-TO-MNIST [--quick] [--widths 96,192,384,768] [--time 10m]

Runs only where there is an NVIDIA GPU; says so and ends where there is none. Each width stands for the channels at all
four resolutions of 32x32 pictures; the peak is that of a large bfloat16 `torch.mm` on the same device.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import torch
from classifier import digit_classifier
from loops import SparringLoop, timed
from profiling import profiled
from stacked_mnist import floor, play

from sparring.core.settings import duration
from sparring.images.recipes import ImageRecipe
from sparring.media.pictures.sheets import channels_last, sheet
from sparring.modalities import RECIPES

RECIPE = "r3gan-stacked-mnist-narrow"
WARM_UP, STEPS = 10, 50


def speed(width: int, mnist: Path) -> dict[str, Any]:
    """Speed, memory and share of the peak of networks of one width."""
    recipe = RECIPES[RECIPE].changed({"data": f"stacked-mnist:{mnist}", "widths": ",".join([str(width)] * 4)})
    assert isinstance(recipe, ImageRecipe)
    torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        loop = SparringLoop(recipe, Path(folder) / "run")
        loop.play(WARM_UP)
        seconds = timed(loop, STEPS)
        memory = torch.cuda.max_memory_allocated() / 2**30
        profile = profiled(loop, torch.bfloat16)
    return {
        "width": width,
        "images_per_second": STEPS * recipe.batch / seconds,
        "memory_gib": memory,
        "share_of_peak": profile["share_of_peak"],
        "parts": profile,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder of MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="one width, 20 seconds: does it run")
    parser.add_argument("--widths", default="96,192,384,768")
    parser.add_argument("--time", default="10m", help="of the run whose quality is measured")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no NVIDIA GPU here; nothing was measured")
        return
    if options.quick:
        options.widths, options.time = "96", "20s"

    facts = machine.facts()
    print(machine.described(facts))
    mnist = options.mnist.resolve()
    speeds = [speed(int(width), mnist) for width in options.widths.split(",")]
    keys = ("width", "images_per_second", "memory_gib", "share_of_peak")
    machine.show([{key: f"{row[key]:.3g}" for key in keys} for row in speeds])
    classifier = digit_classifier(mnist, options.quick)
    perfect = floor(mnist, classifier)
    runs, pictures = play(RECIPE, 0, duration(options.time), mnist, classifier)
    print(f"{RECIPE} after {options.time}: {runs[-1]}; floor: {perfect}")
    machine.draw("gpu", sheet(channels_last(pictures[:100]), 10), quick=options.quick)
    machine.write("gpu", facts, quick=options.quick, seed=0, speeds=speeds, floor=perfect, runs=runs)


if __name__ == "__main__":
    main()
