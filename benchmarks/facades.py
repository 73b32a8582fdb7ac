"""Label maps of facades to photographs, unpaired: how far is each from the photograph that belongs to it?

    python benchmarks/facades.py PATH-TO-FACADES [--quick] [--seeds 1] [--time 1500] [--only cyclegan,cut]

The data are in pix2pix's layout: photograph left, label map right. Half of the training pictures give their label maps,
the other half their photographs, so nothing is paired; the test pictures are. The paired error is the mean absolute
difference of a translation from the photograph, of a range of 1; beside it that of copying the label map, and that of
giving the mean training photograph for everything, which is low and worthless. So the kernel distance of the
translations to the test photographs is given too, beside that of training photographs: the real-data baseline.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from PIL import Image
from torch import Tensor

import sparring
from sparring.core.errors import UserError
from sparring.images.data import open_source
from sparring.images.features.learned import random_features
from sparring.images.recipes import images
from sparring.media.pictures.sheets import channels_last, sheet, to_bytes
from sparring.metrics.kernel import kernel_distance
from sparring.modalities import RECIPES

SIZE = "64"
SETTINGS = {"size": SIZE, "width": 16, "blocks": 4, "steps": 0, "measure_every": 0, "sample_every": "1h"}
RATE = {"cyclegan": "4e-4:1e-4@20k,linear", "cut": "4e-4:1e-4@30k,linear", "fastcut": "4e-4:1e-4@30k,linear"}
SHOWN = 8  # translations of each run on the picture
CPU = torch.device("cpu")


def lay_out(facades: Path, folder: Path) -> None:
    """Write label maps into ``trainA`` and ``testA``, photographs into ``trainB`` and ``testB``. Raises
    :class:`UserError` where there are no facades."""
    training, test = (sorted((facades / part).glob("*.jpg")) for part in ("train", "test"))
    if not training or not test:
        raise UserError(f"{facades}: holds no train/*.jpg and test/*.jpg; give the facades in pix2pix's layout")
    for name, files in (("trainA", training[0::2]), ("trainB", training[1::2]), ("testA", test), ("testB", test)):
        (folder / name).mkdir()
        for file in files:
            half(file, right=name.endswith("A")).save(folder / name / f"{file.stem}.png")


def half(file: Path, right: bool) -> Image.Image:
    """The left or the right one of the two pictures in a file."""
    picture = Image.open(file).convert("RGB")
    middle = picture.width // 2
    return picture.crop((middle, 0, picture.width, picture.height) if right else (0, 0, middle, picture.height))


def pictures(folder: Path) -> Tensor:
    """All pictures of a folder in the order of their names, bytes ``(n, 3, 64, 64)``."""
    source = open_source(images.changed({"data": str(folder), "size": SIZE}))
    return source.batch(np.arange(len(source)))["images"]


def error(one: Tensor, other: Tensor) -> float:
    """The mean absolute difference of bytes ``(n, 3, 64, 64)``, of a range of 1."""
    return (one.float() - other.float()).abs().mean().item() / 255


def play(name: str, seed: int, seconds: float, data: Path, maps: Tensor) -> tuple[Tensor, int]:
    """Train one run; the translations of the test label maps, bytes ``(n, 3, 64, 64)`` both, and the examples seen."""
    settings = {**SETTINGS, "learning_rate": RATE[name], "data": str(data), "seed": seed, "time": seconds}
    with tempfile.TemporaryDirectory() as folder:
        outcome = sparring.train(RECIPES[name].changed(settings), out=Path(folder) / "run")
        model = sparring.load(outcome.run)
    made = model.game.outputs["a2b"].generate(model.networks, {"a": maps.to(model.device)}, seed=seed)
    return to_bytes(made), outcome.examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facades", type=Path)
    parser.add_argument("--only", default="cyclegan,cut")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--time", type=float, default=1500.0, help="seconds of training a run")
    parser.add_argument("--quick", action="store_true", help="10 seconds a run: does it run")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.time = 1, 10.0

    facts = machine.facts()
    print(machine.described(facts))
    rows: list[dict[str, Any]] = []
    sheets = []

    # The baselines, then every run
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        lay_out(options.facades, data)
        maps, photographs, known = (pictures(data / name) for name in ("testA", "testB", "trainB"))
        features = random_features(known, CPU)
        real = features(photographs)
        mean = known.float().mean(0, keepdim=True).round().expand_as(photographs)

        def row(name: str, made: Tensor, **more: Any) -> None:
            distance = kernel_distance(real, features(made.byte()), 0)["kernel"]
            rows.append({"what": name, "paired error": error(made, photographs), "kernel": distance.value, **more})
            print(rows[-1], flush=True)

        row("copying the label map", maps, examples=0)
        row("the mean photograph", mean, examples=0)
        row("training photographs", known[: len(photographs)], examples=0)
        for name in options.only.split(","):
            for seed in range(options.seeds):
                made, examples = play(name, seed, options.time, data, maps)
                row(f"{name}, seed {seed}", made, examples=examples)
                sheets.append(made[:SHOWN])

    # Results
    machine.show(
        [{key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    )
    machine.draw("facades", sheet(channels_last(torch.cat(sheets)), SHOWN), quick=options.quick)
    machine.write(
        "facades",
        facts,
        quick=options.quick,
        seed=0,
        settings={**SETTINGS, "learning_rate": RATE},
        seconds=options.time,
        features=features.name,
        rows=rows,
    )


if __name__ == "__main__":
    machine.run(main)
