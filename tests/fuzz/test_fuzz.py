"""Damaged files get one line, in time, in bounds. ``benchmarks/fuzz.py`` does the same a hundred times as often."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches processes as Linux shows them")

COUNT = 120
CALM = {"status": 2, "seconds": 0.1, "mib": 300.0, "hung": False, "left": False, "out": ""}
LINE = "sparring: data: damaged; copy it again\n"


@pytest.mark.slow
def test_a_hundred_damaged_files_get_one_line_each() -> None:
    play = [sys.executable, str(Path(__file__).with_name("play.py")), str(COUNT)]
    ended = subprocess.run(play, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    results = json.loads(ended.stdout)
    failures = [(each["index"], each["problems"], each["last"]) for each in results if each["problems"]]
    assert failures == []
    assert len(results) == COUNT
    assert {each["status"] for each in results} >= {0, 2}
    assert len({(each["verb"], each["kind"]) for each in results}) > COUNT // 3  # many kinds, not one many times


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"err": LINE}, None),
        ({"status": 0, "err": "warning: few data\n"}, None),
        ({"status": 1, "err": "sparring: the losses diverged\n"}, None),
        ({"status": 1, "err": "sparring: internal error (KeyError: 'a')\n"}, "internal error"),
        ({"status": 97, "err": "Traceback (most recent call last):\n"}, "traceback"),
        ({"status": -9, "err": ""}, "status -9"),
        ({"status": 2, "err": ""}, "not one line"),
        ({"err": LINE * 2}, "not one line"),
        ({"err": LINE, "hung": True}, "hung"),
        ({"err": LINE, "mib": 1500.0}, "memory"),
        ({"err": LINE, "left": True}, "left a process"),
        ({"err": f"sparring: {'x' * 3000}\n"}, "a long line"),
        ({"err": "sparring: \x1b[31mred; mend it\n"}, "control characters"),
        ({"err": "/x/numpy/a.py:12: RuntimeWarning: overflow\n" + LINE}, "a library's warning"),
    ],
)
def test_what_is_wrong_with_an_answer_is_seen(changes: dict[str, Any], problem: str | None) -> None:
    from forked import Ended
    from fuzz_cases import Case
    from fuzzing import problems

    found = list(problems(Case("info", "x", (), "x", "x"), Ended(**{**CALM, **changes}), {}, {}))
    assert (problem in found) if problem else found == []


@pytest.mark.parametrize(
    ("path", "writes", "wrong"),
    [
        ("out/a.png", False, False),
        ("in/run/a", False, True),
        ("in/run/a", True, False),
        ("in/run/.a.part", True, True),
        ("home/.config", False, True),
        ("tmp/x", True, True),
        ("cache/features", False, False),
    ],
)
def test_what_is_written_elsewhere_is_seen(tmp_path: Path, path: str, writes: bool, wrong: bool) -> None:
    from forked import Ended
    from fuzz_cases import Case
    from fuzzing import problems, snapshot

    before = snapshot(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("x")
    after = {name: what for name, what in snapshot(tmp_path).items() if name == path}
    case = Case("info", "x", (), "x", "x", writes=writes)
    assert bool(list(problems(case, Ended(**CALM, err=LINE), before, after))) is wrong


def test_a_number_decides_all_of_a_mutation(tmp_path: Path) -> None:
    from mutations import BY_ENDING, mutated

    samples = {".json": b'{"a": [1, {"b": null}]}', ".yaml": b"a: 1\nb: x\n", ".csv": b"a,b\n1,2\n"}
    for ending in samples:
        assert ending in BY_ENDING
        name, content = zip(*(mutated(samples[ending], f"x{ending}", Random(f"0/{n}")) for n in range(50)), strict=True)
        again = [mutated(samples[ending], f"x{ending}", Random(f"0/{n}")) for n in range(50)]
        assert list(zip(name, content, strict=True)) == again
        assert len(set(content)) > 30


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(BENCHMARKS)!r})
import forked
import sparring.cli
sparring.cli.main = lambda words: time.sleep(60)
sandbox = Path({str(tmp_path)!r})
for part in forked.PARTS:
    (sandbox / part).mkdir()
process = forked.Forked([], sandbox, 0.3)
while (ended := process.ended()) is None:
    time.sleep(0.01)
print(ended.hung, ended.status < 0, "time.sleep" in ended.err or "lambda" in ended.err)
"""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=environment)
    assert ended.stdout.split() == ["True", "True", "True"], ended.stderr
