"""Only regular files are opened, and no more is read or unpacked than was agreed."""

from __future__ import annotations

import bz2
import gzip
import os
import resource
import socket
import zipfile
from pathlib import Path

import pytest

from sparring.core.reading import (
    UNPACKED,
    Unpacking,
    has_memory_for,
    is_regular,
    kind_of_file,
    may_unpack_to,
    open_gzip,
    open_zip,
    parse_json,
    read_bytes,
    read_json,
    read_text,
    regular,
    whole,
    zip_member,
)


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfcat")
    assert read_bytes(path).endswith(b"cat")
    assert read_text(path) == "cat"
    assert regular(path) == path
    assert is_regular(path)
    assert not is_regular(tmp_path / "none")
    assert not is_regular("null\0byte")
    with pytest.raises(OSError, match="larger than 3 bytes"):
        read_bytes(path, most=3)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_nothing_else_is_opened_also_not_behind_a_link(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    kinds = {"pipe": "a named pipe", "socket": "a socket", "/dev/zero": "a device", ".": "a folder"}
    for number, (name, kind) in enumerate(kinds.items()):
        link = tmp_path / f"link{number}"
        link.symlink_to(tmp_path / name)
        for path in (tmp_path / name, link):
            assert kind_of_file(path) == kind
            assert not is_regular(path)
            for opening in (read_bytes, read_text, regular):
                with pytest.raises(OSError, match=f"{kind}, not a regular file"):
                    opening(path)
    server.close()


def test_gzip_is_unpacked_to_what_was_agreed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(400_000_000), 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_gzip(path) as file, pytest.raises(OSError, match="larger than 20 bytes"):
        whole(file, 20, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_of_a_zip_is_unpacked_to_what_it_says(tmp_path: Path, method: int) -> None:
    path, content = tmp_path / "some.zip", os.urandom(5000) * 3
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a", content)
    with zipfile.ZipFile(path) as archive:
        assert zip_member(archive, archive.infolist()[0]) == content


def test_a_member_that_says_less_than_it_holds_takes_no_more(tmp_path: Path) -> None:
    """A bzip2 entry of a few hundred bytes can hold a gigabyte; its size in the zip is the attacker's word."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", bytes(1 << 28))
    packed = len(bz2.compress(bytes(1 << 28)))
    assert packed < 1000
    said = path.read_bytes().replace((1 << 28).to_bytes(4, "little"), (20).to_bytes(4, "little"))
    path.write_bytes(said)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with zipfile.ZipFile(path) as archive, pytest.raises(zipfile.BadZipFile):
        zip_member(archive, archive.infolist()[0])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


def test_the_bound(tmp_path: Path) -> None:
    assert may_unpack_to(0) == UNPACKED
    assert may_unpack_to(1 << 30) == 100 << 30
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(UNPACKED + 1))
    with zipfile.ZipFile(path) as archive, pytest.raises(OSError, match="unpacks to more than 256 MiB"):
        zip_member(archive, archive.infolist()[0])


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100 + "]" * 100, '{"a":' * 100 + "1" + "}" * 100, "9" * 5000, "{"]
)
def test_json_that_would_stop_its_readers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_json_of_others_is_read() -> None:
    assert parse_json('{"a": [1, {"b": null}], "c": "\\ud800"}') == {"a": [1, {"b": None}], "c": "\ud800"}
    assert parse_json("[" * 60 + "]" * 60)


def test_a_size_that_the_zip_only_says_gives_no_more_room(tmp_path: Path) -> None:
    """Both sizes of a member are the attacker's words: what it may unpack to follows from the size of the file."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(UNPACKED + 1))
    with zipfile.ZipFile(path) as archive:
        member = archive.infolist()[0]
        member.compress_size = 1 << 40
        with pytest.raises(OSError, match="unpacks to more than 256 MiB"):
            zip_member(archive, member)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", bytes(100)])
def test_what_is_no_zip(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(OSError, match="not a readable zip"):
        open_zip(tmp_path / "a.zip")


def test_unpacking_goes_no_further_than_agreed(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(3000)))
    with open_gzip(path) as file:
        bounded = Unpacking(file, 1000, path)
        assert bounded.read(1000) == bytes(1000)
        assert bounded.seek(500) == bounded.tell() == 500
        for going in (lambda: bounded.read(501), lambda: bounded.read(), lambda: bounded.seek(1001)):
            with pytest.raises(OSError, match=r"more than|larger than"):
                going()


def test_memory_is_finite() -> None:
    assert has_memory_for(0)
    assert not has_memory_for(1 << 60)


@pytest.mark.parametrize("inside", ["[" * 200 + "]" * 200, "[" + "[]," * 300_000 + "1]", '{"a": 1, "a": 2}', "NaN"])
def test_a_description_has_no_endless_brackets(inside: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(f'{{"x": {inside}}}')
    with pytest.raises(ValueError, match=r"^(more than [0-9,]+ brackets|a name is there twice|NaN is no number)"):
        read_json(tmp_path / "config.json")
    (tmp_path / "config.json").write_text('{"x": [[1], {}]}')
    assert read_json(tmp_path / "config.json") == {"x": [[1], {}]}
