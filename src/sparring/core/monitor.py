"""What is seen of a run while it is trained: journal, status line, health, measurements, the best weights, previews."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from sparring.core import processes
from sparring.core.averaging import evaluating
from sparring.core.callbacks import SILENT, Callbacks
from sparring.core.condition import Condition
from sparring.core.game import Batch, Event, Networks
from sparring.core.health import EARLIEST, Limit, Watch
from sparring.core.journal import Journal
from sparring.core.pacing import Best, Budget, Progress, Services
from sparring.core.precision import Precision
from sparring.core.processes import Process
from sparring.core.recipe import Recipe
from sparring.core.run import Run
from sparring.core.running_means import grouped
from sparring.core.status import Status, best_score, progress_fields

HEALTH_SECONDS = 10.0  # between health checks
REPORT_SECONDS = 15.0  # between reports
GROWTH = 0.02  # previews and health checks become rarer as a run grows: one every 2 % of its time
YOUNG = 300.0  # seconds: until then a health check is of few examples, so that it can come more often
FEW, CHECKED = 64, 256  # held-out examples of a health check


class Measurements(Protocol):
    """What a modality measures of its networks while they are trained; ``recent`` is the last batch trained on."""

    limits: Mapping[str, Limit]
    """Of what :meth:`health` measures beside diversity and overfitting, by name."""

    def health(self, networks: Networks, recent: Batch, most: int) -> Mapping[str, float]:
        """``diversity`` and ``overfitting``, quickly, against ``most`` held-out examples at most; empty where there are
        too few."""

    def everything(self, networks: Networks, recent: Batch) -> Mapping[str, float]:
        """Distances to the data, diversity, overfitting, and what only this kind of data has."""


class Monitor:
    """Watches a run for the person who trains it; only the first process writes and measures.

    ``measurements`` None measures nothing. ``preview(networks, progress)`` writes some samples into the run and
    returns the file. ``publish(networks, folder, progress)`` writes a model folder, ``report(live)`` a page on the run
    as it is now. ``callbacks`` hear what is noted.
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        *,
        measurements: Measurements | None,
        preview: Callable[[Networks, Progress], Path],
        publish: Callable[[Networks, Path, Progress], None],
        report: Callable[[bool], None],
        precision: Precision,
        process: Process,
        status: Status,
        callbacks: Callbacks = SILENT,
    ) -> None:
        self.run, self.recipe = run, recipe
        self.measurements, self.preview, self.publish, self.report = measurements, preview, publish, report
        self.precision, self.process, self.status = precision, process, status
        path = run.journal if process.first else None
        self.journal = Journal(path, board=recipe.tensorboard, callbacks=callbacks)
        self.budget = Budget(recipe, precision.device)
        self.limits = measurements.limits if measurements else {}
        self.best, self.watch, self.condition = Best(), Watch(self.limits), Condition()
        self.told_unmeasured = False

    # Lines

    def note_progress(
        self, means: Mapping[str, float], waiting: float, speed: float, learning_rate: float, progress: Progress
    ) -> None:
        """A line for the journal, and the live line: means by name, the share of time spent waiting for data, examples
        per second, the learning rate."""
        if not means:
            return
        entry: dict[str, Any] = {
            "step": progress.step,
            "examples": progress.examples,
            "seconds": round(progress.seconds, 3),
            "examples_per_second": round(speed, 1),
            "waiting": round(waiting, 4),
            "services": round(progress.share_of_services(), 4),
            "learning_rate": learning_rate,
            **grouped(means),
        }
        self.journal.write("step", **entry)
        self.condition.note(entry.get("accuracy", {}))
        word = self.condition.word(progress.step, self.watch.troubles, self.best.misses)
        best, left = best_score(self.recipe.metric, self.best.distance), self.budget.left(progress)
        self.status.show(*progress_fields(entry, left, word=word, best=best, columns=self.status.columns))

    def tell(self, event: Event, progress: Progress) -> None:
        """An event of the game; after a restart, what was best before counts no more."""
        if event.restarted:
            self.best, self.watch, self.condition = Best(), Watch(self.limits), Condition()
            self.warn({"begun again": event.message}, progress)
            return
        self.status.say(event.message)
        self.journal.write("event", message=event.message, examples=progress.examples, seconds=progress.seconds)

    def warn(self, warnings: Mapping[str, str], progress: Progress) -> None:
        """A line on the screen and in the journal for each warning, by its kind."""
        for kind, message in warnings.items():
            self.status.say(f"warning: {message}")
            self.journal.write(
                "warning", kind=kind, message=message, examples=progress.examples, seconds=progress.seconds
            )

    def end(self, reason: str, progress: Progress) -> None:
        """The journal's last line of a session."""
        self.journal.write(
            "end",
            reason=reason,
            examples=progress.examples,
            step=progress.step,
            seconds=progress.seconds,
            services=round(progress.share_of_services(), 4),
        )

    # By the clock

    def plan(self, services: Services, networks: Networks, recent: Callable[[], Batch]) -> None:
        """Have health checks and previews made of ``networks``, and reports written, when they are due; ``recent``
        gives the last batch."""
        progress = services.progress
        services.plan(lambda: self.check(networks, recent(), progress), HEALTH_SECONDS, GROWTH)
        services.plan(lambda: self.write_preview(networks, progress), self.recipe.sample_every, GROWTH)
        services.plan(self.write_report, REPORT_SECONDS, GROWTH)

    # Measuring

    def watch_gradients(self, means: Mapping[str, float], progress: Progress) -> None:
        """Warn of a player that gets no gradient any more."""
        gradients = {name: value for name, value in means.items() if name.startswith("gradient/")}
        self.warn(self.watch.look(gradients, progress.step), progress)

    def check(self, networks: Networks, recent: Batch, progress: Progress) -> None:
        """Measure diversity and overfitting, and warn where one of them is bad and stays so; not before the run is old
        enough for these numbers to mean something."""
        if not self.process.first or self.measurements is None or progress.step < EARLIEST:
            return
        with self.at_rest(networks):
            measured = self.measurements.health(networks, recent, FEW if progress.seconds < YOUNG else CHECKED)
        if measured:
            self.journal.write("health", examples=progress.examples, seconds=progress.seconds, **measured)
            self.warn(self.watch.look(measured, progress.step), progress)

    def measure(self, networks: Networks, recent: Batch, progress: Progress) -> Mapping[str, float]:
        """Measure everything, and keep the weights beside the last ones where they are the best so far; the same
        numbers in every process."""
        measured: Mapping[str, float] = {}
        if self.process.first and self.measurements is not None:
            with self.at_rest(networks):
                measured = dict(self.measurements.everything(networks, recent))
            self.journal.write("metrics", examples=progress.examples, seconds=progress.seconds, **measured)
            limited = {name: value for name, value in measured.items() if name in self.limits}
            self.warn(self.watch.look(limited, progress.step), progress)
            if self.recipe.metric not in measured and not self.told_unmeasured:
                self.told_unmeasured = True
                self.status.say(
                    f"warning: {self.recipe.metric} cannot be measured here, so best/ is not kept: too few data, or "
                    "numbers that are not finite"
                )
        measured = processes.broadcast(measured)
        self.condition.measured += self.recipe.metric in measured
        distance = measured.get(self.recipe.metric, math.inf)
        if math.isfinite(distance) and self.best.improved_by(distance, progress.examples) and self.process.first:
            self.publish(networks, self.run.best, progress)
        return measured

    def write_preview(self, networks: Networks, progress: Progress) -> None:
        """Some samples into ``samples/``, always from the same seed."""
        if not self.process.first:
            return
        with self.at_rest(networks):
            path = self.preview(networks, progress)
        self.journal.write("sample", file=f"samples/{path.name}", examples=progress.examples, seconds=progress.seconds)

    def write_report(self) -> None:
        """The page on the run as it is now."""
        if self.process.first:
            self.report(True)

    @contextmanager
    def at_rest(self, networks: Networks) -> Iterator[None]:
        """Inside, no gradients, the run's precision, and layers as they are after training."""
        with torch.no_grad(), self.precision.autocast(), evaluating(networks):
            yield

    # Coming back

    def restored(self, state: Mapping[str, Any], damaged: Sequence[Path]) -> None:
        """A checkpoint was read: its ``state``, and the ``damaged`` files that were passed over."""
        for path in damaged:
            self.status.say(f"warning: {path} is damaged; going on from the one before it")
        self.best = Best.restored(state["best"]) if "best" in state else Best()

    def went_back(self, at: int, progress: Progress) -> None:
        """After ``at`` examples a number was not finite; ``progress`` is that of the checkpoint that was read
        instead."""
        self.journal.cut(progress.examples)
        message = (
            f"not finite: a loss was no number after {at:,} examples; back to {progress.examples:,}, "
            f"learning rate now {0.5**progress.rollbacks:g} of the recipe's"
        )
        self.warn({"not finite": message}, progress)
