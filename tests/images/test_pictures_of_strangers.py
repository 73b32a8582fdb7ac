"""Data files of strangers can neither take the machine nor hang it, and are told of in one line."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.core.errors import UserError
from sparring.images.data import open_source
from sparring.images.recipes import RECIPES
from sparring.media.films.reading import is_film, open_film
from sparring.media.pictures import decode
from sparring.media.pictures.decode import BadImage, Shape, read_header, read_image

COUNT = 16
RECORD = 3073  # bytes of a picture of CIFAR-10
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")


def open_at(path: Path):  # type: ignore[no-untyped-def]
    return open_source(RECIPES["images"].changed({"data": str(path)}))


def told(path: Path) -> str:
    """The one line about data that cannot be used, which cost no memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as caught:
        open_at(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kilobytes
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line
    return line


def picture(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "pictures"
    inside.mkdir()
    for number in range(COUNT):
        (inside / f"{number}.png").write_bytes(picture(number))
    return inside


# Packed files


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (idx((20, 28, 28), bytes(300 << 20)), "larger than 15,680 bytes"),
        (idx((4_000_000_000, 28, 28), bytes(1000)), "says that it holds 3,136,000,000,000 bytes"),
        (idx((20, 0, 8), b""), "has shape"),
        (idx((20, 8, 8, 7), bytes(20 * 8 * 8 * 7)), "has shape"),
        (idx((1,) * 200, b"1"), "not an IDX file"),
        (b"\0\0\x08", "damaged"),
    ],
)
def test_idx_is_unpacked_to_what_it_says(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content, 1))
    assert reason in told(path)


