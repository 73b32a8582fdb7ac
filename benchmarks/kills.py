"""kill -9 at random moments, at once gone on with: does it end as if nothing had been, and is nothing left over?

    python benchmarks/kills.py [--quick] [--kills 20] [--contests images,points] [--fresh]

Everything goes through the real command line, in processes of their own. Training is killed and resumed, then `sample`
and `evaluate` are killed and asked again. Exits with 1 when a single bit differs, or something is left.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import machine
import torch
from forked import warm_up
from safetensors.torch import load_file
from synthetic import draw_pictures
from torch import Tensor
from victims import Kill, Victim, in_shared_memory, leftovers, newest

from sparring.core.journal import entries

MOMENTS = ("start-up", "training", "writing")  # taken in turn
SEED = 0
PICTURES = "PICTURES"  # stands for a folder of pictures
COMMON: dict[str, Any] = {
    "time": 0, "seed": SEED, "precision": "float32",
    "device": "cpu",  # where the same numbers are promised
    "checkpoint-every": "0.3s", "sample-every": "1s",
}  # fmt: skip
LEAN = {"width": 32, "steps": 400, "measure-every": 4000}
CONTESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "images": ("digits", LEAN),
    "images in bfloat16": ("digits", {**LEAN, "precision": "bfloat16"}),
    "images from workers": ("images", {"data": PICTURES, "width": 8, "batch": 16, "steps": 300, "cache-mb": 0,
                                       "workers": 2, "measure-every": 2000}),
    "points": ("gaussians", {"width": 32, "batch": 64, "steps": 1200, "measure-every": 40_000}),
    "translation": ("ink-neon", {"width": 4, "blocks": 1, "batch": 4, "steps": 150, "measure-every": 300}),
    "text": ("topics", {"width": 32, "embedding": 16, "discriminator-width": 8, "batch": 32, "steps": 300,
                        "pretrain-examples": 4800, "discriminator-warmup": 640, "measure-every": 3200}),
}  # fmt: skip
VERBS: dict[str, Sequence[Sequence[str]]] = {
    "images": (("sample", "{run}", "-n", "2000", "--out", "{out}/pictures", "--overwrite"),
               ("evaluate", "{run}", "-n", "100", "--out", "{out}")),
    "points": (("sample", "{run}", "-n", "100000", "--out", "{out}/points.npy", "--overwrite"),
               ("evaluate", "{run}", "-n", "500", "--out", "{out}")),
    "translation": (("translate", "{run}", "{pictures}", "--out", "{out}", "--overwrite"),),
    "text": (("sample", "{run}", "-n", "2000", "--out", "{out}/lines.tsv", "--overwrite"),
             ("evaluate", "{run}", "-n", "200", "--out", "{out}")),
}  # fmt: skip
"""What is killed besides training, in a folder ``{out}``."""


@dataclass(frozen=True)
class Arena:
    """A folder for one contest, and the kills that are meant to strike in it."""

    folder: Path
    kills: int
    fresh: bool  # processes begin with nothing imported
    sessions: set[int] = field(default_factory=set)  # of all processes that were started

    @property
    def log(self) -> Path:
        """What the last process printed."""
        return self.folder / "log"

    @property
    def temporary(self) -> Path:
        """For temporary files."""
        return self.folder / "tmp"

    def start(self, command: Sequence[str], place: Path) -> Victim:
        """A process that writes at ``place``."""
        victim = Victim(command, place, self.log, self.temporary, self.fresh)
        self.sessions.add(victim.process)
        return victim


# Training


def train_command(name: str, quick: bool, out: Path, pictures: Path) -> list[str]:
    """The command that trains a small run which saves often."""
    recipe, settings = CONTESTS[name]
    settings = {**COMMON, **settings, "out": out}
    if "data" in settings:
        settings["data"] = pictures
    if quick:
        settings["steps"] //= 4
    return ["train", recipe, *(f"--{setting}={value}" for setting, value in settings.items())]


def run_whole(arena: Arena, command: list[str], out: Path) -> tuple[float, float]:
    """Train to the end; the seconds until it trains, and those of training. Raises SystemExit when it fails."""
    victim = arena.start(command, out)
    startup = victim.wait_until_it_trains()
    return startup, victim.finish() - startup


def run_killed(arena: Arena, command: list[str], out: Path, startup: float, training: float) -> list[Kill]:
    """Kill a run again and again, each time going on at once, then let it come to its end; the kills. Raises SystemExit
    when it cannot go on."""
    generator = random.Random(SEED)
    kills: list[Kill] = []
    resume = ["resume", str(out)]
    for index in range(arena.kills):
        victim = arena.start(resume if (out / "recipe.yaml").exists() else command, out)
        moment = MOMENTS[index % len(MOMENTS)]
        if moment == "start-up":
            victim.wait(generator.uniform(0, startup))
        else:
            victim.wait_until_it_trains()
            victim.wait(generator.uniform(0, training / arena.kills))
            if moment == "writing":
                victim.wait_until_it_writes()
        kills.append(victim.kill(moment))
        if not kills[-1].struck and victim.status:
            raise SystemExit(f"after {len(kills) - 1} kills the run could not go on\n{arena.log.read_text()}")
    run_whole(arena, resume if (out / "recipe.yaml").exists() else command, out)
    return kills


def contest(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Compare a run that was never killed with one that often was. Raises SystemExit when they end apart."""
    with tempfile.TemporaryDirectory() as temporary:
        arena = Arena(Path(temporary), options.kills, options.fresh)
        arena.temporary.mkdir()
        shared = in_shared_memory()
        draw_pictures(arena.folder / "pictures", 300, 16, SEED)
        commands = {
            which: train_command(name, options.quick, arena.folder / which, arena.folder / "pictures")
            for which in ("whole", "killed")
        }
        whole, killed = arena.folder / "whole", arena.folder / "killed"
        startup, training = run_whole(arena, commands["whole"], whole)
        struck = run_killed(arena, commands["killed"], killed, startup, training)
        last = newest(whole, "")
        if newest(killed, "") != last:
            raise SystemExit(f"the killed run ended at {newest(killed, 'nothing')}, the other at {last}")
        files = [f"checkpoints/{last}", *(f"{model}/model.safetensors" for model in ("model", "best"))]
        result = {
            "contest": name,
            "startup_seconds": startup,
            "training_seconds": training,
            "kills": [asdict(kill) for kill in struck],
            "compared": {file: compare(whole / file, killed / file) for file in files if (whole / file).exists()},
            "journal": journal_in_order(killed),
            "left": leftovers(killed, arena.temporary, shared, arena.sessions),
        }
        result["verbs"] = [asked_again(arena, words, killed, shared) for words in VERBS.get(name, ())]
        return result


