"""One session of training: a run's recipe, data, game and trainer brought together."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import sparring
from sparring.core import precision
from sparring.core.errors import TrainingDiverged, UserError
from sparring.core.files import write_atomically
from sparring.core.game import Networks, mixed
from sparring.core.journal import board_writer
from sparring.core.processes import Processes
from sparring.core.recipe import Recipe
from sparring.core.run import Run, read_config, save_model, weights_hash
from sparring.core.signals import Stop
from sparring.core.status import Status, clock
from sparring.core.trainer import SHEET, Batch, Trainer
from sparring.data.feed import Feed
from sparring.data.order import Order, held_out_count, split
from sparring.report.report import write_report
from sparring.rooms import room_of
from sparring.verbs.card import model_card
from sparring.verbs.gauge import Gauge


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
    """``open_run`` is asked for the run folder only when data and game are known to be good.

    Raises :class:`UserError` when the data cannot be used, or are not what the run began with.
    """

    def __init__(self, recipe: Recipe, ours: Processes, open_run: Callable[[], Run]) -> None:
        if recipe.tensorboard:
            board_writer()  # told before there is a run folder
        self.recipe, self.ours = recipe, ours
        self.room = room_of(recipe)
        self.status = Status(quiet=not ours.first)
        self.source = self.room.open_source(recipe)
        torch.manual_seed(mixed(recipe.seed))
        self.game = self.room.build(recipe, self.source.form)
        self.run = open_run()
        self.same_data()
        device = precision.find_device(recipe.device, ours.local_rank)
        networks = [player.network for player in self.game.players.values()]
        self.precision = precision.choose(recipe.precision, device, networks)
        members, held_out = split(len(self.source), recipe.seed, held_out_count(recipe.held_out, len(self.source)))
        self.order = Order(members, recipe.seed)
        self.trainer = Trainer(
            self.game,
            recipe,
            self.run,
            feed=self.feed,
            held_out=self.source.batch(held_out) if len(held_out) >= 16 else None,
            shown=self.source.batch((held_out if len(held_out) else members)[:SHEET]),
            show=self.show,
            publish=self.publish,
            gauge=lambda networks: self.gauge(networks),
            precision=self.precision,
            ours=ours,
            status=self.status,
        )

    @cached_property
    def gauge(self) -> Gauge:
        """What measures the distance to the data now and then; only a run that comes that far reads its examples."""
        return Gauge(self.room, self.game, self.source, self.order.members, self.recipe.seed, self.precision.device)

    def play(self, stop: Stop) -> Outcome:
        """Train until the budget is used up or ``stop`` is raised; leaves the report behind.

        Raises :class:`UserError` when another process trains in this folder.
        """
        with self.run.held() if self.ours.first else nullcontext():
            return self.play_alone(stop)

    def play_alone(self, stop: Stop) -> Outcome:
        """The same, in a folder that is ours."""
        trainer = self.trainer
        if self.ours.first:
            self.run.lay_out()
            write_atomically(self.run.recipe, self.recipe.to_yaml().encode())  # a resumed run's budget may be new
        resumed = trainer.restore()
        trainer.journal.cut(trainer.examples_seen)
        self.announce(resumed)
        with stop:
            try:
                reason = trainer.play(stop)
            except TrainingDiverged as trouble:
                trainer.journal.write("end", reason=f"diverged: {trouble}", examples=trainer.examples_seen)
                self.report()
                raise
            self.report()
        outcome = Outcome(
            self.run.folder,
            reason,
            trainer.step_count,
            trainer.examples_seen,
            trainer.seconds,
            reason != "stopped",
        )
        self.say_goodbye(outcome)
        return outcome

    def feed(self, start: int) -> Iterator[Batch]:
        """This process's share of every batch from ``start`` examples on."""
        ours, recipe = self.ours, self.recipe
        feed = Feed(
            self.source,
            self.order,
            batch=recipe.batch,
            rank=ours.rank,
            processes=ours.count,
            workers=0 if self.source.in_memory else recipe.workers,
        )
        return feed.batches(start)

    def same_data(self) -> None:
        """Raise :class:`UserError` when a run goes on with other data than it began with."""
        if not (self.run.model / "config.json").exists():
            return
        try:
            config = read_config(self.run.model)
        except UserError as problem:
            self.status.say(f"warning: {problem}; the model will be written anew")
            return
        began, now = (config["examples"], config["form"]), (len(self.source), self.source.form)
        if began != now:
            difference = [f"{was}, now {is_}" for was, is_ in zip(began, now, strict=True) if was != is_]
            raise UserError(
                f"{self.recipe.data}: is not what this run began with ({'; '.join(difference)}); "
                "restore the data, or train a new run"
            )

    def report(self) -> None:
        """``report.html``, from what the journal and the samples say."""
        if self.ours.first:
            write_report(self.run.folder)

    # What the trainer leaves to the room

    def note(self, weights: str) -> dict[str, Any]:
        """What a picture says of where it came from."""
        return {
            "sparring": sparring.__version__,
            "recipe": shareable(self.recipe),
            "model": weights,
            "examples_seen": self.trainer.examples_seen,
        }

    def show(self, samples: Tensor, path: Path) -> Path:
        """Write a sheet of samples; where it went."""
        path = path.with_suffix(self.room.sheet)
        weights = weights_hash(self.trainer.averages["generator"].state_dict())
        note = {**self.note(weights), "seed": self.recipe.seed}
        self.room.write_samples(self.game.present(samples), None, path, note, overwrite=True)
        return path

    def publish(self, networks: Networks, folder: Path) -> None:
        """Write a model folder."""
        config = {
            "kind": self.recipe.kind,
            "recipe": shareable(self.recipe),
            "form": self.source.form,
            "examples": len(self.source),
            "examples_seen": self.trainer.examples_seen,
        }
        tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
        save_model(folder, config, tensors, model_card(self.recipe, config))

    # What a person reads

    def announce(self, resumed: bool) -> None:
        """The banner, and the journal's first line."""
        players = {name: count(player.network) for name, player in self.game.players.items()}
        say, source = self.status.say, self.source
        say(f"{self.recipe.name}: {len(source):,} examples from {source.name}, {described(source.form)}")
        for bad in source.bad_files[:5]:
            say(f"skipped {bad.path}: {bad.reason}")
        if len(source.bad_files) > 5:
            say(f"skipped {len(source.bad_files) - 5} more bad files; 'sparring data check' names them all")
        say(
            ", ".join(f"{name} {number / 1e6:.2f}M" for name, number in players.items())
            + f" parameters; {self.precision}"
        )
        verb = f"going on after {self.trainer.examples_seen:,} examples" if resumed else "training"
        say(f"{verb} in {self.run.folder}; Ctrl-C saves and stops")
        self.trainer.journal.write(
            "resume" if resumed else "start",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            device=self.precision.device.type,
            precision=str(self.precision),
            players=players,
            data=source.name,
            count=len(source),
            bad_files=[bad.path for bad in source.bad_files],
            processes=self.ours.count,
            examples=self.trainer.examples_seen,
        )

    def say_goodbye(self, outcome: Outcome) -> None:
        """How it ended and how to go on."""
        folder = shlex.quote(str(outcome.run))
        self.status.say(
            f"{outcome.reason}: {outcome.examples:,} examples in {clock(outcome.seconds)}; {folder}/report.html"
        )
        more = f"go on with: sparring resume {folder}"
        if outcome.finished:
            given = " pictures/" if self.room.verb == "translate" else ""
            more += f" --time 2h (or --steps) | use it with: sparring {self.room.verb} {folder}{given}"
        self.status.say(more)
        if (self.run.best / "config.json").exists():
            best = self.trainer.best.examples
            self.status.say(
                f"best {self.recipe.metric} was after {best:,} examples: {folder}/best, a model like the last"
            )


def count(network: torch.nn.Module) -> int:
    """Its parameters."""
    return sum(weight.numel() for weight in network.parameters())


def described(form: dict[str, Any]) -> str:
    """The form of the data in words."""
    if "height" in form:
        labels = f", {len(form['labels'])} labels" if form["labels"] else ""
        return f"{form['height']}x{form['width']}, {form['channels']} channels{labels}"
    return ", ".join(f"{key} {value}" for key, value in form.items() if isinstance(value, int))


def shareable(recipe: Recipe) -> dict[str, Any]:
    """The recipe without the place of the data on this machine."""
    return {**recipe.to_dict(), **{name: Path(getattr(recipe, name)).name for name in recipe.data_settings}}
