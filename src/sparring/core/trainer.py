"""The trainer plays any game, from the first step to the last.

It owns steps, precision, processes and averages. What is seen of a run on the way is ``core/monitor.py``, how a run
comes back ``core/checkpoint.py``. It knows nothing of pixels, words or samples. Read :meth:`Trainer.play`, then
:meth:`Trainer.step`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from sparring.core import processes
from sparring.core.averaging import Averages, frozen
from sparring.core.checkpoint import Checkpoints
from sparring.core.errors import TrainingDiverged
from sparring.core.game import Batch, Event, Game, Step
from sparring.core.monitor import Monitor
from sparring.core.pacing import Due, Progress, Services, passed
from sparring.core.precision import Precision
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run
from sparring.core.running_means import RunningMeans, gradient_norm
from sparring.core.seeds import mixed, seed_torch
from sparring.core.signals import Stop

PERIOD = 16  # steps between looks at what was reported: each look waits for the device
LINE_SECONDS = 1.0  # between lines of progress


class Trainer:
    """Plays ``game`` as ``recipe`` says, in ``run``.

    ``feed(examples_seen)`` yields this process's share of each batch from there on, tensors of ``(batch, ...)``.
    """

    def __init__(self, game: Game, recipe: Recipe, run: Run, *, feed: Callable[[int], Iterator[Batch]],
                 monitor: Monitor, precision: Precision, process: Process) -> None:  # fmt: skip
        self.game, self.recipe, self.run, self.feed = game, recipe, run, feed
        self.monitor, self.precision, self.process = monitor, precision, process
        self.part = process.part(recipe.batch)
        for player in game.players.values():
            precision.place(player.network)
            player.network.train()
        self.averages = Averages(game.players)
        self.checkpoints = Checkpoints(run, game, self.averages, self.part, precision.device, recipe.keep_checkpoints)
        self.progress, self.means = Progress(), RunningMeans()
        self.recent: Batch = {}

    # The loop

    def play(self, stop: Stop) -> str:
        """Train until the recipe's budget is used up or ``stop`` is raised; returns which, in words.

        Raises :class:`TrainingDiverged` after one non-finite period too many.
        """
        while not (reason := self.play_on(stop)):
            self.go_back()
        self.save()
        self.monitor.write_preview(self.averages.networks, self.progress)
        if self.means.examples:
            self.note_progress()
        self.monitor.end(reason, self.progress)
        return reason

    def play_on(self, stop: Stop) -> str:
        """Train from here on; returns why it ended, empty when numbers stopped being finite."""
        progress, services = self.progress, Services(self.progress, self.precision.device)
        self.monitor.plan(services, self.averages.networks, lambda: self.recent)
        services.plan(self.save, self.recipe.checkpoint_every)
        batches, line = self.feed(progress.examples), Due(LINE_SECONDS, last=progress.seconds)
        while not (reason := self.monitor.budget.used_up(progress, self.monitor.best.misses, stop.raised)):
            before = progress.examples
            self.step(batches)
            services.tick()

            # By steps and examples, so that a resumed run measures and reacts where an uninterrupted one does
            if passed(before, progress.examples, self.recipe.measure_every):
                services.do(self.measure)
            if progress.step % PERIOD == 0 and not self.look():
                return ""

            # By time: what is due in one process is due in all
            if line.now(progress.seconds) and not self.note_progress():
                return ""
            services.do_what_is_due()
        return reason if self.healthy() else ""

    def step(self, batches: Iterator[Batch]) -> None:
        """One step: every turn that the game asks for, then the averages follow."""
        # Batches
        asked = time.perf_counter()
        given = [self.precision.on_device(next(batches)) for _ in range(self.game.batches)]
        self.means.waited += time.perf_counter() - asked
        self.recent = given[-1]

        # Randomness: dropout draws from torch's own generator, everything else from the step's
        seen, seed = self.progress.examples, self.recipe.seed
        size, part, device = self.recipe.batch, self.part, self.precision.device
        seed_torch(mixed(seed, self.process.rank, seen), device)
        step = Step(given, examples_seen=seen, seed=mixed(seed, seen), global_batch=size, part=part, device=device)

        # Turns: while one player moves, the others are frozen
        turns = self.game.turns(step)
        while True:
            with self.precision.autocast():
                turn = next(turns, None)
                if turn is None:
                    break
                with frozen(self.game.players, turn.mover):
                    loss = turn.loss()
            self.move(turn.mover, loss, step)

        # Averages
        examples = self.recipe.batch * self.game.batches
        self.progress.step += 1
        self.progress.examples += examples
        self.averages.follow(examples, self.recipe.average_half_life(self.progress.examples))
        self.means.add(step.report, examples)

    def move(self, mover: str, loss: Tensor, step: Step) -> None:
        """Backward of the scalar ``loss``, one reduction of the mover's gradients, their limit, its optimiser's
        step."""
        player, seen = self.game.players[mover], self.progress.examples
        loss.backward()  # type: ignore[no-untyped-call]
        processes.average_gradients(player.weights)
        if (self.progress.step + 1) % PERIOD == 0:
            step.report[f"gradient/{mover}"] = gradient_norm(player.weights)
        if self.recipe.clip_gradients:
            # Pascanu et al. 2013, section 3.2
            torch.nn.utils.clip_grad_norm_(player.weights, self.recipe.clip_gradients)
        player.move(self.learning_rate(), (self.recipe.beta1, self.recipe.beta2(seen)))
        player.optimizer.zero_grad(set_to_none=True)
        step.report[f"losses/{mover}"] = loss.detach()

    def learning_rate(self) -> float:
        """The recipe's at this moment, halved for each return to a checkpoint."""
        return self.recipe.learning_rate(self.progress.examples) * 0.5**self.progress.rollbacks

    # What happened

    def look(self) -> bool:
        """Read what was reported, tell the game and the monitor; False when it is not all finite."""
        means, examples = self.means.read()
        if not all(map(math.isfinite, means.values())):
            return False
        self.react(self.game.observe(means, examples))
        self.monitor.watch_gradients(means, self.progress)
        return True

    def note_progress(self) -> bool:
        """The means since the last line, for the monitor to write and show; False when they are not all finite."""
        if not self.means.finite():
            return False
        self.monitor.note_progress(*self.means.close(), self.learning_rate(), self.progress)
        return True

    def healthy(self) -> bool:
        """Whether everything that was reported, and every weight, is finite in every process."""
        return self.means.finite() and self.checkpoints.healthy()

    def measure(self) -> None:
        """Measure the averages; the game hears of it as of the means of training."""
        measured = self.monitor.measure(self.averages.networks, self.recent, self.progress)
        self.react(self.game.observe({f"metrics/{name}": value for name, value in measured.items()}, 0))

    def react(self, event: Event | None) -> None:
        """Tell a person of an event; where the players have new weights, forget what was remembered of the old ones."""
        if event is None:
            return
        if event.restarted:
            for player in self.game.players.values():
                player.optimizer.state.clear()
            self.averages.follow(1, half_life=0)
        self.monitor.tell(event, self.progress)

    # Coming back

    def save(self) -> None:
        """A checkpoint, and the model as it is now. The first process writes, the others wait for it."""
        writes = self.healthy() and self.process.first
        more = {"best": self.monitor.best.state(), **self.means.state()}
        self.checkpoints.save(self.progress, more, writes=writes)
        if writes:
            self.monitor.publish(self.averages.networks, self.run.model, self.progress)
        processes.barrier()

    def restore(self) -> bool:
        """Go back to the newest checkpoint that is whole; False when there is none.

        Raises :class:`UserError` when checkpoints are all damaged, or do not fit the recipe beside them.
        """
        found = self.checkpoints.restore()
        if found is None:
            return False
        self.progress, state, damaged = found
        self.monitor.restored(state, damaged)
        self.means = RunningMeans.restored(state)
        return True

    def go_back(self) -> None:
        """After a number that is not finite: the newest checkpoint again, with half the learning rate.

        Raises :class:`TrainingDiverged` when that did not help as often as the recipe allows.
        """
        at, again, best = self.progress.examples, self.progress.rollbacks + 1, self.monitor.best
        if again > self.recipe.rollbacks or not self.restore():
            raise TrainingDiverged(
                f"{self.run.folder}: losses stopped being finite numbers after {at:,} examples, "
                f"{again - 1} fresh starts from a checkpoint did not help; lower learning_rate"
            )
        self.progress.rollbacks, self.monitor.best = again, best  # best/ may hold weights from after that checkpoint
        self.monitor.went_back(at, self.progress)
