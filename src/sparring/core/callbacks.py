"""What a caller in Python hears of a run while it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Callback = Callable[[dict[str, Any]], None]
"""Is given an entry of the journal: ``examples`` seen, ``seconds`` of training, and what was noted, by name."""


@dataclass(frozen=True)
class Callbacks:
    """Functions of the caller's: ``on_step`` hears of progress, about once a second, ``on_samples`` of each preview,
    whose ``file`` is a path, ``on_metric`` of each measurement. Training waits for them; what they raise ends it."""

    on_step: Callback | None = None
    on_samples: Callback | None = None
    on_metric: Callback | None = None

    def hear(self, event: str, entry: Mapping[str, Any], folder: Path) -> None:
        """An ``entry`` of the journal that lies in the run's ``folder``."""
        callback = {"step": self.on_step, "sample": self.on_samples, "metrics": self.on_metric}.get(event)
        if callback:
            where = {"file": folder / entry["file"]} if "file" in entry else {}
            callback({**entry, **where})


SILENT = Callbacks()
"""Nobody hears anything."""
