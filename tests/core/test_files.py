"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sparring.core.files import aside, write_atomically


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.txt"
    for content in (b"first, and longer", b"second"):
        write_atomically(path, content, durable)
        assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_until_it_is_complete_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with aside(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename within one disk is one act
    assert path.read_text() == "new"


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("a bug")])
def test_other_failures_pass_through_and_leave_nothing(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_halfway() -> None:
        with aside(path) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        fail_halfway()
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_what_the_system_refuses_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    assert "No such file" in mistake(write_atomically, tmp_path / "no" / "a.txt", b"")
    (tmp_path / "folder").mkdir()
    assert mistake(write_atomically, tmp_path / "folder", b"").startswith(str(tmp_path / "folder"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in mistake(write_atomically, tmp_path / "a.txt", b"new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "folder"]
    assert (tmp_path / "a.txt").read_text() == "old"
