"""Games of one weight a player, whose every value is known in advance, and what trains them in a folder."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.core.game import Batch, Game, Networks, Output, Player, Step, Turn, rows
from sparring.core.health import Limit, diversity, overfitting
from sparring.core.journal import entries
from sparring.core.monitor import Monitor
from sparring.core.pacing import Progress
from sparring.core.precision import choose
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run
from sparring.core.status import Status
from sparring.core.trainer import Trainer

BATCH = 8
CPU = torch.device("cpu")
STEADY = {"batch": BATCH, "learning_rate": 0.1, "checkpoint_every": 1000}
"""Adam takes 0.1 off a weight at each step, and one checkpoint is enough."""


class Weight(Output):
    """The generator's weight, over and over; the logit of an example is the example itself."""

    def real(self, batch: Batch) -> Tensor:
        return batch["examples"]

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        return networks["generator"].weight.expand(rows(conditions), 1)

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor:
        return examples[:, 0]


class Tug(Game):
    """Each player has one weight, 1 at first; to minimise it, Adam takes one learning rate off it a turn."""

    def __init__(self, loss: Callable[[Tensor, int], Tensor] | None = None, *order: str) -> None:
        self.loss, self.order = loss or (lambda weight, step: weight.sum()), order or ("generator",)
        self.players = {name: Player(nn.Linear(1, 1, bias=False), averaged=name == "generator") for name in self.order}
        self.outputs = {"": Weight()}
        for player in self.players.values():
            nn.init.ones_(player.network.weight)
        self.told: list[tuple[str, float, float]] = []  # each move's player, learning rate and beta2

    def turns(self, step: Step) -> Iterator[Turn]:
        step.report["accuracy/real"] = torch.tensor(0.75)
        number = step.examples_seen // BATCH + 1
        for name in self.order:
            yield Turn(name, lambda player=self.players[name]: self.loss(player.network.weight, number))
            self.told += [(name, at["lr"], at["betas"][1]) for at in self.players[name].optimizer.param_groups]


def weight_of(networks: Networks) -> float:
    weight: float = networks["generator"].weight.item()
    return weight


def examples(values: Tensor) -> Batch:
    """A batch of numbers ``(rows,)``."""
    return {"examples": values[:, None]}


TRAINING, HELD_OUT = examples(torch.full((BATCH,), 3.0)), examples(torch.linspace(-3, -2, 16))


class Health:
    """Diversity and overfitting of a game's output, against examples of which the discriminator thinks otherwise."""

    def __init__(self, game: Game) -> None:
        self.output = game.outputs[""]

    limits: ClassVar[Mapping[str, Limit]] = {}

    def health(self, networks: Networks, recent: Batch, most: int) -> Mapping[str, float]:
        real, made = self.output.real(HELD_OUT), self.output.generate(networks, HELD_OUT, seed=0)
        shown = ((recent, self.output.real(recent)), (HELD_OUT, real), (HELD_OUT, made))
        logits = [self.output.logits(networks, batch, shown_examples) for batch, shown_examples in shown]
        return {"diversity": diversity(made, real), "overfitting": overfitting(*logits)}

    def everything(self, networks: Networks, recent: Batch) -> Mapping[str, float]:
        return {}


class Watched:
    """What a monitor asks for, written down: each preview, and each model by the folder it was published in."""

    def __init__(self, run: Run) -> None:
        self.run, self.screen = run, io.StringIO()
        self.previews: list[tuple[int, float]] = []
        self.reports: list[bool] = []
        self.published: dict[Path, list[tuple[int, float]]] = {run.model: [], run.best: []}

    def preview(self, networks: Networks, progress: Progress) -> Path:
        self.previews.append((progress.examples, weight_of(networks)))
        return self.run.samples / f"{progress.examples:012d}.png"

    def publish(self, networks: Networks, folder: Path, progress: Progress) -> None:
        self.published[folder].append((progress.examples, weight_of(networks)))

    def monitor(self, recipe: Recipe, measurements: Any, process: Process | None = None) -> Monitor:
        """A monitor of the run whose screen can be read."""
        return Monitor(
            self.run,
            recipe,
            measurements=measurements,
            preview=self.preview,
            publish=self.publish,
            report=self.reports.append,
            precision=choose("float32", CPU, []),
            process=process or Process(),
            status=Status(stream=self.screen),
        )

    @property
    def lines(self) -> list[str]:
        """What was said so far."""
        return self.screen.getvalue().splitlines()


class Match(Trainer):
    """Plays in a run folder; ``watched`` knows what came of it."""

    def __init__(self, run: Run, game: Game, measurements: Any = None, **settings: Any) -> None:
        recipe = Recipe().changed({**STEADY, **settings})
        self.watched = Watched(run)
        super().__init__(
            game,
            recipe,
            run,
            feed=lambda seen: itertools.repeat(TRAINING),
            monitor=self.watched.monitor(recipe, measurements),
            precision=choose("float32", CPU, []),
            process=Process(),
        )


def noted(run: Run, event: str) -> list[dict[str, Any]]:
    """The journal's entries of one kind, without the times, which no two runs share."""
    found = [entry for entry in entries(run.journal) if entry["event"] == event]
    return [{name: value for name, value in entry.items() if name not in ("seconds", "services")} for entry in found]


def saved(run: Run) -> dict[int, bytes]:
    """The checkpoints by their steps."""
    return {int(path.stem) // BATCH: path.read_bytes() for path in run.checkpoints.iterdir()}