def tar_gz(path: Path, *members: tuple[str, bytes, bytes]) -> Path:
    """A gzipped tar of members, each a name, a content and the type that tar gives it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, name
            archive.addfile(member, io.BytesIO(content))
    path.write_bytes(gzip.compress(buffer.getvalue(), 1))
    return path


def test_a_tar_is_unpacked_to_what_it_may(tmp_path: Path) -> None:
    path, records = tmp_path / "cifar.tar.gz", os.urandom(RECORD * COUNT)
    good = ("c/data_batch_1.bin", records, tarfile.REGTYPE)
    assert len(open_at(tar_gz(path, good))) == COUNT
    assert "unpacks to more than 256 MiB" in told(tar_gz(path, ("zeros", bytes(300 << 20), tarfile.REGTYPE), good))
    header = ("x", bytes(100 << 20), tarfile.XHDTYPE)  # which tarfile reads in one piece
    assert "a part of it is larger than 64 MiB" in told(tar_gz(path, header, good))
    assert "larger than 67,108,864 bytes" in told(tar_gz(path, ("data_batch_1.bin", bytes(100 << 20), tarfile.REGTYPE)))
    assert "no data_batch" in told(tar_gz(path, ("data_batch_1.bin", b"", tarfile.SYMTYPE)))  # a link to itself


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_in_a_zip_is_named_and_skipped(method: int, tmp_path: Path) -> None:
    path, size = tmp_path / "a.zip", 300 << 20
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(COUNT):
            archive.writestr(f"{number}.png", picture(number))
        archive.writestr("bomb.png", bytes(size) if method == zipfile.ZIP_DEFLATED else bytes(1 << 24), method)
    if method != zipfile.ZIP_DEFLATED:
        path.write_bytes(path.read_bytes().replace(struct.pack("<I", 1 << 24), struct.pack("<I", 20)))
    source = open_at(path)
    assert len(source) == COUNT
    assert [bad.path for bad in source.bad_files] == [f"{path}/bomb.png"]


@pytest.mark.parametrize(
    "name", ["/abs/{0}/{1}.png", "../../{0}/{1}.png", "./{0}/{1}.png", "a//{0}/{1}.png", "\x1b[31m{0}\u202e/{1}\n.png"]
)
def test_names_in_a_zip_lead_nowhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(COUNT):
            archive.writestr(zipfile.ZipInfo(name.format("ab"[number % 2], number)), picture(number))
        archive.writestr(zipfile.ZipInfo("folder.png/"), b"")
        archive.writestr(zipfile.ZipInfo(""), b"without a name")
    source = open_at(path)
    assert (len(source), len(source.form.labels)) == (COUNT, 2)
    assert all(label.isprintable() for label in source.form.labels)


# What is no regular file


@needs_pipes
@pytest.mark.parametrize("target", ["pipe", "/dev/zero"])
@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.npz", "a.zip", "a.tar.gz", "x-images-idx3-ubyte", "a.gif"])
def test_pipes_and_devices_are_refused(target: str, name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / name).symlink_to(tmp_path / target)
    assert "not a regular file" in told(tmp_path / name)
    assert is_film(tmp_path / name) == name.endswith(".gif")  # by its name alone
    with pytest.raises(UserError, match="not a regular file"):
        open_film(tmp_path / name)


@needs_pipes
def test_in_a_folder_they_are_named_and_skipped(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    source = open_at(folder)
    assert len(source) == COUNT
    reasons = {Path(bad.path).name: bad.reason for bad in source.bad_files}
    kinds = {"pipe.png": "a named pipe", "zero.png": "a device"}
    assert reasons == {name: f"{kind}, not a regular file" for name, kind in kinds.items()}
    (folder / "labels.csv").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"labels.csv: .*a device, not a regular file"):
        open_at(folder)


# Files of labels


@pytest.mark.parametrize("name", ["labels.json", "dataset.json", "labels.csv"])
@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"0.png": ' + b"9" * 5000 + b"}", b"null", b"3", b'{"labels": 3}',
     b"\xff\xfe", b"\0" * 100, b"0.png," + b"x" * 200_000, b'{"labels": [["0.png", 1, 2]]}', b"NaN", b"," * 10_000],
)  # fmt: skip
def test_damaged_labels_are_told_by_their_file(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    assert str(folder / name) in told(folder)


@pytest.mark.parametrize(
    ("label", "kept"),
    [("\ud800", "\\ud800"), ("9" * 5000, "9" * 100), ("\x1b[2J", "\\x1b[2J"), ("x" * 10**6, "x" * 100)],
    ids=["half", "digits", "escape", "long"],
)  # fmt: skip
def test_strange_labels_are_kept_as_plain_text(label: str, kept: str, folder: Path) -> None:
    labels = {f"{number}.png": label if number % 2 else "b" for number in range(COUNT)}
    (folder / "labels.json").write_text(json.dumps(labels))
    assert any(name.startswith(kept) for name in open_at(folder).form.labels)


# Pictures


def test_transparency_is_dealt_with_strip_by_strip_as_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 23, 4), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    shapes = [Shape(8, 8, channels, alpha=alpha) for channels in (1, 3) for alpha in ("white", "black", "drop")]
    at_once = [read_image(path, shape) for shape in shapes]
    monkeypatch.setattr(decode, "STRIP", 50)
    monkeypatch.setattr(decode, "HUGE", 1)
    for shape, expected in zip(shapes, at_once, strict=True):
        assert (read_image(path, shape) == expected).all()


@pytest.mark.parametrize(
    ("name", "mode", "most"),
    [("a.png", "RGB", 4), ("a.png", "RGBA", 8), ("a.tif", "I;16", 8), ("a.tif", "F", 8), ("a.webp", "RGB", 16)],
)
def test_what_takes_too_much_to_decode_is_refused(
    name: str, mode: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new(mode, (10, 10)).save(tmp_path / name)
    monkeypatch.setattr(decode, "DECODED", 100 * most)
    read_header(tmp_path / name)
    monkeypatch.setattr(decode, "DECODED", 100 * most - 1)
    with pytest.raises(BadImage, match="MiB to decode"):
        read_header(tmp_path / name)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_an_animation_of_too_many_frames(tmp_path: Path) -> None:
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0))
    content = picture()
    (tmp_path / "a.apng").write_bytes(
        content[:33] + chunk(b"acTL", struct.pack(">II", 200_000, 0)) + frame + content[33:]
    )
    with pytest.raises(UserError, match=r"200,000 frames of 8x8 are more than"):
        open_film(tmp_path / "a.apng")


def test_damaged_pictures_print_nothing(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "TIFF", description="hello " * 9)
    content = bytearray(buffer.getvalue())
    place = content.find(struct.pack("<HH", 270, 2))
    content[place + 4 : place + 8] = struct.pack("<I", 10**9)  # the description is longer than the file
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    code = f"from pathlib import Path; from {decode.__name__} import read_header; read_header(Path({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
