"""The journal: always JSON, whatever is written in it and wherever a crash cut it."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sparring.core.journal import Journal, digest, entries, finite


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def strictly(line: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content: dict[str, object] = json.loads(line, parse_constant=refuse)
    return content


def test_entries_are_one_json_object_a_line(journal: Journal) -> None:
    journal.write("start", examples=0, players={"generator": 7})
    journal.write("step", examples=64, losses={"generator": 0.5})
    lines = journal.path.read_text(encoding="utf-8").splitlines()
    assert strictly(lines[1]) == {"event": "step", "examples": 64, "losses": {"generator": 0.5}}
    assert [entry["event"] for entry in entries(journal.path)] == ["start", "step"]


def test_numbers_that_json_cannot_hold_become_null(journal: Journal) -> None:
    journal.write("step", a=math.nan, b={"c": math.inf, "d": {"e": -math.inf}}, f=[1.0, math.nan, (math.inf,)], g=2.5)
    expected = {
        "event": "step",
        "a": None,
        "b": {"c": None, "d": {"e": None}},
        "f": [1.0, None, [None]],
        "g": 2.5,
    }
    assert strictly(journal.path.read_text(encoding="utf-8")) == expected
    assert finite({"x": 1, "y": "nan", "z": True, "w": None}) == {"x": 1, "y": "nan", "z": True, "w": None}


@pytest.mark.parametrize("text", ["ü 日本", "two\nlines", "one\u2028two\x85three\x0cfour", "not UTF-8: \udcff", '"\\'])
def test_any_text_comes_back(journal: Journal, text: str) -> None:
    """Names of files may hold anything, line separators and bytes that are no UTF-8 among it."""
    journal.write("start", bad_files=[text], examples=1)
    journal.write("step", examples=2)
    assert [entry.get("bad_files") for entry in entries(journal.path)] == [[text], None]
    journal.cut(1)
    assert [entry["bad_files"] for entry in entries(journal.path)] == [[text]]


def test_a_line_that_a_crash_left_half_written_is_passed_over(journal: Journal) -> None:
    journal.write("start", examples=0)
    whole = '{"event": "step", "examples": 64, "text": "ü"}'.encode()
    for length in range(len(whole)):
        journal.path.write_bytes(b'{"event": "start", "examples": 0}\n' + whole[:length])
        assert [entry["event"] for entry in entries(journal.path)] == ["start"]
    journal.cut(0)  # as every resumed run does
    journal.write("resume", examples=0)
    assert [entry["event"] for entry in entries(journal.path)] == ["start", "resume"]


def test_lines_that_are_no_entries_are_passed_over(journal: Journal) -> None:
    journal.path.write_bytes(b'[1]\n\n3\n\xff\xfe\n{"event": "step"}\n')
    assert list(entries(journal.path)) == [{"event": "step"}]


def test_cutting_forgets_what_will_be_lived_through_again(journal: Journal) -> None:
    journal.write("start")
    for examples in (64, 128, 192):
        journal.write("step", examples=examples)
    journal.cut(128)
    assert [entry.get("examples") for entry in entries(journal.path)] == [None, 64, 128]
    journal.cut(0)
    assert [entry["event"] for entry in entries(journal.path)] == ["start"]


def test_a_process_that_does_not_write_writes_nothing(tmp_path: Path) -> None:
    silent = Journal(None)
    silent.write("step", examples=1)
    silent.cut(0)
    Journal(tmp_path / "none.jsonl").cut(0)
    assert list(tmp_path.iterdir()) == []
    assert list(entries(tmp_path / "none.jsonl")) == []


def test_a_full_disk_is_told_in_one_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    line = mistake(journal.write, "step", examples=1)
    assert str(journal.path) in line
    assert "No space left on device" in line


@pytest.mark.parametrize("line", ["[" * 100_000, '{"examples": ' + "9" * 5000 + "}", "x" * 10_000, '{"a": "\ud800"',
                                  '{"event": "step", "a": ' + '{"a":' * 900 + "1" + "}" * 901])  # fmt: skip
def test_a_damaged_line_is_passed_over(line: str, journal: Journal) -> None:
    journal.write("start", examples=0)
    with journal.path.open("a", encoding="utf-8", errors="surrogatepass") as file:
        file.write(line + "\n")
    journal.write("step", examples=8)
    assert [entry["event"] for entry in entries(journal.path)] == ["start", "step"]
    journal.cut(0)
    assert [entry["event"] for entry in entries(journal.path)] == ["start"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_journal_that_is_no_file_is_neither_read_nor_written(
    journal: Journal, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    os.mkfifo(journal.path)
    assert list(entries(journal.path)) == []
    assert "cannot be written" in mistake(journal.write, "step")
    journal.path.unlink()
    journal.path.symlink_to(tmp_path / "elsewhere")
    assert "cannot be written" in mistake(journal.write, "step")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_was_moved_away_is_made_anew(journal: Journal, tmp_path: Path) -> None:
    gone = Journal(tmp_path / "gone" / "journal.jsonl")
    gone.write("step", examples=8)
    assert [entry["event"] for entry in entries(tmp_path / "gone" / "journal.jsonl")] == ["step"]


def test_a_long_journal_is_read_with_fewer_steps_and_cut_to_the_same_lines(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write("start", examples=0)
    for step in range(1, 101):
        journal.write("step", step=step, examples=8 * step, losses={"a": 0.5})
    journal.write("end", examples=800)
    whole = list(entries(journal.path))
    assert digest(journal.path) == whole
    monkeypatch.setattr("sparring.core.journal.LARGE", journal.path.stat().st_size // 4)
    some = digest(journal.path)
    assert [entry["event"] for entry in some] == ["start", *["step"] * 20, "end"]
    assert [entry["step"] for entry in some[1:-1]] == list(range(5, 101, 5))
    journal.cut(80)
    assert list(entries(journal.path)) == whole[:11]
    with journal.path.open("a") as file:
        file.writelines('{"event": "other"}\n' for _ in range(10_000))
    assert len(digest(journal.path)) < 1000
