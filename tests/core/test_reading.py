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
    is_regular,
    kind_of_file,
    may_unpack_to,
    open_gzip,
    read_bytes,
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
