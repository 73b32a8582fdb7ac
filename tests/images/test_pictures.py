"""Pictures in and out: exact bytes, notes that can be read back, nothing half-written, errors in one line."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file

from sparring.core.errors import UserError
from sparring.core.files import aside, write_atomically
from sparring.data.source import Form
from sparring.images.modality import Images
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import RECIPES
from sparring.images.samples import write_samples
from sparring.kind import Layout, in_columns
from sparring.media.pictures import notes
from sparring.media.pictures.notes import as_png, compact, encode_png, read_note, save_png, stamped
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
        unreadable(tmp_path / name)


def unreadable(path: Path, why: str = ".") -> None:
    with pytest.raises(UserError, match=why) as caught:
        read_note(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_a_stamp_goes_into_a_png_behind_its_header_and_changes_nothing_else(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(to_uint8(images(1))[0, ..., 0]).convert(mode)
    bare = as_png(picture)
    content = stamped(bare, "image/png", NOTE)
    assert content[:33] == bare[:33]  # signature and IHDR
    length, kind = struct.unpack(">I4s", content[33:41])
    text = content[41 : 41 + length]
    assert (kind, text) == (b"iTXt", b"sparring\0\0\0\0\0" + compact(NOTE).encode())
    assert struct.unpack(">I", content[41 + length : 45 + length]) == (zlib.crc32(b"iTXt" + text),)
    assert content[45 + length :] == bare[33:]
    assert read_note(written(tmp_path / "one.png", content)) == NOTE
    assert np.array_equal(np.asarray(Image.open(tmp_path / "one.png")), np.asarray(picture))


def test_a_stamp_takes_the_place_of_an_older_one_and_leaves_others_texts(tmp_path: Path) -> None:
    picture, others = Image.new("L", (3, 2), 7), PngImagePlugin.PngInfo()
    others.add_itxt("sparring too", "not ours")
    others.add_text("Title", "a title")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=others)
    once = stamped(buffer.getvalue(), "image/png", {"old": 1})
    twice = stamped(once, "image/png", NOTE)
    assert twice == stamped(buffer.getvalue(), "image/png", NOTE)
    assert encode_png(picture, NOTE) == stamped(encode_png(picture, {}), "image/png", NOTE)
    path = written(tmp_path / "one.png", twice)
    assert read_note(path) == NOTE
    assert {"sparring too": "not ours", "Title": "a title"}.items() <= Image.open(path).info.items()


SVG_START = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" data-sign="a > b">'
TRICKY = {**NOTE, "text": "</metadata><script>&amp; \" ' < > & \\ \n \u2028", "deep": [{"a": None}]}


@pytest.mark.parametrize("start", ["", "\ufeff", '<?xml version="1.0"?>\n'])
def test_a_stamp_goes_into_an_svg_and_is_read_back(tmp_path: Path, start: str) -> None:
    body = '<rect width="9" height="9"/></svg>\n'
    content = stamped(f"{start}{SVG_START}{body}".encode(), "image/svg+xml", TRICKY)
    tree = ElementTree.fromstring(content.decode().removeprefix("\ufeff"))
    assert [child.tag.partition("}")[2] for child in tree] == ["metadata", "rect"]
    assert json.loads(tree[0].text or "") == TRICKY
    assert content.decode().startswith(start + SVG_START)
    assert content.decode().endswith(body)
    assert read_note(written(tmp_path / "lines.svg", content)) == TRICKY
    again = stamped(content, "image/svg+xml", NOTE)
    assert again == stamped(f"{start}{SVG_START}{body}".encode(), "image/svg+xml", NOTE)


def test_an_svgs_own_metadata_stay_and_are_no_note(tmp_path: Path) -> None:
    rdf = "<metadata><rdf:RDF>{}</rdf:RDF></metadata><metadata>by hand</metadata>"
    plain = f"{SVG_START}{rdf}</svg>"
    unreadable(written(tmp_path / "drawn.svg", plain.encode()), "carries no note")
    content = stamped(plain.encode(), "image/svg+xml", NOTE)
    assert rdf in content.decode()
    assert read_note(written(tmp_path / "drawn.svg", content)) == NOTE


def test_svgs_that_carry_nothing_to_be_believed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, text in enumerate(["", "[1, 2]", '"text"', "{", "{}}", "[" * 100_000, '{"a": ' * 100_000, "1" * 5000]):
        path = written(tmp_path / f"{number}.svg", f"{SVG_START}<metadata>{text}</metadata></svg>".encode())
        unreadable(path, "carries no note of Sparring's")
    unreadable(written(tmp_path / "bytes.svg", b"<svg>\xff\xfe<metadata>\xff</metadata>"), "carries no note")
    unreadable(written(tmp_path / "page.svg", b"<html><metadata>{}</metadata></html>"), "not a picture")
    entities = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "{}">]><svg><metadata>&a;</metadata></svg>'
    unreadable(written(tmp_path / "entity.svg", entities), "carries no note")
    note = stamped(f"{SVG_START}</svg>".encode(), "image/svg+xml", NOTE)
    monkeypatch.setattr(notes, "LARGEST_NOTE", len(compact(NOTE)))
    assert read_note(written(tmp_path / "fits.svg", note)) == NOTE
    monkeypatch.setattr(notes, "LARGEST_NOTE", len(compact(NOTE)) - 1)
    unreadable(tmp_path / "fits.svg", "carries no note")
    unreadable(written(tmp_path / "long.png", encode_png(Image.new("L", (2, 2)), NOTE)), "carries no note")
    monkeypatch.setattr(notes, "LARGEST_SVG", len(note) - 1)
    unreadable(tmp_path / "fits.svg", "cannot be read")


@pytest.mark.parametrize("media_type", ["text/plain", "audio/wav", "video/mp4", "image/svg+xml"])
def test_what_cannot_hold_a_stamp_stays_as_it_is(media_type: str) -> None:
    assert stamped(b"<svg/> some bytes", media_type, NOTE) == b"<svg/> some bytes"


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


# Behind the door


def test_a_preview_is_a_sheet_with_a_column_for_each_label(tmp_path: Path) -> None:
    modality, recipe = Images(), RECIPES["digits"].changed({"width": 2})
    game = modality.build_game(recipe, ImageForm(height=8, width=8, channels=1, labels=("a", "b", "c")))
    networks = {name: player.network.eval() for name, player in game.players.items()}
    preview = modality.preview(game, networks, {}, seed=4)
    conditions = {"row": torch.arange(63), "labels": torch.arange(63) % 3}
    made = game.outputs[""].generate(networks, conditions, seed=4)
    assert (preview.media_type, preview.ending) == ("image/png", ".png")
    assert preview.data == as_png(sheet(to_uint8(made), columns=9))
    assert modality.columns(game, Form(labels=("a", "b", "c"))) == list("abcabcabc")
    assert read_note(written(tmp_path / "s.png", stamped(preview.data, preview.media_type, NOTE))) == NOTE


def test_real_pictures_stand_in_the_columns_of_their_labels() -> None:
    modality, recipe = Images(), RECIPES["digits"].changed({"width": 2})
    game = modality.build_game(recipe, ImageForm(height=8, width=8, channels=1, labels=("a", "b", "c")))
    batch = {"images": torch.arange(4, dtype=torch.uint8).repeat_interleave(64).view(4, 1, 8, 8)}
    real = modality.real_preview(game, {**batch, "labels": torch.tensor([2, 0, 2, 2])})
    with Image.open(io.BytesIO(real.data)) as drawn:
        pixels = np.asarray(drawn)
    step = pixels.shape[1] / 9
    first_row = [int(pixels[4, int((column + 0.4) * step)]) for column in range(9)]
    assert first_row == [1, 255, 0, 255, 255, 2, 255, 255, 3]  # white where no more of a label are there


@pytest.mark.parametrize(
    ("classes", "layout"),
    [(0, Layout(64)), (2, Layout(64, 8, 2)), (3, Layout(63, 9, 3)), (10, Layout(60, 10, 10)), (17, Layout(64))],
)
def test_columns_are_of_one_label_unless_there_are_far_too_many(classes: int, layout: Layout) -> None:
    assert in_columns(classes, 64, 8) == layout


def test_real_examples_lie_in_the_column_of_their_label() -> None:
    """Each once, and a blank where none is left; without columns, as they come."""
    examples, labels = torch.arange(5.0)[:, None], torch.tensor([0, 0, 1, 2, 0])
    arranged = Layout(6, 3, 3).arranged(examples, {"labels": labels}, -7)
    assert arranged[:, 0].tolist() == [0, 2, 3, 1, -7, -7]
    assert examples[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert Layout(2).arranged(examples, {}, -7)[:, 0].tolist() == [0, 1]


def test_the_modality_writes_what_write_samples_writes(tmp_path: Path) -> None:
    for name in ("door.npz", "plain.npz"):
        (write_samples if name == "plain.npz" else door)(images(), list("abcde"), tmp_path / name, NOTE)
    assert (tmp_path / "door.npz").read_bytes() == (tmp_path / "plain.npz").read_bytes()
    with pytest.raises(UserError, match="exists"):
        door(images(), None, tmp_path / "door.npz", NOTE)


def door(samples: torch.Tensor, labels: list[str] | None, out: Path, note: dict[str, Any]) -> list[Path]:
    return Images().write(samples, out, form=Form(), labels=labels, note=note, options={}, overwrite=False)


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


@pytest.mark.parametrize(("out", "part"), [("folder", "folder/.000001.png"), ("new.zip", ".new.zip")])
def test_what_a_killed_process_left_half_written_is_removed(out: str, part: str, tmp_path: Path) -> None:
    left = tmp_path / f"{part}.{2**22 + 1}.part"  # a number that no process can have
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"")
    write_samples(torch.zeros(2, 1, 8, 8), None, tmp_path / out, {})
    assert not left.exists()