def journal_in_order(run: Path) -> bool:
    """Whether the journal's steps follow each other: none is there twice."""
    seen = [entry["examples"] for entry in entries(run / "journal.jsonl") if entry["event"] == "step"]
    return seen == sorted(set(seen))


def compare(first: Path, second: Path) -> dict[str, Any]:
    """How the tensors in two files differ, bit for bit."""
    one, other = load_file(first), load_file(second) if second.exists() else {}
    different = [name for name in sorted(one.keys() & other.keys()) if not same_bits(one[name], other[name])]
    different += sorted(one.keys() ^ other.keys())
    return {"tensors": len(one), "numbers": sum(tensor.numel() for tensor in one.values()), "different": different}


def same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors ``(...)`` have the same shape, type and bits."""
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        return False
    return torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))


# The other verbs


def asked_again(arena: Arena, words: Sequence[str], run: Path, shared: frozenset[str]) -> dict[str, Any]:
    """Kill a verb as it works or writes and ask it again at once, in the end without a kill: are its files those of a
    verb that was never killed? Every kill begins with an empty folder, every third one goes on with what it finds."""
    generator = random.Random(SEED)
    out = arena.folder / f"results of {words[0]}"
    command = [word.format(run=run, out=out, pictures=arena.folder / "pictures") for word in words]
    seconds = arena.start(command, out).finish()
    wanted = contents(out)
    seconds = min(seconds, arena.start(command, out).finish())  # what is learned of the data is known now
    kills = []
    for index in range(arena.kills):
        if index % 3:
            shutil.rmtree(out, ignore_errors=True)
        victim = arena.start(command, out)
        if index % 2:
            victim.wait_until_it_writes()
        else:
            victim.wait(generator.uniform(0.3, 1) * seconds)
        kills.append(victim.kill("writing" if index % 2 else "working"))
    arena.start(command, out).finish()
    result = contents(out)
    return {
        "verb": words[0],
        "seconds": seconds,
        "kills": [asdict(kill) for kill in kills],
        "files": len(wanted),
        "different": sorted(name for name in wanted.keys() | result.keys() if wanted.get(name) != result.get(name)),
        "left": leftovers(out, arena.temporary, shared, arena.sessions),
    }


def contents(folder: Path) -> Mapping[str, str]:
    """A hash of every file below a folder, by name."""
    files = sorted(path for path in folder.glob("**/*") if path.is_file() and not path.match(".*.part"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# What a person reads


def verdict(different: Sequence[str]) -> str:
    """Whether two things are alike, in words."""
    return f"DIFFER in {len(different)}" if different else "bit-identical"


def rows(result: dict[str, Any]) -> list[dict[str, object]]:
    """A contest as rows of a table: its training, and each other verb."""
    found: list[dict[str, object]] = []
    parts = [
        (f"train {result['contest']}", result, [f for each in result["compared"].values() for f in each["different"]])
    ]
    parts += [(f"{each['verb']} {result['contest']}", each, each["different"]) for each in result["verbs"]]
    for name, part, different in parts:
        struck = [kill for kill in part["kills"] if kill["struck"]]
        found.append({
            "killed": name,
            "kills": len(struck),
            "while writing": sum(bool(kill["writing"]) for kill in struck),
            "seconds": f"{part.get('seconds', part.get('training_seconds')):.1f}",
            "result": verdict(different),
            "journal": "in order" if part.get("journal", True) else "NOT in order",
            "left over": ", ".join(part["left"]) or "nothing",
        })  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of each run and each verb")
    parser.add_argument("--contests", default=",".join(CONTESTS), help="some of them, with commas between")
    parser.add_argument("--fresh", action="store_true", help="processes that begin with nothing, not even Python")
    parser.add_argument("--quick", action="store_true", help="3 kills, a quarter of the steps: does it run")
    options = parser.parse_args()
    options.kills = 3 if options.quick else options.kills

    warm_up()
    facts = machine.facts()
    print(machine.described(facts))
    contests, table = [], []
    for name in options.contests.split(","):
        contests.append(contest(name, options))
        table += rows(contests[-1])
        machine.show(table[-1 - len(contests[-1]["verbs"]) :])
        sys.stdout.flush()
        machine.write("kills", facts, quick=options.quick, seed=SEED, settings=vars(options), table=table,
                      contests=contests)  # fmt: skip
    machine.show(table)
    wanted = ("bit-identical", "in order", "nothing")
    good = all((row["result"], row["journal"], row["left over"]) == wanted for row in table)
    return not good


if __name__ == "__main__":
    machine.run(main)
