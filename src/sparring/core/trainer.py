"""The trainer plays any game, from the first step to the last, and loses nothing on the way.

It owns steps, precision, processes, averages, schedules, checkpoints and the journal. It knows nothing of
pixels, words or samples. Read :meth:`Trainer.play`, then :meth:`Trainer.step`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core import checkpoint, health, processes
from sparring.core.averaging import average_of, follow
from sparring.core.best import Best, due
from sparring.core.errors import TrainingDiverged, UserError
from sparring.core.game import Game, Networks, Step, mixed
from sparring.core.journal import Journal
from sparring.core.pacing import Due, Timer
from sparring.core.precision import Precision
from sparring.core.processes import Processes
from sparring.core.recipe import Recipe
from sparring.core.run import Run
from sparring.core.running_means import RunningMeans, gradient_norm, grouped
from sparring.core.signals import Stop
from sparring.core.status import Status, progress_line

Batch = Mapping[str, Tensor]
PERIOD = 16  # steps between looks at what was reported: each look waits for the device
HEALTH_SECONDS = 10.0  # between health checks
CHECKED = 256  # held-out examples of a health check
SHEET = 64  # samples on a sheet
GROWTH = 0.02  # sheets and health checks become rarer as a run grows: one every 2 % of its time


class Trainer:
    """Plays ``game`` as ``recipe`` says, in ``run``.

    ``feed(examples_seen)`` yields this process's share of each batch from there on; ``held_out`` is a batch of
    examples that no feed yields (None without), ``shown`` one for the sheets of a game that changes examples;
    ``show(samples, path)`` writes a sheet and returns where, ``path`` with an ending, ``publish(networks, folder)``
    writes the model, ``gauge(networks)`` measures distances to the data: what they look like is the room's affair.
    """

    def __init__(
        self,
        game: Game,
        recipe: Recipe,
        run: Run,
        *,
        feed: Callable[[int], Iterator[Batch]],
        held_out: Batch | None,
        shown: Batch | None = None,
        show: Callable[[Tensor, Path], Path],
        publish: Callable[[Networks, Path], None],
        gauge: Callable[[Networks], Mapping[str, float]] | None = None,
        precision: Precision,
        ours: Processes,
        status: Status,
    ) -> None:
        self.game, self.recipe, self.run = game, recipe, run
        self.feed, self.held_out, self.shown = feed, held_out, shown
        self.show, self.publish, self.gauge = show, publish, gauge
        self.precision, self.ours, self.status = precision, ours, status
        self.part = ours.part(recipe.batch)
        self.journal = Journal(run.journal if ours.first else None, board=recipe.tensorboard)
        for player in game.players.values():
            precision.place(player.network)
            player.network.train()
        self.averages = {
            name: average_of(player.network) if player.averaged else player.network
            for name, player in game.players.items()
        }
        self.step_count = self.examples_seen = self.rollbacks = 0
        self.seconds = 0.0
        self.recent: Batch = {}
        self.watch = health.Watch()
        self.best = Best()
        self.unmeasured = False  # told so
        self.means = RunningMeans()

    # The loop

    def play(self, stop: Stop) -> str:
        """Train until the recipe's budget is used up or ``stop`` is raised; returns which, in words.

        Raises :class:`TrainingDiverged` after one non-finite period too many.
        """
        while not (reason := self.play_on(stop)):
            self.go_back()
        self.save()
        self.write_sheet()
        if self.means.examples:  # none where nothing was left to do
            if self.means.reports:
                self.means.read()
            self.note_progress()
        self.journal.write(
            "end", reason=reason, examples=self.examples_seen, step=self.step_count, seconds=self.seconds
        )
        return reason

    def play_on(self, stop: Stop) -> str:
        """Train from here on; returns why it ended, empty when numbers stopped being finite."""
        batches, timer = self.feed(self.examples_seen), Timer(self.seconds)
        sheet, check = Due(self.recipe.sample_every, GROWTH), Due(HEALTH_SECONDS, GROWTH)
        save = Due(self.recipe.checkpoint_every)
        while not (reason := self.reason_to_end(stop)):
            before = self.examples_seen
            self.step(batches)
            if due(before, self.examples_seen, self.recipe.measure_every):
                self.measure()
            self.seconds = processes.latest(timer.seconds(), self.precision.device)
            if self.step_count % PERIOD == 0 and not self.look():
                return ""
            if check.now(self.seconds):
                self.check_health()
            if sheet.now(self.seconds):
                self.write_sheet()
            if save.now(self.seconds):
                self.save()
        return reason if self.healthy() else ""

    def step(self, batches: Iterator[Batch]) -> None:
        """One step: every turn that the game asks for, then the averages follow."""
        asked = time.perf_counter()
        some = [self.on_device(next(batches)) for _ in range(self.game.batches)]
        self.means.waited += time.perf_counter() - asked
        self.recent = some[-1]

        torch.manual_seed(mixed(self.recipe.seed, self.ours.rank, self.examples_seen))  # for dropout
        step = Step(
            some,
            examples_seen=self.examples_seen,
            seed=self.recipe.seed,
            global_batch=self.recipe.batch,
            part=self.part,
            device=self.precision.device,
        )
        turns = self.game.turns(step)
        while True:
            with self.precision.autocast():
                turn = next(turns, None)
                if turn is None:
                    break
                with self.only(turn.mover):
                    loss = turn.loss()
            self.move(turn.mover, loss, step)

        examples = self.recipe.batch * self.game.batches
        self.step_count += 1
        self.examples_seen += examples
        half_life = self.recipe.average_half_life(self.examples_seen)
        for name, player in self.game.players.items():
            if player.averaged:
                follow(self.averages[name], player.network, examples, half_life)
        self.means.add(step.report, examples)

    def move(self, mover: str, loss: Tensor, step: Step) -> None:
        """Backward, one reduction of the mover's gradients, their limit, its optimiser's step."""
        player = self.game.players[mover]
        weights = list(player.network.parameters())
        loss.backward()  # type: ignore[no-untyped-call]
        processes.average_gradients(weights)
        if (self.step_count + 1) % PERIOD == 0:
            step.report[f"gradient/{mover}"] = gradient_norm(weights)
        if self.recipe.clip_gradients:
            torch.nn.utils.clip_grad_norm_(weights, self.recipe.clip_gradients)  # Pascanu et al. 2013, section 3.2
        rate = self.recipe.learning_rate(self.examples_seen) * 0.5**self.rollbacks
        player.move(rate, (self.recipe.beta1, self.recipe.beta2(self.examples_seen)))
        player.optimizer.zero_grad(set_to_none=True)
        step.report[f"losses/{mover}"] = loss.detach()

    @contextmanager
    def only(self, mover: str) -> Iterator[None]:
        """Inside, no gradient is computed for any player but ``mover``."""
        others = [player.network for name, player in self.game.players.items() if name != mover]
        moving = [weight for network in others for weight in network.parameters() if weight.requires_grad]
        for weight in moving:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in moving:
                weight.requires_grad_(True)

    def on_device(self, batch: Batch) -> dict[str, Tensor]:
        """The batch where the networks are."""
        return {name: value.to(self.precision.device, non_blocking=True) for name, value in batch.items()}

    def reason_to_end(self, stop: Stop) -> str:
        """Why to stop now, in words, the same in every process; empty to go on."""
        if self.recipe.steps and self.step_count >= self.recipe.steps:
            return f"all {self.recipe.steps:,} steps are done"
        if self.recipe.time and self.seconds >= self.recipe.time:
            return "the time is up"
        if self.recipe.patience and self.best.misses >= self.recipe.patience:
            return f"{self.recipe.metric} has been no better for {self.best.misses} measurements"
        return "stopped" if processes.any_of(stop.raised, self.precision.device) else ""

    # Watching

    def look(self) -> bool:
        """Read what was reported, tell the game and the watcher; False when it is not all finite."""
        report, examples = self.means.read()
        if not all(map(math.isfinite, report.values())):
            return False
        if reason := self.game.heed(report, examples):
            self.begin_again(reason)
        self.warn(self.watch.look({name: value for name, value in report.items() if name.startswith("gradient/")}))
        if self.means.seconds() >= 1.0:
            self.note_progress()
        return True

    def begin_again(self, reason: str) -> None:
        """The game's players have new weights: what was remembered of the old ones goes."""
        for name, player in self.game.players.items():
            player.optimizer.state.clear()
            if player.averaged:
                follow(self.averages[name], player.network, 1, 0)
        self.best = Best()
        self.warn({"begun again": reason})

    def note_progress(self) -> None:
        """A line for the journal, and the live line."""
        values, waited, speed = self.means.close()
        if not values:
            return
        entry: dict[str, Any] = {
            "step": self.step_count,
            "examples": self.examples_seen,
            "seconds": round(self.seconds, 3),
            "examples_per_second": round(speed, 1),
            "waiting": round(waited, 4),
            "learning_rate": self.recipe.learning_rate(self.examples_seen) * 0.5**self.rollbacks,
            **grouped(values),
        }
        self.journal.write("step", **entry)
        self.status.show(progress_line(entry, self.time_left()))

    def time_left(self) -> float | None:
        """Seconds until the budget is used up, at the mean speed so far; None without a budget."""
        left = [self.recipe.time - self.seconds] if self.recipe.time else []
        if self.recipe.steps and self.step_count:
            left.append((self.recipe.steps / self.step_count - 1) * self.seconds)
        return min(left, default=None)

    def check_health(self) -> None:
        """Measure diversity and overfitting on held-out examples; the first process does."""
        if not self.ours.first or self.held_out is None:
            return
        with torch.no_grad(), self.precision.autocast(), evaluating(self.averages):
            held_out = self.on_device({name: rows[:CHECKED] for name, rows in self.held_out.items()})
            measured = health.measure(self.game, self.averages, self.recent, held_out, self.recipe.seed + 1)
        self.journal.write("health", examples=self.examples_seen, seconds=self.seconds, **measured)
        self.warn(self.watch.look(measured))

    def measure(self) -> None:
        """Distances to the data, measured by the first process; the best weights so far are kept beside the last."""
        measured: Mapping[str, float] = {}
        if self.ours.first and self.gauge:
            with torch.no_grad(), self.precision.autocast(), evaluating(self.averages):
                measured = dict(self.gauge(self.averages))
                if self.held_out is not None:
                    measured |= self.game.measures(self.averages, self.on_device(self.held_out))
            self.journal.write("metrics", examples=self.examples_seen, seconds=self.seconds, **measured)
            if self.recipe.metric not in measured and not self.unmeasured:
                self.unmeasured = True
                self.status.say(
                    f"warning: {self.recipe.metric} cannot be measured here, so best/ is not kept: too few data"
                )
        distance = processes.from_first(measured.get(self.recipe.metric, math.inf))
        if math.isfinite(distance) and self.best.improved_by(distance, self.examples_seen) and self.ours.first:
            self.publish(self.averages, self.run.best)
        if news := self.game.measured(distance):
            self.status.say(news)
            self.journal.write("news", message=news, examples=self.examples_seen, seconds=self.seconds)

    def warn(self, warnings: Mapping[str, str]) -> None:
        """A line on the screen and in the journal for each."""
        for kind, message in warnings.items():
            self.status.say(f"warning: {message}")
            self.journal.write("warning", kind=kind, message=message, examples=self.examples_seen, seconds=self.seconds)

    def write_sheet(self) -> None:
        """Samples from the averages, always of the same latents; the first process makes them."""
        if not self.ours.first:
            return
        with torch.no_grad(), self.precision.autocast(), evaluating(self.averages):
            batch = self.on_device(self.shown or self.recent)
            samples = self.game.sheet(self.averages, batch, SHEET, seed=self.recipe.seed)
        path = self.show(samples, self.run.samples / f"{self.examples_seen:012d}")
        self.journal.write("sample", file=f"samples/{path.name}", examples=self.examples_seen, seconds=self.seconds)

    # Coming back

    def healthy(self) -> bool:
        """Whether every weight, and every number reported since the last look, is finite: nothing else is saved."""
        weights = [w for player in self.game.players.values() for w in player.network.parameters()]
        numbers = [weight.detach() for weight in weights] + [v for r in self.means.reports for v in r.values()]
        finite = bool(torch.stack([number.float().sum() for number in numbers]).isfinite().all())
        return not processes.any_of(not finite, self.precision.device)

    def save(self) -> None:
        """A checkpoint, and the model as it is now. The first process writes, the others wait for it."""
        state, healthy = self.state(), self.healthy()
        memory = {name: processes.gathered(rows) for name, rows in self.game.memory().items()}
        if self.ours.first and healthy:
            tensors = {f"game/{name}": rows for name, rows in memory.items()}
            for name, player in self.game.players.items():
                tensors |= checkpoint.player_tensors(name, player)
                if player.averaged:
                    average = self.averages[name].state_dict()
                    tensors |= {f"{name}/average/{key}": value for key, value in average.items()}
            checkpoint.save(self.run.checkpoints, self.examples_seen, tensors, state, self.recipe.keep_checkpoints)
            self.publish(self.averages, self.run.model)
        processes.wait()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds besides tensors."""
        return {
            "step": self.step_count,
            "examples": self.examples_seen,
            "seconds": self.seconds,
            "rollbacks": self.rollbacks,
            "game": self.game.state(),
            "best": self.best.state(),
            "pending": self.means.pending(),
            "pending_examples": self.means.examples_at_look,
        }

    def restore(self) -> bool:
        """Go back to the newest checkpoint that is whole; False when there is none."""
        found = checkpoint.newest_readable(self.run.checkpoints, self.precision.device)
        if found is None:
            return False
        tensors, state, damaged = found
        for path in damaged:
            self.status.say(f"warning: {path} is damaged; going on from the one before it")
        try:
            for name, player in self.game.players.items():
                checkpoint.restore_player(name, player, tensors)
                if player.averaged:
                    checkpoint.restore_network(f"{name}/average/", self.averages[name], tensors)
        except RuntimeError:
            raise UserError(
                f"{self.run.recipe}: does not fit the checkpoints beside it; restore it as it was, or train a new run"
            ) from None
        self.step_count, self.examples_seen = state["step"], state["examples"]
        self.seconds, self.rollbacks = state["seconds"], state["rollbacks"]
        self.game.load_state(state["game"])
        memory = {name.removeprefix("game/"): rows for name, rows in tensors.items() if name.startswith("game/")}
        self.game.load_memory({name: rows[self.part] for name, rows in memory.items()})
        self.best = Best.restored(state["best"]) if "best" in state else Best()
        self.means = RunningMeans()
        self.means.restore(state["pending"], state["pending_examples"], self.precision.device)
        return True

    def go_back(self) -> None:
        """After a number that is not finite: the newest checkpoint again, with half the step."""
        at, again, best = self.examples_seen, self.rollbacks + 1, self.best
        if again > self.recipe.rollbacks or not self.restore():
            raise TrainingDiverged(
                f"{self.run.folder}: losses stopped being finite numbers after {at:,} examples, "
                f"{self.rollbacks} fresh starts from a checkpoint did not help; lower learning_rate"
            )
        self.rollbacks, self.best = again, best  # the weights in best/ may be from after that checkpoint
        self.journal.cut(self.examples_seen)
        message = (
            f"not finite: a loss was no number after {at:,} examples; back to {self.examples_seen:,}, "
            f"learning rate now {0.5**again:g} of the recipe's"
        )
        self.warn({"not finite": message})


@contextmanager
def evaluating(networks: Networks) -> Iterator[None]:
    """Inside, layers behave as they do after training (batch statistics, dropout)."""
    training = [network for network in networks.values() if network.training]
    for network in training:
        network.eval()
    try:
        yield
    finally:
        for network in training:
            network.train()
