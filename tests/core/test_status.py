"""What a person sees: one live line on a terminal, plain lines elsewhere, nothing from quiet processes."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from sparring.core import status
from sparring.core.status import (
    LIVE_SECONDS,
    PLAIN_SECONDS,
    Countdown,
    Field,
    Status,
    clock,
    columns_of,
    counted,
    fitting,
    joined,
    plain_lines,
    progress_fields,
)
from sparring.core.terminal import CLEAR, clear, show, tell

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


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No wish about colours, a terminal that can be redrawn, and no live line left behind."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    yield
    clear()


def progress_line(entry: dict[str, object], left: float | None, **more: str) -> str:
    return joined(progress_fields(entry, left, **more))  # type: ignore[arg-type]


def test_the_line_names_everything_that_was_promised() -> None:
    line = progress_line(ENTRY, 75.4, word="balanced", best="best frechet 3.21")
    assert line == (
        "50% | 1:15 left | balanced | 1,048/s | best frechet 3.21 | step 1,234 | 78,976 examples"
        " | loss: discriminator 0.500  generator 1.235 | discriminator accuracy: fake 75%  real 80%"
    )


def test_without_a_budget_the_line_says_how_long_it_has_been() -> None:
    line = progress_line({**ENTRY, "accuracy": {}}, None)
    assert line.startswith("1:15 so far | ")
    assert "left" not in line
    assert "%" not in line
    assert "accuracy" not in line


def test_numbers_that_are_missing_do_not_break_the_line() -> None:
    line = progress_line({**ENTRY, "losses": {"generator": None, "discriminator": math.nan}}, 0)
    assert line.startswith("100% | ")
    assert "generator" not in line
    assert "nan" in line
    assert "loss" not in progress_line({**ENTRY, "losses": {"generator": None}}, 0)


# What fits

STATES = [
    (0.0, "warming up", ""),
    (59.0, "balanced", "best frechet 3.21"),
    (3661.0, "discriminator ahead", "best frechet 0.000123"),
    (360_000.0, "level drift", "best likelihood 1.2e+03"),
    (None, "collapsing", "best sliced 0.1"),
    (None, "", ""),
]
LEAVING = ["discriminator accuracy", "examples", "loss", "step", "best", "─", "/s", "ahead", "left"]
"""What tells each field from the others, in the order in which they leave a line that gets narrower."""


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize(("left", "word", "best"), STATES)
@pytest.mark.parametrize("step", [1, 12_345_678])
def test_no_line_is_wider_than_the_terminal_and_no_field_is_cut(
    left: float | None, word: str, best: str, columns: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    live = Status(stream=stream)
    entry = {**ENTRY, "step": step, "examples": 64 * step}
    fields = progress_fields(entry, left, word=word, best=best, columns=live.columns)
    live.show(*fields)
    line = re.sub(r"\x1b\[[0-9]*m", "", stream.getvalue().removeprefix(CLEAR))
    assert len(line) < columns
    shown = line.split(" | ")
    assert shown == [field.text for field in fields if field.text in shown]
    assert not word or word in shown
    assert left is None or f"{clock(left)} left" in shown


def test_fields_leave_in_the_declared_order() -> None:
    fields = progress_fields(ENTRY, 3661, word="discriminator ahead", best="best frechet 3.21", columns=80)
    gone = []
    for columns in range(len(joined(fields)), 0, -1):
        texts = [field.text for field in fitting(fields, columns)]
        gone += [mark for mark in LEAVING if mark not in gone and not any(mark in text for text in texts)]
    assert gone == LEAVING
    assert fitting(fields, 3) == [Field("2%", 0, "1")]
    assert fitting(fields, 1) == []


def test_the_width_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Status(stream=Terminal())
    for columns in (200, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert live.columns == columns
    assert columns_of(io.StringIO()) == 0


def test_a_terminals_own_width_counts_more_than_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    monkeypatch.setenv("COLUMNS", "33")
    first, second = pty.openpty()
    with os.fdopen(first, "rb"), os.fdopen(second, "w") as stream:
        for columns in (61, 119):
            fcntl.ioctl(second, termios.TIOCSWINSZ, bytes([24, 0, columns, 0, 0, 0, 0, 0]))
            assert columns_of(stream) == columns


@pytest.mark.parametrize(
    ("wish", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_whose_owner_wants_them(
    wish: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in wish.items():
        monkeypatch.setenv(name, value)
    stream, log = Terminal(), io.StringIO()
    fields = progress_fields(ENTRY, 10, word="collapsing", columns=80)
    Status(stream=stream).show(*fields)
    Status(stream=log).show(*fields)
    assert ("\x1b[31mcollapsing\x1b[0m" in stream.getvalue()) is coloured
    assert ("\x1b" in stream.getvalue()) is ("TERM" not in wish)  # which may still redraw its line
    assert "\x1b" not in log.getvalue()


def test_plain_lines_are_what_json_is_given_beside() -> None:
    stream = Terminal()
    with plain_lines():
        Status(stream=stream).show(Field("12%", 0, "1"), Field("0:10 left", 1))
    assert stream.getvalue() == "12% | 0:10 left\n"
    assert Status(stream=stream).live


def test_a_terminal_that_knows_fewer_letters_gets_a_bar_of_those_that_it_knows() -> None:
    class Old(Terminal):
        encoding = "ascii"

    stream = Old()
    Status(stream=stream).show(*progress_fields(ENTRY, 75.4, columns=80))
    assert "####...." in stream.getvalue()


def test_a_live_line_makes_room_for_whatever_is_printed_next(capsys: pytest.CaptureFixture[str]) -> None:
    for printed in (tell, show):
        stream = Terminal()
        Status(stream=stream).show(Field("working"))
        printed("done")
        printed("and more")
        assert stream.getvalue() == f"{CLEAR}working{CLEAR}"


# Lines by time


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
        plain.show(Field(str(second - 100)))
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
        plain.show(Field(f"at {elapsed:g}"))
        if elapsed == 1:
            plain.say("said")
    assert stream.getvalue().splitlines() == ["at 0", "said", "at 10", "at 20"]


def test_on_a_terminal_the_line_is_redrawn_and_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    live = Status(stream=stream)
    live.show(Field("x" * 9), Field("y" * 9, 1))
    live.show(Field("short"))
    live.say("a line that stays, however long it is")
    assert stream.getvalue() == f"{CLEAR}{'x' * 9}{CLEAR}short{CLEAR}a line that stays, however long it is\n"


def test_quiet_processes_say_nothing() -> None:
    stream = Terminal()
    quiet = Status(quiet=True, stream=stream)
    quiet.say("a")
    quiet.show(Field("b"))
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


def test_items_that_take_long_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    time = Clock()
    monkeypatch.setattr(status, "time", time)

    def slow() -> Iterator[int]:
        for number in range(4):
            time.now += 0.6 * PLAIN_SECONDS
            yield number

    assert [*counted(slow(), "reading files", 4)] == [0, 1, 2, 3]
    assert capsys.readouterr().err == "reading files: 25% | 0:36 left\nreading files: 75% | 0:08 left\n"
    assert [*counted(iter("ab"), "reading files", 2)] == ["a", "b"]
    assert capsys.readouterr().err == ""
