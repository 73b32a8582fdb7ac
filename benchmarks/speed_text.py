"""Lines per second of pretraining: Sparring's trainer and a plain textbook loop, in turn in one process.

    python benchmarks/speed_text.py [--quick] [--data LABELLED-LINES.tsv ...] [--rounds 5] [--seconds 5]

The same sizes of network, batch and optimiser; see ``textbook_text.py`` for what Sparring is compared with. Two sets
are always measured: the bundled requests of the recipe ``topics``, and lines of 20 random tokens of 5,000, which leave
nothing to gain from the padding of short lines.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from loops import Loop, SparringLoop
from speed import alternate, ratios, versus
from textbook_text import Cells, TextbookText

from sparring.modalities import RECIPES
from sparring.text.data import TextSource, open_source
from sparring.text.recipes import TextRecipe
from sparring.text.vocabulary import PAD, START

SEED = 0
SAME = {"seed": SEED, "least_count": 1, "average_half_life": "5k", "measure_every": 0, "pretrain_examples": 10**9}
LINES, LENGTH, TOKENS = 10_000, 20, 5_000  # of the random set
WANTED = 3.0


def contest(data: str, options: argparse.Namespace) -> dict[str, Any]:
    """All that is measured of one set."""
    recipe = RECIPES["text"].changed({"data": data, **SAME})
    assert isinstance(recipe, TextRecipe)
    source = open_source(recipe)
    with tempfile.TemporaryDirectory() as folder:
        loops = contestants(Path(folder), recipe, source)
        speeds = alternate(loops, options.rounds, options.seconds, recipe.batch)
        loop = loops["sparring"]
        assert isinstance(loop, SparringLoop)
    lengths = (source.lines != PAD).sum(1).float()
    return {
        "data": Path(data).name,
        "lines": len(source),
        "tokens": len(source.vocabulary),
        "mean_length": lengths.mean().item(),
        "longest": int(lengths.max()),
        "lines_per_second": speeds,
        "precision": str(loop.trainer.precision),
        "ratios": {name: ratios(speeds, name) for name in loops if name != "textbook"},
    }


def contestants(folder: Path, recipe: TextRecipe, source: TextSource) -> dict[str, Loop]:
    """The textbook, Sparring as it is and, where that is not float32 already, Sparring in float32."""
    loop = SparringLoop(recipe, folder / "auto")
    device = loop.trainer.precision.device
    loops: dict[str, Loop] = {"textbook": textbook(recipe, source, device), "sparring": loop}
    if loop.trainer.precision.dtype != torch.float32:
        loops["sparring float32"] = SparringLoop(recipe.changed({"precision": "float32"}), folder / "float32")
    return loops


def textbook(recipe: TextRecipe, source: TextSource, device: torch.device) -> TextbookText:
    """The textbook's loop on the same lines."""
    batch = source.batch(np.arange(len(source)))
    longest = int((batch["lines"] != PAD).sum(1).max())
    sizes = len(source.vocabulary), int(batch["labels"].max()) + 1, recipe.embedding, recipe.width
    return TextbookText(
        Cells(*sizes, recipe.dropout, START),
        batch["lines"][:, :longest].long(),
        batch["labels"],
        padding=PAD,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate(0),
        clip_gradients=recipe.clip_gradients,
        average_half_life=recipe.average_half_life(0),
        device=device,
    )


def random_lines(path: Path) -> str:
    """The path of a table of random tokens, half of its lines under one label and half under another."""
    random = np.random.default_rng(SEED)
    lines = random.integers(0, TOKENS, (LINES, LENGTH))
    texts = (f"{index % 2}\t{' '.join(f'w{token}' for token in line)}\n" for index, line in enumerate(lines))
    path.write_text("".join(texts))
    return str(path)


def report(result: dict[str, Any]) -> None:
    """Print the speeds on one set."""
    print(
        f"\n{result['data']}: {result['lines']:,} lines of {result['mean_length']:.1f} tokens, the longest of "
        f"{result['longest']}; {result['tokens']:,} different ones"
    )
    speeds = result["lines_per_second"]
    machine.show(
        [
            {"lines/s": name, "median": f"{statistics.median(each):.0f}", **versus(result["ratios"].get(name))}
            for name, each in speeds.items()
        ]
    )
    print(f"wanted of sparring / textbook: >= {WANTED:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=[], help="labelled lines of your own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each loop in each round, about")
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second: does it run")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 0.5
    facts = machine.facts()
    print(machine.described(facts))
    contests = []
    with tempfile.TemporaryDirectory() as folder:
        for data in ("topics", random_lines(Path(folder) / "random.tsv"), *options.data):
            contests.append(contest(data, options))
            report(contests[-1])
    settings = {"rounds": options.rounds, "seconds": options.seconds}
    machine.write("speed_text", facts, quick=options.quick, seed=SEED, settings=settings, contests=contests)


if __name__ == "__main__":
    machine.run(main)
