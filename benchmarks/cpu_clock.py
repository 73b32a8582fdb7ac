"""Training that is measured in CPU time: what else runs on the machine then takes nothing away from it.

Import this before torch: threads that wait then sleep, as those of the command do; they would count as busy otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from sparring.core.threads import let_threads_sleep

let_threads_sleep()


class CpuTimer:
    """Seconds of CPU time of all threads of this process, going on from those of earlier sessions."""

    def __init__(self, earlier: float) -> None:
        self._from = time.process_time() - earlier

    def seconds(self) -> float:
        """CPU seconds of training so far."""
        return time.process_time() - self._from


@contextmanager
def cpu_time() -> Iterator[None]:
    """Inside, a recipe's ``time`` is CPU time, and so are an outcome's seconds."""
    from sparring.core import pacing

    with patch.object(pacing, "Timer", CpuTimer):
        yield
