"""Being asked to stop."""

from __future__ import annotations

import signal
import threading

import pytest

from sparring.core.signals import Stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_the_flag_and_nothing_else(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        assert not stop.raised
        signal.raise_signal(number)
        assert stop.raised
        signal.raise_signal(signal.SIGTERM)  # a launcher may repeat itself
    assert signal.getsignal(number) is before


def interrupt_twice() -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Stop():
        interrupt_twice()
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_the_caller_raises_the_flag() -> None:
    seen = []

    def work() -> None:
        with Stop() as stop:
            stop.raised = True
            seen.append(stop.raised)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
