"""What a person sees: one live line on a terminal, plain lines elsewhere, nothing from quiet processes."""

from __future__ import annotations

import io
import math
from itertools import pairwise

import pytest

from sparring.core import status
from sparring.core.status import LIVE_SECONDS, PLAIN_SECONDS, Countdown, Status, clock, progress_line

ENTRY = {
    "step": 1234,
    "examples": 78976,
    "seconds": 75.4,
    "examples_per_second": 1047.6,
    "losses": {"discriminator": 0.5, "generator": 1.23456},
    "accuracy": {"fake": 0.75, "real": 0.8},
}


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_names_everything_that_was_promised() -> None:
    line = progress_line(ENTRY, 3661)
    assert line == (
        "step 1,234 | 78,976 examples | 1,048/s | 1:01:01 left | loss: discriminator 0.500  generator 1.235"
        " | discriminator accuracy: fake 75%  real 80%"
    )


def test_without_a_budget_the_line_says_how_long_it_has_been() -> None:
    line = progress_line({**ENTRY, "accuracy": {}}, None)
    assert "| 1:15 |" in line
    assert "left" not in line
    assert "accuracy" not in line


def test_numbers_that_are_missing_do_not_break_the_line() -> None:
    line = progress_line({**ENTRY, "losses": {"generator": None, "discriminator": math.nan}}, 0)
    assert "generator" not in line
    assert "nan" in line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (59.6, "1:00"),
        (61, "1:01"),
        (3599.4, "59:59"),
        (3600, "1:00:00"),
        (-5, "0:00"),
        (360000, "100:00:00"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_elsewhere_plain_lines_become_rarer_as_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's log has some hundreds of lines, and its first within seconds."""
    time, stream = Clock(), io.StringIO()
    monkeypatch.setattr(status, "time", time)
    plain = Status(stream=stream)
    for second in range(100, 86_500):
        time.now = float(second)
        plain.show(str(second - 100))
    told = [int(line) for line in stream.getvalue().splitlines()]
    assert told[:4] == [0, 10, 20, 30]
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert all(gap == max(10, math.ceil(0.02 * at)) for at, gap in zip(told, gaps, strict=False))
    assert 200 < len(told) < 400


def test_elsewhere_a_plain_line_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stream = [100.0], io.StringIO()
    monkeypatch.setattr(status.time, "monotonic", lambda: now[0])
    plain = Status(stream=stream)
    for elapsed in (0, 1, PLAIN_SECONDS - 1, PLAIN_SECONDS, PLAIN_SECONDS + 1, 2 * PLAIN_SECONDS):
        now[0] = 100.0 + elapsed
        plain.show(f"at {elapsed:g}")
        if elapsed == 1:
            plain.say("said")
    assert stream.getvalue().splitlines() == ["at 0", "said", "at 10", "at 20"]


def test_on_a_terminal_the_line_is_redrawn_and_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    live = Status(stream=stream)
    live.show("x" * 50)
    live.show("short")
    live.say("a line that stays, however long it is")
    clear = "\r\x1b[2K"
    assert stream.getvalue() == f"{clear}{'x' * 19}{clear}short{clear}a line that stays, however long it is\n"


def test_quiet_processes_say_nothing() -> None:
    stream = Terminal()
    quiet = Status(quiet=True, stream=stream)
    quiet.say("a")
    quiet.show("b")
    assert stream.getvalue() == ""


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Status().say("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


@pytest.mark.parametrize("where", ["terminal", "file", "function"])
def test_a_countdown_tells_what_is_done_and_how_long_the_rest_takes(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, lines = Clock(), list[str]()
    monkeypatch.setattr(status, "time", time)
    stream = Terminal() if where == "terminal" else io.StringIO()
    countdown = Countdown(lines.append if where == "function" else Status(stream=stream), "learning features", 200)
    every = LIVE_SECONDS if where == "terminal" else PLAIN_SECONDS
    for part in range(1, 5):
        time.now += 0.6 * every
        countdown.done(part)
    told = lines or stream.getvalue().replace("\r\x1b[2K", "\n").split("\n")
    left = [clock(0.6 * every * (200 - part)) for part in (2, 4)]
    assert [line for line in told if line] == [
        f"learning features: {part / 2:.0f}% | {rest} left" for part, rest in zip((2, 4), left, strict=True)
    ]
