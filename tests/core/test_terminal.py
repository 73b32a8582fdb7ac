"""What is printed can do nothing to a terminal, and what cannot be printed ends nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from sparring.core.status import Field, Status
from sparring.core.terminal import as_json, escaped, one_line, printable, shortened, tell

HOSTILE = {
    "escape": "a\x1b[31mb",
    "bell": "a\x07b",
    "C1 control": "a\x9bb",
    "carriage return": "a\rb",
    "right-to-left override": "a\u202eb",
    "isolate": "a\u2067b",
    "Arabic letter mark": "a\u061cb",
    "line separator": "a\u2028b",
    "a byte that is no UTF-8": "a\udcffb",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_moves_a_terminal_is_replaced(text: str) -> None:
    shown = printable(text)
    assert shown[0] == "a"
    assert shown[-1] == "b"
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert text[1] not in shown
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["Zürich", "字典", "שלום", "👩\u200d🚀", "a\u00a0b", "e\u0301"])
def test_letters_of_all_languages_stay(text: str) -> None:
    assert printable(text) == text


def test_lines_stay_where_they_are_wanted() -> None:
    assert printable("a\tb\nc", keep="\n\t") == "a\tb\nc"
    assert printable("a\nb") == "a\N{REPLACEMENT CHARACTER}b"


def test_values_are_cut_to_80_characters() -> None:
    long = shortened("x" * 40 + "y" * 5_000_000 + "z" * 35)
    assert len(long) == 80
    assert long.startswith("x" * 40)
    assert long.endswith("z" * 35)
    assert shortened("short") == "short"
    assert shortened(("a", "b")) == "a, b"
    assert shortened(()) == "none"
    many = shortened(tuple(map(str, range(10_000))))
    assert len(many) <= 80
    assert many.endswith("9999")
    assert len(one_line("word " * 5_000_000)) <= 2000


def test_json_keeps_what_it_was_given_and_shows_nothing_hostile() -> None:
    for text in HOSTILE.values():
        line = as_json({"file": text})
        assert line.isprintable()
        assert json.loads(line) == {"file": text}
    assert as_json("Zürich") == '"Zürich"'


class Broken(io.StringIO):
    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem, self.tried = problem, 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise self.problem


@pytest.mark.parametrize(
    "problem",
    [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left"), OSError(5, "I/O"), ValueError("closed")],
)
def test_a_stream_that_cannot_take_a_line_ends_nothing(problem: Exception) -> None:
    stream = Broken(problem)
    tell("a line", stream)
    status = Status(stream=stream)
    status.say("a line")
    status.show(Field("a line"))
    assert stream.tried == 3


def test_a_closed_stream_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    Status(stream=stream).say("a line")


def sparring(words: str, streams: str) -> subprocess.CompletedProcess[str]:
    """A command in a shell, with its streams redirected."""
    command = f"{sys.executable} -m sparring {words} {streams}"
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, env={**os.environ})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_result_that_cannot_be_written_is_no_success() -> None:
    done = sparring("recipes", ">/dev/full")
    assert done.returncode == 2
    assert done.stderr == (
        "sparring: standard output: cannot be written (No space left on device); write it to another place\n"
    )


def test_a_reader_who_has_read_enough_is_content() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m sparring recipes | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "0\n"
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_streams_that_are_closed_are_no_files_of_ours() -> None:
    done = sparring("recipes --json", "<&- 2>&-")
    assert done.returncode == 0
    assert "digits" in json.loads(done.stdout)
    assert sparring("recipes", ">&-").returncode == 0
    assert sparring("no-such-verb", "2>&-").returncode == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_printable_is_written_out(text: str) -> None:
    assert escaped(text).isascii()
    assert printable(escaped(text)) == escaped(text)
    assert len({escaped(each) for each in HOSTILE.values()}) == len(HOSTILE)
    assert escaped("Zürich 👩\u200d🚀") == "Zürich 👩\u200d🚀"
