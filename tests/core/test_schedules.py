"""Schedules: values along the way, and texts that are read back as what was written."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from sparring.core.schedules import Schedule, exact, number, schedule


def test_a_number_is_a_constant() -> None:
    for text in ("0.1", 0.1, " 0.1 ", "1e-1", Schedule(0.1, 0.1)):
        constant = schedule(text)
        assert constant == Schedule(0.1, 0.1)
        assert [constant(seen) for seen in (0, 1, 1e9)] == [0.1] * 3


def test_cosine_and_linear_values() -> None:
    cosine, linear = schedule("2:1@1000"), schedule("2:1@1000,linear")
    assert (cosine.shape, linear.shape) == ("cosine", "linear")
    for seen in (0, 125, 250, 500, 999):
        assert linear(seen) == pytest.approx(2 - seen / 1000)
        assert cosine(seen) == pytest.approx(1.5 + 0.5 * math.cos(math.pi * seen / 1000))
    for one in (cosine, linear):
        assert one(0) == 2
        assert one(500) == pytest.approx(1.5)
        assert one(1000) == one(10**9) == 1
        assert (one.lowest, one.highest) == (1, 2)


def test_no_length_means_the_end_at_once() -> None:
    assert schedule("2:1@0")(0) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500k", 500_000),
        ("2M", 2_000_000),
        ("1.5m", 1_500_000),
        ("2e-4", 2e-4),
        ("-3", -3),
        ("+.5", 0.5),
        (7, 7),
        (0.25, 0.25),
    ],
)
def test_numbers_with_suffixes(text: str | float, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "k", ".", "1kk", "1e", "nan", "inf", "1e999", "0x10", "1,5", "one", "1 k 2"])
def test_what_is_no_number_is_named(text: str, mistake: Callable[..., str]) -> None:
    assert f"'{text}'" in mistake(number, text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "1:2", "1:2@", "1@5", "1:2@3,cubic", "1:2@3,", "1:nan@3", "1:2@x", "1:2:3@4", None, True],
)
def test_what_is_no_schedule_is_named(text: object, mistake: Callable[..., str]) -> None:
    mistake(schedule, text)
    assert "negative" in mistake(schedule, "1:2@-5")


@pytest.mark.parametrize(
    "text", ["0.0002", "0.0002:5e-05@2e+07", "1:0@500000,linear", "0:0.55@20000", "-1:1@3", "2:1@0"]
)
def test_texts_are_written_as_they_are_read(text: str) -> None:
    assert str(schedule(text)) == text


@pytest.mark.parametrize(
    "text", ["1:0@1234567", "0.123456789:1@5", "0.123456789", "1:1@500k", "1e-17:3.00000001@7,linear"]
)
def test_nothing_is_lost_in_writing(text: str) -> None:
    assert schedule(str(schedule(text))) == schedule(text)


def test_any_schedule_comes_back_from_its_text() -> None:
    draw = random.Random(0)
    for _ in range(500):
        start, end = (draw.uniform(-1, 1) * 10 ** draw.randint(-12, 12) for _ in range(2))
        one = Schedule(start, end, float(draw.randrange(10**9)), draw.choice(["cosine", "linear"]))
        assert schedule(str(one)) == one
        assert number(exact(start)) == start
