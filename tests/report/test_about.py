"""What a run is, in ten lines: also where its journal is damaged, and where the terminal is narrow."""

from __future__ import annotations

from typing import Any

import pytest

from sparring.report.about import MOST, described

BEGAN = {
    "event": "start",
    "count": 1797,
    "players": {"generator": 133761, "discriminator": 67264},
    "use": "sample {run} -n 64",
}
LAST = {"step": 683, "examples": 21856, "seconds": 20.1, "losses": {"generator": 0.811, "discriminator": 0.68}}
RUN: dict[str, Any] = {
    "run": "runs/my digits",
    "recipe": {"name": "digits", "kind": "images", "about": "handwritten", "data": "digits", "batch": 8},
    "began": BEGAN,
    "last": LAST,
    "ended": "the time is up",
    "score": {"metric": "frechet", "distance": 0.2407, "examples": 20000},
    "warnings": ["collapse: samples are 5% as varied as the data; the generator repeats itself", "overfitting: some"],
    "best": "runs/my digits/best",
    "has_model": True,
}


def test_a_run_in_ten_lines() -> None:
    assert described(RUN).splitlines() == [
        "run       runs/my digits",
        "recipe    digits, images, handwritten",
        "data      digits, 1,797 examples",
        "players   generator 0.13M, discriminator 67,264",
        "settings  batch 8",
        "trained   step 683, 21,856 examples in 0:20; the time is up",
        "losses    generator 0.811  discriminator 0.680",
        "best      frechet 0.241 after 20,000 examples: runs/my digits/best",
        "warnings  2, the last: overfitting: some",
        "next      sparring sample 'runs/my digits' -n 64",
    ]


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_lines_fit_but_for_what_is_copied(columns: int) -> None:
    lines = described({**RUN, "warnings": ["word " * 100], "run": "runs/" + "x" * 300}, columns).splitlines()
    assert len(lines) == MOST
    assert all(len(line) <= columns for line in lines if not line.startswith(("run ", "next ")))
    assert lines[-1].endswith("xxx -n 64")


@pytest.mark.parametrize(
    "damaged",
    [
        {"began": None, "last": None, "score": None, "best": None, "ended": None, "warnings": []},
        {"last": {"step": "x", "examples": [], "seconds": None, "losses": [1]}},
        {"last": {**LAST, "losses": {"generator": "?", "discriminator": 1e300}}},
        {"began": {"count": "many", "players": 3, "use": "{run.__class__} {0}"}},
        {"began": {"count": True, "players": {"generator": None}, "use": 7}},
    ],
)
def test_a_damaged_journal_is_told_as_far_as_it_goes(damaged: dict[str, Any]) -> None:
    lines = described({**RUN, **damaged}).splitlines()
    assert lines[:2] == described(RUN).splitlines()[:2]
    assert len(lines) <= MOST
