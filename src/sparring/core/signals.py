"""Being asked to stop: SIGINT, SIGTERM and SIGHUP raise a flag that the trainer looks at after each step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stop:
    """A flag, raised by the first signal while inside ``with``; a second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.raised = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self  # only the main thread may listen; whoever runs us in another one raises the flag
        for number in SIGNALS:
            if number != signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup: whoever started this process wants it to outlive the terminal
            self._before[number] = signal.signal(number, self._raise)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self.raised and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.raised = True
