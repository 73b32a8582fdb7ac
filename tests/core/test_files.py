"""Files appear whole or not at all, and are read by whom the umask lets."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from sparring.core import checkpoint
from sparring.core.files import (
    aside,
    clear_parts,
    file_name,
    may_write,
    not_too_long,
    write_atomically,
    write_text,
)
from sparring.core.run import save_model


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
    (tmp_path / "folder").mkdir()
    assert mistake(write_atomically, tmp_path / "folder", b"").startswith(str(tmp_path / "folder"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in mistake(write_atomically, tmp_path / "a.txt", b"new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "folder"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    write_atomically(tmp_path / "gone" / "a.txt", b"new")
    assert (tmp_path / "gone" / "a.txt").read_bytes() == b"new"


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead, parent = gone.stdout.strip(), os.getppid()
    left = [f".a.txt.{dead}.part", f".b.txt.{dead}.part", f".c.txt.{os.getpid()}.part"]
    others = [f".a.txt.{parent}.part", ".mine.part", "a.txt.1.part", ".a.txt.x.part", f".{dead}.part"]
    for name in [*left, *others]:
        (tmp_path / name).touch()
    clear_parts(tmp_path, "a.txt")
    assert {path.name for path in tmp_path.iterdir()} == {*left[1:], *others}
    clear_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*others}
    clear_parts(tmp_path / "nowhere")


# Who may read them


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


posix = pytest.mark.skipif(os.name != "posix", reason="no umask here")


@posix
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_what_is_written_follows_the_umask(mask: int, mode: int, tmp_path: Path) -> None:
    """Weights too, which their own writer would keep to itself."""
    weights = {"w": torch.ones(2)}
    config = {"kind": "points", "recipe": {}, "form": {}, "examples": 1, "examples_seen": 1}
    with umask(mask):
        write_atomically(tmp_path / "a.txt", b"durable")
        write_atomically(tmp_path / "b.txt", b"not so", durable=False)
        checkpoint.save(tmp_path, 1, weights, {}, keep=1)
        save_model(tmp_path / "model", config, weights, "card")
    names = ["000000000001.safetensors", "README.md", "a.txt", "b.txt", "config.json", "model.safetensors"]
    assert modes(tmp_path) == dict.fromkeys(names, mode)


@posix
def test_a_file_that_is_replaced_is_read_by_whom_the_umask_lets_now(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    with umask(0o022):
        write_atomically(path, b"new")
    assert modes(tmp_path) == {"a.txt": 0o644}


# Names


def test_what_may_be_written(tmp_path: Path, mistake: Callable[..., str]) -> None:
    path = tmp_path / "a.csv"
    may_write(path, (".csv", ".png"), "points are", overwrite=False)
    assert mistake(may_write, tmp_path / "a.doc", (".csv", ".png"), "points are", overwrite=True) == (
        f"{tmp_path / 'a.doc'}: points are written as one of .csv, .png; choose another --out"
    )
    path.touch()
    assert "exists" in mistake(may_write, path, (".csv",), "points are", overwrite=False)
    may_write(path, (".csv",), "points are", overwrite=True)


@pytest.mark.parametrize(
    ("text", "name"), [("a b/c", "a_b_c"), ("../..", ".._.."), ("über-1.0", "über-1.0"), ("x" * 99, "x" * 40), ("", "")]
)
def test_a_text_as_a_part_of_a_files_name(text: str, name: str) -> None:
    assert file_name(text) == name


def test_names_that_are_no_utf_8_come_back_from_json(tmp_path: Path) -> None:
    value = {"data": "caf\udce9 \ud800 \\udcff 字"}
    write_text(tmp_path / "a.json", json.dumps(value, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == value


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 127)
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert not_too_long("a.png") == "a.png"
