"""What was reported: gathered on the device each step, read in means, grouped for the journal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from sparring.core import processes


class RunningMeans:
    """Reports since the last look (``read``) and looks since the last line (``close``)."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Tensor]] = []
        self.looks: list[dict[str, float]] = []
        self.examples = self.examples_at_look = 0
        self.waited = 0.0
        self.since = time.perf_counter()

    def add(self, report: Mapping[str, Tensor], examples: int) -> None:
        """Take in one step's report, scalars left on the device: reading them would make the host wait."""
        self.reports.append({name: value.detach() for name, value in report.items()})
        self.examples += examples
        self.examples_at_look += examples

    def read(self) -> tuple[dict[str, float], int]:
        """Means over the steps since the last look and over processes, and how many examples those were."""
        names = sorted({name for report in self.reports for name in report})
        means = [torch.stack([r[name].float() for r in self.reports if name in r]).mean() for name in names]
        report = dict(zip(names, processes.mean(torch.stack(means)).tolist(), strict=True))
        examples, self.examples_at_look, self.reports = self.examples_at_look, 0, []
        self.looks.append(report)
        return report, examples

    def pending(self) -> list[dict[str, float]]:
        """The reports since the last look, in numbers; means over processes."""
        return [
            dict(zip(report, processes.mean(torch.stack([v.float() for v in report.values()])).tolist(), strict=True))
            for report in self.reports
        ]

    def state(self) -> dict[str, Any]:
        """The reports since the last look as JSON-able numbers, for a checkpoint; means over processes."""
        return {"pending": self.pending(), "pending_examples": self.examples_at_look}

    @classmethod
    def restored(cls, state: Mapping[str, Any], device: torch.device) -> RunningMeans:
        """What :meth:`state` gave, read back, so that the next look sees what it would have seen. Raises ValueError or
        TypeError for a state that is none."""
        means = cls()
        means.examples_at_look = int(state.get("pending_examples", 0))
        pending = state.get("pending", [])
        if not all(pending):
            raise ValueError("a report without a number")
        means.reports = [
            {name: torch.tensor(float(value), device=device) for name, value in report.items()} for report in pending
        ]
        return means

    def seconds(self) -> float:
        """Seconds since the last line."""
        return time.perf_counter() - self.since

    def finish(self) -> bool:
        """Take in what was reported since the last look; whether anything was trained since the last line."""
        if self.reports:
            self.read()
        return self.examples > 0

    def close(self) -> tuple[dict[str, float], float, float]:
        """For one line: means of the looks since the last one, the share of time spent waiting for data, and
        examples per second."""
        names = sorted({name for look in self.looks for name in look})
        values = {name: fmean(look[name] for look in self.looks if name in look) for name in names}
        seconds = max(self.seconds(), 1e-9)
        waited, speed = self.waited / seconds, self.examples / seconds
        self.looks = []
        self.examples, self.waited, self.since = 0, 0.0, time.perf_counter()
        return values, waited, speed


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
