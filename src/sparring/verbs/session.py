"""One session of training: a run's recipe, data, game, monitor and trainer brought together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from sparring.core import machine, precision
from sparring.core.callbacks import SILENT, Callbacks
from sparring.core.errors import ProcessLost, TrainingDiverged, UserError
from sparring.core.files import write_text
from sparring.core.game import Batch
from sparring.core.journal import board_writer
from sparring.core.monitor import Monitor
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run
from sparring.core.seeds import mixed
from sparring.core.signals import Stop
from sparring.core.status import Field, Status, best_score, clock
from sparring.core.trainer import Trainer
from sparring.core.weights import may_be_trained, planned
from sparring.data.feed import Feed
from sparring.data.fingerprint import fingerprint_of
from sparring.data.order import Order, evenly, held_out_count, split
from sparring.measurements import QuickMeasurements
from sparring.modalities import modality_of
from sparring.report.closing import Command, next_commands, opening, quoted_path
from sparring.report.run_files import RunFiles
from sparring.verbs.resuming import check_nothing_is_replaced, check_same_data, is_published

SHOWN, TIMES = 64, 4  # real examples that a preview may be made of; so many times as many as it shows by labels


@dataclass(frozen=True)
class Outcome:
    """How a session of training ended."""

    run: Path
    reason: str
    steps: int
    examples: int
    seconds: float
    finished: bool
    services: float  # the share of these seconds that went into what is done beside training


class Session:
    """``open_run`` is asked for the run folder only when recipe, data, game and device are known to be good.

    Raises :class:`UserError` when the data cannot be used, or are not what the run began with; TypeError for a modality
    that could not read its own models.
    """

    def __init__(
        self, recipe: Recipe, process: Process, open_run: Callable[[], Run], callbacks: Callbacks = SILENT
    ) -> None:
        if recipe.tensorboard:
            board_writer()  # told before there is a run folder
        self.recipe, self.process = recipe, process
        self.status = Status(quiet=not process.first)

        # Data, game, device
        self.modality = modality_of(recipe.kind)
        if self.status.live:
            self.status.show(Field("opening the data ..."))
        self.source = self.modality.open_source(recipe)
        if type(self.source.form) is not self.modality.form:
            form = type(self.source.form).__name__
            raise TypeError(
                f"{recipe.kind}: its source has a {form}, and so must Modality.form be; models are read by it"
            )
        device = precision.find_device(recipe.device, process.local_rank)
        may_be_trained(planned(lambda: self.modality.build_game(recipe, self.source.form)), device)
        torch.manual_seed(mixed(recipe.seed))
        self.game = self.modality.build_game(recipe, self.source.form)
        networks = [player.network for player in self.game.players.values()]
        self.precision = precision.choose(recipe.precision, device, networks)

        # The run, which must have begun with the same data
        self.run = open_run()
        self.fingerprint = fingerprint_of(self.source)
        check_same_data(self.run, recipe, self.modality, self.source, self.fingerprint, self.status.say)
        members, held_out = split(len(self.source), recipe.seed, held_out_count(recipe.held_out, len(self.source)))
        self.order = Order(members, recipe.seed)
        layout = self.modality.layout(self.game.classes)
        most = layout.count * (TIMES if layout.classes else 1) or SHOWN
        shown = self.precision.on_device(self.source.batch(evenly(held_out if len(held_out) else members, most)))

        # Who writes, who watches, and who trains
        self.files = RunFiles(
            self.run, recipe, self.modality, self.game, self.source, shown, self.fingerprint, self.keep_recipe
        )
        self.monitor = Monitor(
            self.run,
            recipe,
            measurements=QuickMeasurements(
                self.modality, self.game, self.source, members, held_out, recipe.seed, self.precision
            ),
            preview=self.files.preview,
            publish=self.files.publish,
            report=self.files.report,
            precision=self.precision,
            process=process,
            status=self.status,
            callbacks=callbacks,
        )
        self.trainer = Trainer(
            self.game, recipe, self.run, feed=self.feed, monitor=self.monitor, precision=self.precision, process=process
        )

    def play(self, stop: Stop) -> Outcome:
        """Train until the budget is used up or ``stop`` is raised; leaves the report behind.

        Raises :class:`UserError` when another process trains in this folder, when its checkpoints are gone, or when
        data or disk fail on the way; :class:`TrainingDiverged` when losses cannot be kept finite.
        """
        trainer = self.trainer
        with self.run.locked() if self.process.first else nullcontext():
            resumed = trainer.restore()
            if not resumed:
                check_nothing_is_replaced(self.run)
            if self.process.first:
                self.run.make_folders()
                self.write_recipe()  # a resumed run's budget may be new
            self.monitor.journal.cut(trainer.progress.examples)
            if resumed and (reason := self.nothing_left()):
                reason = f"nothing was left to do: {reason}"
            else:
                self.announce(resumed)
                self.report(live=True)
                with stop:
                    reason = self.train(stop)
            self.report()
        progress = trainer.progress
        seconds, share, finished = progress.seconds, progress.share_of_services(), reason != "stopped"
        outcome = Outcome(self.run.folder, reason, progress.step, progress.examples, seconds, finished, share)
        self.say_goodbye(outcome)
        return outcome

    def train(self, stop: Stop) -> str:
        """Why training ended, in words. Raises what ended it otherwise, and keeps what was learned until then."""
        trainer = self.trainer
        while True:
            try:
                return trainer.play(stop)
            except TrainingDiverged as trouble:
                self.monitor.journal.write("end", reason=f"diverged: {trouble}", examples=trainer.progress.examples)
                self.report()
                raise
            except (UserError, ProcessLost):  # the data have gone, the disk is full, or the run folder went away
                moved = not self.run.recipe.exists()
                if self.process.world_size == 1:
                    with suppress(UserError):
                        trainer.save()
                if not (moved and self.run.recipe.exists()):
                    with suppress(UserError):
                        self.report()
                    raise

    def nothing_left(self) -> str:
        """Why there is nothing left to train, in words; empty where there is."""
        progress = self.trainer.progress
        reason = self.monitor.budget.used_up(progress, self.monitor.best.misses, stopped=False)
        return reason if is_published(self.run, progress.examples) else ""

    def write_recipe(self) -> None:
        """``recipe.yaml``, without which nobody can go on."""
        write_text(self.run.recipe, self.recipe.to_yaml())

    def keep_recipe(self) -> None:
        """Make the recipe anew in a run folder that was moved away meanwhile."""
        if not self.run.recipe.exists():
            self.status.say(f"warning: {self.run.folder}: was moved or deleted; it is made anew, and training goes on")
            self.write_recipe()

    def report(self, live: bool = False) -> None:
        """``report.html``, from what the journal and the previews say; ``live`` while training goes on."""
        if self.process.first:
            self.files.report(live)

    def feed(self, start: int) -> Iterator[Batch]:
        """This process's share of every batch, tensors of ``(rows, ...)``, from ``start`` examples on."""
        process, recipe = self.process, self.recipe
        feed = Feed(
            self.source,
            self.order,
            batch=recipe.batch,
            rank=process.rank,
            processes=process.world_size,
            workers=0 if self.source.in_memory else recipe.workers,
        )
        return feed.batches(start)

    # What a person reads

    def announce(self, resumed: bool) -> None:
        """The banner, and the journal's first line."""
        players = {name: parameters(player.network) for name, player in self.game.players.items()}
        seen = self.trainer.progress.examples
        for line in opening(self.recipe.name, self.source, players, str(self.precision)):
            self.status.say(line)
        verb = f"going on after {seen:,} examples" if resumed else "training"
        self.status.say(f"{verb} in {self.run.folder}; Ctrl-C saves and stops")
        self.monitor.journal.write(
            "resume" if resumed else "start",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            device=self.precision.device.type,
            precision=str(self.precision),
            players=players,
            data=self.source.name,
            count=len(self.source),
            bad_files=[bad.path for bad in self.source.bad_files],
            processes=self.process.world_size,
            use=self.modality.entry.use,
            machine=machine.described(self.precision.device),
            preview=self.files.layout(),
            examples=seen,
        )
        if warning := self.precision.warning():
            self.monitor.warn({"precision": warning}, self.trainer.progress)

    def say_goodbye(self, outcome: Outcome) -> None:
        """How it ended and how to go on."""
        folder, monitor, use = outcome.run, self.monitor, self.modality.entry.use
        self.status.say(
            f"{outcome.reason}: {outcome.examples:,} examples in {clock(outcome.seconds)}; "
            f"{quoted_path(folder)}/report.html"
        )
        if (self.run.best / "config.json").exists():
            score, best = best_score(self.recipe.metric, monitor.best.distance), monitor.best.examples
            self.status.say(f"{score} was after {best:,} examples: {quoted_path(self.run.best)}, a model like the last")
        told, command = self.modality.closing_remark(self.game, outcome.examples, outcome.seconds)
        for line in next_commands(folder, use, finished=outcome.finished, remark=Command(command, told)):
            self.status.say(line)


def parameters(network: torch.nn.Module) -> int:
    """The number of a network's weights."""
    return sum(weight.numel() for weight in network.parameters())
