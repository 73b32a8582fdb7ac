"""The picture of a metric: dots where the numbers are, in the picture whatever these are, and a sentence for ears."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sparring.report.dots import MARGIN, WIDE, dot_plot, like_real, sentence


def score(value: float, floor: float | None, error: float | None = None, better: str = "low") -> dict[str, Any]:
    return {"name": "<sliced>", "value": value, "error": error, "floor": floor, "floor_error": error, "better": better}


def circles(picture: str) -> list[float]:
    return [float(place) for place in re.findall(r'<circle cx="([^"]+)"', picture)]


@pytest.mark.parametrize(
    ("value", "floor"),
    [(2.0, 1.0), (0.0, 0.0), (-3.0, -1.0), (-2.0, 0.0), (5.0, 5.0), (1e-300, 0.0), (1e12, -1e12), (-1.0, 1.0)],
)
def test_dots_lie_in_the_picture_in_the_order_of_their_numbers(value: float, floor: float) -> None:
    for error in (None, 0.25):
        real, samples = circles(dot_plot(score(value, floor, error)))
        assert MARGIN <= min(real, samples) <= max(real, samples) <= WIDE - MARGIN
        assert (samples > real) == (value > floor) or abs(value - floor) < 1e-9


def test_a_metric_without_a_floor_has_one_dot() -> None:
    assert len(circles(dot_plot(score(2.0, None)))) == 1


def test_it_is_read_out_and_names_stay_names() -> None:
    assert sentence(score(2.0, 1.0)) == "<sliced>: samples 2, real examples 1; lower is better"
    assert 'aria-label="&lt;sliced&gt;: samples 2, real examples 1; lower is better"' in dot_plot(score(2.0, 1.0))


def test_what_lies_within_the_errors_is_like_real_ones() -> None:
    assert like_real(score(1.2, 1.0, 0.1))
    assert not like_real(score(2.0, 1.0, 0.1))
    assert not like_real(score(1.0, None))
