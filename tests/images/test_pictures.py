"""Pictures in and out: exact bytes, notes that can be read back, nothing half-written, errors in one line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sparring.core.errors import UserError
from sparring.core.files import aside, write_atomically
from sparring.images.samples import write_samples
from sparring.media.pictures.notes import read_note, save_png
from sparring.media.pictures.sheets import sheet, to_uint8

resource = pytest.importorskip("resource", reason="limits on file sizes, which stand for a full disk")

NOTE: dict[str, Any] = {"recipe": {"name": "Zürich 数字"}, "seed": 3, "model": "0123abcd"}


def images(count: int = 5, channels: int = 1, height: int = 4, width: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, channels, height, width, generator=generator) * 2 - 1


def refusal(*arguments: Any, **settings: Any) -> str:
    with pytest.raises(UserError) as caught:
        write_samples(*arguments, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def small_disk(most: int) -> Iterator[None]:
    """No file may grow beyond ``most`` bytes: writing then fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Pixels


def test_every_byte_survives_the_way_to_floats_and_back() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert np.array_equal(to_uint8(pixels.float() / 127.5 - 1)[0, ..., 0], pixels[0, 0].numpy())


def test_what_is_out_of_range_is_clamped_and_channels_go_last() -> None:
    pixels = to_uint8(torch.tensor([-9.0, 0.0, 9.0]).reshape(1, 3, 1, 1).expand(2, 3, 4, 5).bfloat16())
    assert pixels.shape == (2, 4, 5, 3)
    assert pixels[0, 0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_sheet_shows_each_picture_where_it_belongs(channels: int, mode: str) -> None:
    pictures = to_uint8(images(5, channels))
    drawn = sheet(pictures, columns=2, gap=3, scale=2)
    assert drawn.mode == mode
    assert drawn.size == (2 * 12 + 3, 3 * 8 + 2 * 3)
    canvas = np.asarray(drawn).reshape(*drawn.size[::-1], channels)
    for index, picture in enumerate(pictures):
        top, left = index // 2 * 11, index % 2 * 15
        assert np.array_equal(canvas[top : top + 8 : 2, left : left + 12 : 2], picture)
        assert np.array_equal(canvas[top + 1 : top + 8 : 2, left + 1 : left + 12 : 2], picture)
    blank = canvas[8:11].reshape(-1, channels)
    assert (blank == ([255, 255, 255, 0] if channels == 4 else [255] * channels)).all()


@pytest.mark.parametrize("side", [8, 28, 32, 64])
def test_small_pictures_fill_a_screen(side: int) -> None:
    assert 512 <= max(sheet(np.zeros((64, side, side, 1), np.uint8)).size) <= 1024


def test_large_pictures_stay_as_they_are_and_wide_ones_make_a_square_sheet() -> None:
    assert sheet(np.zeros((1, 1200, 1500, 3), np.uint8)).size == (1500, 1200)
    width, height = sheet(np.zeros((64, 16, 64, 3), np.uint8)).size
    assert 0.8 < width / height < 1.25


def test_a_sheet_too_large_to_open_is_refused() -> None:
    many = np.broadcast_to(np.zeros((1, 1, 1, 1), np.uint8), (2000, 256, 256, 1))
    with pytest.raises(UserError, match="too large"):
        sheet(many)


# Notes


def test_a_note_is_read_back_and_the_picture_with_it(tmp_path: Path) -> None:
    pixels = to_uint8(images(1))[0, ..., 0]
    save_png(Image.fromarray(pixels), tmp_path / "one.png", NOTE)
    assert read_note(tmp_path / "one.png") == NOTE
    assert np.array_equal(np.asarray(Image.open(tmp_path / "one.png")), pixels)
    assert b"iTXtsparring\0" in (tmp_path / "one.png").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def test_files_without_a_note_are_named(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "bare.png")
    Image.new("L", (2, 2)).save(tmp_path / "photo.jpg")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    whole = (tmp_path / "bare.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:20])
    for name in ("bare.png", "photo.jpg", "text.png", "empty.png", "cut.png", "missing.png", "."):
        with pytest.raises(UserError) as caught:
            read_note(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)


# Samples


def test_a_png_is_one_sheet(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folders" / "s.PNG"
    assert write_samples(images(), ["a", "b", "c", "d", "e"], out, NOTE) == [out]
    assert read_note(out) == {**NOTE, "labels": ["a", "b", "c", "d", "e"]}


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_hold_bytes_labels_and_note(tmp_path: Path, channels: int) -> None:
    shown = images(channels=channels)
    expected = to_uint8(shown)[..., 0] if channels == 1 else to_uint8(shown)
    write_samples(shown, list("abcde"), tmp_path / "s.npz", NOTE)
    write_samples(shown, None, tmp_path / "s.npy", NOTE)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"images", "labels", "note"}
        assert np.array_equal(arrays["images"], expected)
        assert arrays["images"].dtype == np.uint8
        assert arrays["labels"].tolist() == list("abcde")
        assert json.loads(str(arrays["note"])) == NOTE
    assert np.array_equal(np.load(tmp_path / "s.npy", allow_pickle=False), expected)


def test_a_folder_and_a_zip_hold_a_png_each(tmp_path: Path) -> None:
    labels = ["7", "cat/dog", "..", "Zürich", "x" * 300]
    names = [
        "000000-7.png",
        "000001-cat_dog.png",
        "000002-...png",
        "000003-Zürich.png",
        f"000004-{'x' * 40}.png",
    ]
    written = write_samples(images(), labels, tmp_path / "folder", NOTE)
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == names
    assert read_note(written[1]) == {**NOTE, "index": 1, "label": "cat/dog"}
    assert np.array_equal(np.asarray(Image.open(written[3])), to_uint8(images())[3, ..., 0])

    write_samples(images(), labels, tmp_path / "s.zip", NOTE)
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.namelist() == names
        assert archive.read(names[4]) == written[4].read_bytes()
    write_samples(images(), None, tmp_path / "plain", NOTE)
    assert (tmp_path / "plain" / "000004.png").exists()


@pytest.mark.parametrize("name", ["s.png", "s.npz", "s.npy", "s.zip", "folder"])
def test_nothing_is_overwritten_silently_and_the_same_samples_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    written = write_samples(images(), None, tmp_path / name, NOTE)
    before = [path.read_bytes() for path in written]
    assert "exists" in refusal(images(), None, tmp_path / name, NOTE)
    write_samples(images() * 0, None, tmp_path / name, NOTE, overwrite=True)
    assert [path.read_bytes() for path in written] != before
    write_samples(images(), None, tmp_path / name, NOTE, overwrite=True)
    assert [path.read_bytes() for path in written] == before


def test_an_unknown_ending_lists_those_that_work(tmp_path: Path) -> None:
    line = refusal(images(), None, tmp_path / "s.jpeg", NOTE)
    assert all(kind in line for kind in (".jpeg", ".png", ".npz", ".npy", ".zip", "folder"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["s.png", "s.npz", "folder"])
def test_a_place_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / name
    line = refusal(images(), None, place, NOTE)
    assert line.startswith(str(place))
    assert "Not a directory" in line or "File exists" in line


@pytest.mark.parametrize("name", ["s.png", "s.npz", "s.npy", "s.zip"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    place.write_text("before")
    with small_disk(100):
        line = refusal(images(64, 3, 16, 16), None, place, NOTE, overwrite=True)
    assert line.startswith(f"{place}: cannot be written (File too large)")
    assert place.read_text() == "before"
    assert list(tmp_path.iterdir()) == [place]


# core/files.py


def test_a_full_disk_is_the_same_error_for_weights(tmp_path: Path) -> None:
    place = tmp_path / "w.safetensors"
    with (
        small_disk(1000),
        pytest.raises(UserError, match=r"w\.safetensors: cannot be written"),
        aside(place) as other,
    ):
        save_file({"weight": torch.zeros(10_000)}, other)
    assert not list(tmp_path.iterdir())


def test_a_failure_on_the_way_leaves_no_trace(tmp_path: Path) -> None:
    place = tmp_path / "file"
    write_atomically(place, b"before")
    writing = aside(place)
    writing.__enter__().write_bytes(b"half")
    assert not writing.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # not swallowed
    assert place.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [place]
    with pytest.raises(UserError, match="Is a directory"):
        write_atomically(tmp_path, b"")
