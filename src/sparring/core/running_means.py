"""What was reported: gathered on the device each step, read in means, grouped for the journal."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sparring.core import processes


class RunningMeans:
    """Reports since the last look (``read``), and since the last line (``close``)."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Tensor]] = []  # not fetched yet
        self.since_look: list[dict[str, float]] = []
        self.since_line: list[dict[str, float]] = []
        self.examples = self.examples_at_look = 0
        self.waited = 0.0
        self.since = time.perf_counter()

    def add(self, report: Mapping[str, Tensor], examples: int) -> None:
        """Take in one step's report, scalars left on the device: fetching them would make the host wait."""
        self.reports.append({name: value.detach() for name, value in report.items()})
        self.examples += examples
        self.examples_at_look += examples

    def fetch(self) -> None:
        """Bring the reports from the device, as numbers: means over processes."""
        values = [value.float() for report in self.reports for value in report.values()]
        numbers = iter(processes.mean(torch.stack(values)).tolist() if values else [])
        fetched = [dict(zip(report, numbers, strict=False)) for report in self.reports]
        self.since_look += fetched
        self.since_line += fetched
        self.reports = []

    def finite(self) -> bool:
        """Whether all that was reported since the last look is finite; the same in every process."""
        self.fetch()
        return all(math.isfinite(value) for report in self.since_look for value in report.values())

    def read(self) -> tuple[dict[str, float], int]:
        """Means over the steps since the last look and over processes, and how many examples those were."""
        self.fetch()
        means, examples = means_of(self.since_look), self.examples_at_look
        self.since_look, self.examples_at_look = [], 0
        return means, examples

    def close(self) -> tuple[dict[str, float], float, float]:
        """For one line: means over the steps since the last one, the share of time spent waiting for data, and
        examples per second."""
        self.fetch()
        seconds = max(time.perf_counter() - self.since, 1e-9)
        line = means_of(self.since_line), self.waited / seconds, self.examples / seconds
        self.since_line, self.examples, self.waited, self.since = [], 0, 0.0, time.perf_counter()
        return line

    def state(self) -> dict[str, Any]:
        """The reports since the last look as JSON-able numbers, for a checkpoint."""
        self.fetch()
        return {"pending": self.since_look, "pending_examples": self.examples_at_look}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> RunningMeans:
        """What :meth:`state` gave, read back, so that the next look sees what it would have seen. Raises ValueError or
        TypeError for a state that is none."""
        means = cls()
        means.examples_at_look = int(state.get("pending_examples", 0))
        pending = state.get("pending", [])
        if not all(pending):
            raise ValueError("a report without a number")
        means.since_look = [{name: float(value) for name, value in report.items()} for report in pending]
        return means


def means_of(reports: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each number over the reports that have it, in float32 as on the device."""
    names = sorted({name for report in reports for name in report})
    return {name: torch.tensor([r[name] for r in reports if name in r]).mean().item() for name in names}


def grouped(report: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``{"losses/generator": 1.0}`` as ``{"losses": {"generator": 1.0}}``."""
    groups: dict[str, dict[str, float]] = {}
    for name, value in report.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = value
    return groups


@torch.no_grad()
def gradient_norm(weights: Iterable[Tensor]) -> Tensor:
    """The Euclidean norm of all gradients together, a scalar on their device."""
    norms = [w.grad.float().norm() for w in weights if w.grad is not None]
    total: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return total
