"""One session of training: a run's recipe, data, game, monitor and trainer brought together."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from sparring.core import precision
from sparring.core.errors import TrainingDiverged, UserError
from sparring.core.files import write_atomically
from sparring.core.game import Batch, Networks
from sparring.core.journal import board_writer
from sparring.core.monitor import Monitor
from sparring.core.pacing import Progress
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run, model_hash, read_config, save_model
from sparring.core.seeds import mixed
from sparring.core.signals import Stop
from sparring.core.status import Status, clock
from sparring.core.terminal import shortened
from sparring.core.trainer import Trainer
from sparring.data.feed import Feed
from sparring.data.order import Order, held_out_count, split
from sparring.data.source import remarks_of
from sparring.measurements import QuickMeasurements
from sparring.media.pictures.notes import stamped
from sparring.modalities import modality_of
from sparring.modality import Modality
from sparring.report.report import write_report
from sparring.verbs.card import model_card
from sparring.version import __version__

SHOWN = 64  # real examples that a preview may be made of
NAMED = 5  # bad files that are named
PATH, LINE = 120, 240  # characters of a path and of a line on the screen


@dataclass(frozen=True)
class Outcome:
    """How a session of training ended."""

    run: Path
    reason: str
    steps: int
    examples: int
    seconds: float
    finished: bool


class Session:
    """``open_run`` is asked for the run folder only when recipe, data, game and device are known to be good.

    Raises :class:`UserError` when the data cannot be used, or are not what the run began with; TypeError for a modality
    that could not read its own models.
    """

    def __init__(self, recipe: Recipe, process: Process, open_run: Callable[[], Run]) -> None:
        if recipe.tensorboard:
            board_writer()  # told before there is a run folder
        self.recipe, self.process = recipe, process
        self.status = Status(quiet=not process.first)

        # Data, game, device
        self.modality = modality_of(recipe.kind)
        self.source = self.modality.open_source(recipe)
        if type(self.source.form) is not self.modality.form:
            form = type(self.source.form).__name__
            raise TypeError(
                f"{recipe.kind}: its source has a {form}, and so must Modality.form be; models are read by it"
            )
        torch.manual_seed(mixed(recipe.seed))
        self.game = self.modality.build_game(recipe, self.source.form)
        device = precision.find_device(recipe.device, process.local_rank)
        networks = [player.network for player in self.game.players.values()]
        self.precision = precision.choose(recipe.precision, device, networks)

        # The run, which must have begun with the same data
        self.run = open_run()
        self.same_data()
        members, held_out = split(len(self.source), recipe.seed, held_out_count(recipe.held_out, len(self.source)))
        self.order = Order(members, recipe.seed)
        self.shown = self.precision.on_device(self.source.batch((held_out if len(held_out) else members)[:SHOWN]))

        # Who watches, and who trains
        self.monitor = Monitor(
            self.run,
            recipe,
            measurements=QuickMeasurements(
                self.modality, self.game, self.source, members, held_out, recipe.seed, self.precision
            ),
            preview=self.preview,
            publish=self.publish,
            precision=self.precision,
            process=process,
            status=self.status,
        )
        self.trainer = Trainer(
            self.game,
            recipe,
            self.run,
            feed=self.feed,
            monitor=self.monitor,
            precision=self.precision,
            process=process,
        )

    def play(self, stop: Stop) -> Outcome:
        """Train until the budget is used up or ``stop`` is raised; leaves the report behind.

        Raises :class:`UserError` when another process trains in this folder, :class:`TrainingDiverged` when losses
        cannot be kept finite.
        """
        trainer = self.trainer
        with self.run.locked() if self.process.first else nullcontext():
            if self.process.first:
                self.run.make_folders()
                write_atomically(self.run.recipe, self.recipe.to_yaml().encode())  # a resumed run's budget may be new
            resumed = trainer.restore()
            self.monitor.journal.cut(trainer.progress.examples)
            self.announce(resumed)
            with stop:
                try:
                    reason = trainer.play(stop)
                except TrainingDiverged as trouble:
                    self.monitor.journal.write("end", reason=f"diverged: {trouble}", examples=trainer.progress.examples)
                    self.report()
                    raise
            self.report()
        progress = trainer.progress
        outcome = Outcome(
            self.run.folder, reason, progress.step, progress.examples, progress.seconds, reason != "stopped"
        )
        self.say_goodbye(outcome)
        return outcome

    def report(self) -> None:
        """``report.html``, from what the journal and the previews say."""
        if self.process.first:
            write_report(self.run.folder)

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

    def same_data(self) -> None:
        """Raise :class:`UserError` when a run goes on with other data than it began with."""
        if not (self.run.model / "config.json").exists():
            return
        try:
            config = read_config(self.run.model)
            began = self.modality.form.from_dict(config["form"])
        except UserError as problem:
            self.status.say(f"warning: {problem}; the model will be written anew")
            return
        examples, now = config["examples"], self.source.form
        difference = [f"{examples:,} examples, now {len(self.source):,}"] if examples != len(self.source) else []
        if began != now:
            difference.append(f"has {began.differs(now)}" if began.differs(now) else "its examples are others")
        if difference:
            raise UserError(
                f"{self.recipe.data}: is not what this run began with ({'; '.join(difference)}); "
                "restore the data, or train a new run"
            )

    # What the monitor asks for

    def preview(self, networks: Networks, progress: Progress) -> Path:
        """Write what the modality shows of its game along the way; where it went."""
        artifact = self.modality.preview(self.game, networks, self.shown, seed=self.recipe.seed)
        note = {
            "sparring": __version__,
            "recipe": shareable(self.recipe),
            "model": model_hash(networks),
            "examples_seen": progress.examples,
            "seed": self.recipe.seed,
        }
        path = self.run.samples / f"{progress.examples:012d}{artifact.ending}"
        write_atomically(path, stamped(artifact.data, artifact.media_type, note), durable=False)
        return path

    def publish(self, networks: Networks, folder: Path, progress: Progress) -> None:
        """Write a model folder."""
        config = {
            "kind": self.recipe.kind,
            "recipe": shareable(self.recipe),
            "form": self.source.form.to_dict(),
            "examples": len(self.source),
            "examples_seen": progress.examples,
        }
        tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
        card = model_card(self.recipe, config, makes="" in self.game.outputs)
        save_model(folder, config, tensors, card)

    # What a person reads

    def announce(self, resumed: bool) -> None:
        """The banner, and the journal's first line."""
        players = {name: parameters(player.network) for name, player in self.game.players.items()}
        say, source, seen = self.status.say, self.source, self.trainer.progress.examples
        place, form = shortened(source.name, PATH), shortened(source.form.described(), PATH)
        say(f"{self.recipe.name}: {len(source):,} examples from {place}, {form}")
        for line in remarks_of(source):
            say(shortened(line, LINE))
        for bad in source.bad_files[:NAMED]:
            say(f"skipped {shortened(bad.path, PATH)}: {shortened(bad.reason)}")
        if len(source.bad_files) > NAMED:
            say(f"skipped {len(source.bad_files) - NAMED} more bad files; 'sparring data check' names them all")
        sizes = ", ".join(
            f"{name} {number / 1e6:.2f}M" if number > 1e5 else f"{name} {number:,}" for name, number in players.items()
        )
        say(f"{sizes} parameters; {self.precision}")
        verb = f"going on after {seen:,} examples" if resumed else "training"
        say(f"{verb} in {self.run.folder}; Ctrl-C saves and stops")
        self.monitor.journal.write(
            "resume" if resumed else "start",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            device=self.precision.device.type,
            precision=str(self.precision),
            players=players,
            data=source.name,
            count=len(source),
            bad_files=[bad.path for bad in source.bad_files],
            processes=self.process.world_size,
            use=self.use,
            examples=seen,
        )

    @property
    def use(self) -> str:
        """The command that uses the trained model, with ``{run}`` in place of its folder."""
        if "" in self.game.outputs:
            return "sample {run} -n 64"
        translates = type(self.modality).translate is not Modality.translate
        return "translate {run} INPUT..." if translates else "evaluate {run}"

    def say_goodbye(self, outcome: Outcome) -> None:
        """How it ended and how to go on."""
        folder = shlex.quote(str(outcome.run))
        self.status.say(
            f"{outcome.reason}: {outcome.examples:,} examples in {clock(outcome.seconds)}; {folder}/report.html"
        )
        more = f"go on with: sparring resume {folder}"
        if outcome.finished:
            more += f" --time 2h (or --steps) | use it with: sparring {self.use.format(run=folder)}"
        self.status.say(more)
        if (self.run.best / "config.json").exists():
            best = self.monitor.best.examples
            self.status.say(
                f"best {self.recipe.metric} was after {best:,} examples: {folder}/best, a model like the last"
            )


def parameters(network: torch.nn.Module) -> int:
    """The number of a network's weights."""
    return sum(weight.numel() for weight in network.parameters())


def shareable(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, without the place of the data on this machine."""
    return {**recipe.to_dict(), **{name: Path(getattr(recipe, name)).name for name in recipe.data_settings}}
