"""The word of health: its rules as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sparring.core.condition import LEAST, LINES, Condition
from sparring.core.health import EARLIEST, Trouble
from sparring.core.status import GREEN, RED, WORDS, YELLOW

EVEN = {"real": 0.7, "fake": 0.75}
FEW, SOME = Trouble(0, 1), Trouble(0, 2)
Lines = Sequence[Mapping[str, float]]


def word(
    lines: Lines = (EVEN,) * LINES, step: int = EARLIEST, misses: int = 0, measured: int = 0, **found: Trouble
) -> str:
    condition = Condition()
    for line in lines:
        condition.note(line)
    condition.measured = measured
    return condition.word(step, found, misses)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([EVEN] * (LEAST - 1), "warming up"),
        ([EVEN] * LEAST, "balanced"),
        ([{"real": 0.5, "fake": 0.5}] * LINES, "balanced"),
        ([{"real": 0.95, "fake": 0.96}] * LINES, "discriminator ahead"),
        ([{"real": 0.94, "fake": 1.0}] * LINES, "balanced"),
        ([{"real": 0.9, "fake": 0.34}] * LINES, "generator ahead"),
        ([{"real": 0.2, "fake": 0.9}] * LINES, "balanced"),
        ([{"real": 1.0, "fake": 1.0}] * LINES + [EVEN] * LINES, "balanced"),  # what was, is forgotten
        ([EVEN] * (LINES - 1) + [{"real": 1.0, "fake": 1.0}], "balanced"),  # one line is chance
        ([{"real b2a": 1.0, "fake b2a": 1.0, "real a2b": 0.7, "fake a2b": 0.7}] * LINES, "discriminator ahead"),
        ([{"real b2a": 0.7, "fake b2a": 0.7, "real a2b": 0.7, "fake a2b": 0.1}] * LINES, "generator ahead"),
        ([{"real": 0.7}] * LINES, ""),  # nothing is known of what is fake
    ],
)
def test_who_is_ahead(lines: Lines, expected: str) -> None:
    assert word(lines) == expected


@pytest.mark.parametrize(
    ("measured", "misses", "expected"),
    [(0, 0, ""), (1, 0, ""), (2, 0, "improving"), (2, 1, "slowing"), (4, 2, "slowing"), (5, 3, "stalled")],
)
def test_without_a_discriminator_measurements_decide(measured: int, misses: int, expected: str) -> None:
    assert word([{}] * LINES, measured=measured, misses=misses) == expected
    assert word([{}] * LINES, step=EARLIEST - 1, measured=measured, misses=misses) == "warming up"


def test_pretraining_gives_way_to_the_game() -> None:
    assert word([{}] * LINES + [EVEN], measured=5) == "balanced"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"collapse": FEW}, "balanced"),
        ({"collapse": SOME}, "collapsing"),
        ({"overfitting": SOME}, "overfitting"),
        ({"dead generator": SOME}, "dead generator"),
        ({"silence": SOME}, "silence"),
        ({"overfitting": FEW, "collapse": SOME}, "collapsing"),
    ],
)
def test_troubles_come_first(found: dict[str, Trouble], expected: str) -> None:
    assert word(**found) == expected
    assert word(step=EARLIEST - 1, **found) == "warming up"


def test_colours_say_how_good_that_is() -> None:
    assert [WORDS.get(name, RED) for name in ("balanced", "generator ahead", "collapsing")] == [GREEN, YELLOW, RED]
