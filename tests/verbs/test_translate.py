"""``sparring translate``: what it keeps of a file, what it finds and names, what it refuses in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_films import RATE, film_maker, packets, psnr, smooth
from PIL import ExifTags, Image, ImageCms, ImageOps
from torch import Tensor
from translation_runs import Alternating, files_below, knowing, noisy, refused, same, tiny

from sparring.cli import main
from sparring.media.films.reading import open_film
from sparring.verbs.train import train

ORIENTATION = ExifTags.Base.Orientation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("cyclegan", tmp_path_factory.mktemp("cyclegan"))


@pytest.fixture(scope="module")
def grey_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("cyclegan", tmp_path_factory.mktemp("grey"), channels="1", motion=0)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    knowing(monkeypatch, a2b=same, b2a=torch.neg)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def answer(*words: object) -> dict[str, Any]:
        """All of standard output, which is one JSON object."""
        capsys.readouterr()
        assert main(["translate", *map(str, words), "--json"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert isinstance(result, dict)
        return result

    return answer


def save(place: Path, pixels: np.ndarray, **options: Any) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(place, **options)
    return place


def pixels_of(place: Path) -> np.ndarray:
    with Image.open(place) as image:
        return np.asarray(image)


# Where things go


def test_folders_keep_their_sub_folders_names_sizes_and_formats(run: Path, tmp_path: Path, answer: Any) -> None:
    sizes = {
        "one.png": (13, 22),
        "sub/two.jpg": (16, 17),
        "sub/two.jpeg": (9, 31),
        "sub/deep/three.webp": (40, 23),
        "four.bmp": (5, 7),
        "five.gif": (12, 10),
        "six.tiff": (18, 33),
        "seven.TIF": (1, 3),
        "Sub Folder/ünïcode \U0001f600.PNG": (20, 20),
    }
    for number, (name, (height, width)) in enumerate(sizes.items()):
        save(tmp_path / "in" / name, noisy(height, width, seed=number))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    save(tmp_path / "in" / ".hidden.png", noisy(8, 8))
    (tmp_path / "out" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "sub" / f".two.jpg.{2**22 + 1}.part").write_bytes(b"of a killed process")
    result = answer(run, tmp_path / "in", "--out", tmp_path / "out")
    assert files_below(tmp_path / "out") == set(sizes)
    assert {str(Path(path).relative_to(tmp_path / "out")) for path in result["written"]} == set(sizes)
    assert (result["skipped"], result["pictures"], result["direction"]) == ([], len(sizes), "a2b")
    assert result["pictures_per_second"] > 0
    for name, (height, width) in sizes.items():
        with Image.open(tmp_path / "out" / name) as made, Image.open(tmp_path / "in" / name) as original:
            assert made.size == (width, height)
            assert made.format == original.format
            made.load()


def test_files_and_patterns_lie_in_the_run_without_out(run: Path, tmp_path: Path, answer: Any) -> None:
    for name in ("a1.png", "a2.png", "b.png", "deep/a3.png"):
        save(tmp_path / name, noisy(8, 8))
    result = answer(run, tmp_path / "a*.png", tmp_path / "b.png", "--direction", "b2a")
    places = [str(run / "translated" / "b2a" / name) for name in ("a1.png", "a2.png", "b.png")]
    assert result["written"] == places
    assert result["direction"] == "b2a"
    found = answer(run, tmp_path / "**" / "a*.png", "--out", tmp_path / "all")["written"]
    assert sorted(Path(path).name for path in found) == ["a1.png", "a2.png", "a3.png"]


def test_a_name_that_looks_like_a_pattern_is_a_name(run: Path, tmp_path: Path, answer: Any) -> None:
    save(tmp_path / "in[1]" / "x[2].png", noisy(8, 8))
    assert len(answer(run, tmp_path / "in[1]" / "x[2].png", "--out", tmp_path / "one")["written"]) == 1
    assert len(answer(run, tmp_path / "in[1]", "--out", tmp_path / "two")["written"]) == 1


def test_out_may_be_a_file_for_a_single_input(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pixels = noisy(9, 14)
    picture = save(tmp_path / "x.png", pixels)
    assert answer(run, picture, "--out", tmp_path / "new" / "y.bmp")["written"] == [str(tmp_path / "new" / "y.bmp")]
    with Image.open(tmp_path / "new" / "y.bmp") as made:
        assert made.format == "BMP"
        np.testing.assert_array_equal(np.asarray(made), pixels)
    assert answer(run, picture, "--out", tmp_path / "folder")["written"] == [str(tmp_path / "folder" / "x.png")]


def test_the_direction_asked_for_is_taken(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pixels = noisy(11, 6)
    picture = save(tmp_path / "x.png", pixels)
    for way, expected in (("a2b", pixels), ("b2a", 255 - pixels)):
        (place,) = answer(run, picture, "--direction", way, "--out", tmp_path / way)["written"]
        np.testing.assert_array_equal(pixels_of(Path(place)), expected)


def test_overwrite_replaces_what_was_there(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pixels = noisy(8, 9)
    picture, place = save(tmp_path / "x.png", pixels), save(tmp_path / "out" / "x.png", noisy(3, 3))
    answer(run, picture, "--out", tmp_path / "out", "--overwrite")
    np.testing.assert_array_equal(pixels_of(place), pixels)


def test_a_run_and_its_model_folder_do_alike(run: Path, tmp_path: Path, answer: Any) -> None:
    picture = save(tmp_path / "x.png", noisy(17, 13))
    made = [answer(where, picture, "--out", tmp_path / where.name)["written"][0] for where in (run, run / "model")]
    np.testing.assert_array_equal(*(pixels_of(Path(place)) for place in made))


def test_words_tell_where_it_went(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = save(tmp_path / "x.png", noisy(8, 8))
    assert main(["translate", str(run), str(picture), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(str(tmp_path / "out" / "x.png"))
    assert "images/s" in printed


# What is kept of a picture


def darkened(pictures: Tensor) -> Tensor:
    """The upper four rows black, the left one white: to know up from down and left from right."""
    made = pictures.clone()
    made[:, :, :, :1] = 1
    made[:, :, :4] = -1
    return made


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_are_seen_upright_and_stay_as_they_lie(
    orientation: int, run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=darkened)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[ExifTags.Base.Artist] = "someone"
    picture = save(tmp_path / "x.png", noisy(13, 22), exif=exif)
    with Image.open(picture) as original:
        upright = np.asarray(ImageOps.exif_transpose(original)).copy()
    assert upright.shape[:2] == ((22, 13) if orientation > 4 else (13, 22))
    upright[:, :1] = 255
    upright[:4] = 0
    (place,) = answer(run, picture, "--out", tmp_path / "out")["written"]
    with Image.open(place) as made:
        assert made.size == (22, 13)
        assert made.getexif().get(ORIENTATION, 1) == orientation
        assert made.getexif()[ExifTags.Base.Artist] == "someone"
        np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(made)), upright)


@pytest.mark.parametrize(
    "name",
    [
        "x.jpg",
        "x.webp",
        pytest.param(
            "x.tif",
        ),
    ],
)
def test_turned_pictures_of_other_formats(
    name: str, run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=torch.neg)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = save(tmp_path / name, smooth(0, 30, 50), exif=exif)
    (place,) = answer(run, picture, "--out", tmp_path / "out")["written"]
    with Image.open(place) as made, Image.open(picture) as original:
        assert made.size == original.size  # of a TIFF, Pillow tells that of the upright picture
        assert made.getexif()[ORIENTATION] == 6  # before it is loaded, after which Pillow forgets that of a TIFF
        upright = [np.asarray(ImageOps.exif_transpose(image)) for image in (made, original)]
    assert upright[0].shape == (50, 30, 3)
    assert psnr(upright[0], 255 - upright[1]) > 30


def test_profile_and_transparency_are_kept(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noisy(10, 15, 4)
    picture = save(tmp_path / "x.png", pixels, icc_profile=profile)
    (place,) = answer(run, picture, "--out", tmp_path / "out", "--direction", "b2a")["written"]
    with Image.open(place) as made:
        assert made.info["icc_profile"] == profile
        assert made.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(made)[..., :3], 255 - pixels[..., :3])
        np.testing.assert_array_equal(np.asarray(made)[..., 3], pixels[..., 3])


def test_a_profile_of_colours_is_not_kept_for_greys(
    grey_run: Path, tmp_path: Path, answer: Any, identity: None
) -> None:
    """PNG forbids it, and what manages colours refuses such files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert profile[16:20] == b"RGB "
    picture = save(tmp_path / "x.png", noisy(10, 15), icc_profile=profile)
    (place,) = answer(grey_run, picture, "--out", tmp_path / "out")["written"]
    with Image.open(place) as made:
        assert made.mode == "RGB" or "icc_profile" not in made.info


def test_a_turned_picture_keeps_its_transparency_in_place(
    run: Path, tmp_path: Path, answer: Any, identity: None
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    pixels = noisy(10, 15, 4)
    picture = save(tmp_path / "x.png", pixels, exif=exif)
    (place,) = answer(run, picture, "--out", tmp_path / "out")["written"]
    np.testing.assert_array_equal(pixels_of(Path(place)), pixels)


def test_a_palette_with_a_transparent_colour(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    image = Image.fromarray(noisy(8, 12)[..., 0] % 4, mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 200, 210, 220])
    image.save(tmp_path / "x.png", transparency=2)
    (place,) = answer(run, tmp_path / "x.png", "--out", tmp_path / "out")["written"]
    with Image.open(tmp_path / "x.png") as original, Image.open(place) as made:
        np.testing.assert_array_equal(np.asarray(made), np.asarray(original.convert("RGBA")))


def test_grey_pictures_with_a_model_of_colours(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pixels = noisy(9, 10, 1)
    picture = save(tmp_path / "x.png", pixels)
    (place,) = answer(run, picture, "--out", tmp_path / "out")["written"]
    np.testing.assert_array_equal(pixels_of(Path(place)), pixels.repeat(3, axis=2))


def test_colours_with_a_grey_model(
    grey_run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=torch.neg)
    picture = save(tmp_path / "x.png", noisy(9, 10))
    (place,) = answer(grey_run, picture, "--out", tmp_path / "out")["written"]
    with Image.open(picture) as original, Image.open(place) as made:
        np.testing.assert_array_equal(np.asarray(made.convert("L")), 255 - np.asarray(original.convert("L")))


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("how", [[], ["--tile", 16]])
def test_deep_greys_stay_deep(
    how: list[Any], ending: str, grey_run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=torch.neg)
    deep = np.linspace(0, 65535, 1600).astype(np.uint16).reshape(40, 40)
    picture = save(tmp_path / f"x{ending}", deep)
    (place,) = answer(grey_run, picture, "--out", tmp_path / "out", *how)["written"]
    made = pixels_of(Path(place))
    assert made.dtype == np.uint16
    np.testing.assert_allclose(made.astype(int), 65535 - deep.astype(int), atol=1)


def test_floating_point_of_any_range_stays_it(
    grey_run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model of bytes: black and white are found in the file."""
    knowing(monkeypatch, a2b=torch.neg)
    values = np.linspace(-1000, 3000, 120, dtype=np.float32).reshape(10, 12)
    picture = save(tmp_path / "x.tif", values)
    (place,) = answer(grey_run, picture, "--out", tmp_path / "out", "--resize", 10)["written"]
    made = pixels_of(Path(place))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, 2000 - values, atol=0.01)


def test_deep_pictures_go_from_the_range_of_one_domain_to_that_of_the_other(
    tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Domain A has 12 bits, domain B 10: what is as bright as can be in one is so in the other."""
    random = np.random.default_rng(0)
    for domain, high in (("a", 4095), ("b", 1023)):
        for index in range(16):
            values = random.integers(0, high + 1, (16, 16)).astype(np.uint16)
            values[0, :2] = 0, high
            save(tmp_path / domain / f"{index}.png", values)
    small = {"steps": 1, "batch": 4, "width": 4, "blocks": 1, "shift": 0, "held_out": 0, "device": "cpu"}
    run = train("cyclegan", data=[tmp_path / "a", tmp_path / "b"], out=tmp_path / "run", **small).run
    knowing(monkeypatch, a2b=same, b2a=same)
    picture = save(tmp_path / "x.png", np.array([[0, 819, 4095]], np.uint16))
    (place,) = answer(run, picture, "--out", tmp_path / "out")["written"]
    assert pixels_of(Path(place)).tolist() == [[0, 205, 1023]]
    picture = save(tmp_path / "y.png", np.array([[0, 341, 1023]], np.uint16))
    (place,) = answer(run, picture, "--direction", "b2a", "--out", tmp_path / "out")["written"]
    assert pixels_of(Path(place)).tolist() == [[0, 1365, 4095]]


def test_where_more_than_8_bits_do_not_fit_a_line_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], identity: None
) -> None:
    picture = save(tmp_path / "x.tif", np.linspace(0, 1, 80).astype(np.float32).reshape(8, 10))
    assert main(["translate", str(run), str(picture), "--out", str(tmp_path / "out")]) == 0
    assert f"warning: {picture}: its floating-point values become 8 bits" in capsys.readouterr().err
    assert pixels_of(tmp_path / "out" / "x.tif").max() == 255  # nothing is dark for what it was


MODES = ["L", "P", "RGBA", "1", "LA", "I;16"]


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *((mode, "x.png") for mode in MODES),
        *((mode, "x.tif") for mode in (*MODES, "CMYK")),
        ("CMYK", "x.jpg"),
    ],
)
def test_pictures_of_every_mode(mode: str, name: str, run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    smoothly = Image.fromarray(smooth(0, 21, 34))
    image = smoothly.convert("L").convert(mode) if mode in ("LA", "I;16") else smoothly.convert(mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(smoothly.convert("L")).astype(np.uint16) * 257)
    image.save(tmp_path / name, **({"compression": "tiff_lzw"} if name == "x.tif" else {}))
    (place,) = answer(run, tmp_path / name, "--out", tmp_path / "out")["written"]
    with Image.open(tmp_path / name) as original, Image.open(place) as made:
        expected = smoothly.convert("L").convert("RGB") if mode == "I;16" else original.convert("RGB")
        assert psnr(np.asarray(made.convert("RGB")), np.asarray(expected)) > (35 if name == "x.jpg" else 90)


@pytest.mark.parametrize("height", [7, 40])
def test_resizing_keeps_the_size(
    height: int, run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = knowing(monkeypatch, a2b=same)["a2b"].given
    picture = save(tmp_path / "x.png", smooth(0, height, 60))
    (place,) = answer(run, picture, "--out", tmp_path / "out", "--resize", 16)["written"]
    assert pixels_of(Path(place)).shape == (height, 60, 3)
    (given,) = seen
    assert given.shape[2:] == ((8, 60) if height == 7 else (16, 24))  # nothing is enlarged


def test_options_keep_their_old_names_with_a_word_on_the_new_ones(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = knowing(monkeypatch, a2b=same)["a2b"].given
    picture = save(tmp_path / "x.png", smooth(0, 40, 60))
    words = ["translate", run, picture, "--out", tmp_path / "out", "--at", 16, "--every-frame-alone"]
    assert main([str(word) for word in words]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "is now called" in line]
    assert lines == [
        "sparring: --at is now called --resize",
        "sparring: --every-frame-alone is now called --frame-by-frame",
    ]
    assert seen[0].shape[2:] == (16, 24)


def test_nothing_to_translate_is_a_mistake(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    from sparring.verbs.translate import translate

    (tmp_path / "folder").mkdir()
    assert "there are no files" in mistake(translate, run, [])
    assert "there are no files" in mistake(translate, run, [tmp_path / "fol*"])
    assert "is empty" in mistake(translate, run, [""])


def test_tiles_and_the_whole_are_alike(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pixels = noisy(45, 37)
    picture = save(tmp_path / "x.png", pixels)
    (place,) = answer(run, picture, "--out", tmp_path / "out", "--tile", 16)["written"]
    np.testing.assert_array_equal(pixels_of(Path(place)), pixels)


# Bad files


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, Path]:
    whole = save(tmp_path / "whole.png", noisy(40, 40)).read_bytes()
    files = {"empty.png": b"", "text.jpg": b"not a picture at all", "cut.png": whole[: len(whole) // 2]}
    for name, content in files.items():
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / name).write_bytes(content)
    (tmp_path / "whole.png").unlink()
    return {name: tmp_path / "bad" / name for name in files}


def test_bad_files_are_named_and_the_good_ones_translated(
    run: Path, tmp_path: Path, bad: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "bad" / "good.png", noisy(8, 8))
    assert main(["translate", str(run), str(tmp_path / "bad"), "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["written"] == [str(tmp_path / "out" / "good.png")]
    assert result["pictures"] == 1
    assert {each["path"] for each in result["skipped"]} == {str(path) for path in bad.values()}
    assert all(each["reason"] for each in result["skipped"])
    for path in bad.values():
        assert f"skipped {path}: " in printed.err
    assert files_below(tmp_path / "out") == {"good.png"}


@pytest.mark.parametrize("name", ["empty.png", "text.jpg", "cut.png"])
def test_a_single_bad_file_is_an_error(
    name: str, run: Path, tmp_path: Path, bad: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, "translate", run, bad[name], "--out", tmp_path / "out")
    assert str(bad[name]) in line
    assert files_below(tmp_path / "out") == set()


def test_nothing_but_bad_files_is_an_error(
    run: Path, tmp_path: Path, bad: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not one" in refused(capsys, "translate", run, tmp_path / "bad", "--out", tmp_path / "out")


# Sheets


def test_a_sheet_shows_originals_left_and_translations_right(
    run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=torch.neg)
    levels = (40, 80, 120)
    for number, level in enumerate(levels):
        save(tmp_path / "in" / f"{number}.png", np.full((32, 32, 3), level, np.uint8))
    result = answer(run, tmp_path / "in", "--out", tmp_path / "out", "--sheet", tmp_path / "pairs.png")
    assert result["sheet"] == str(tmp_path / "pairs.png")
    assert result["sheet"] not in result["written"]
    sheet = pixels_of(tmp_path / "pairs.png")
    for level in levels:
        originals, made = (np.argwhere((sheet == value).all(2)) for value in (level, 255 - level))
        assert len(originals) == 32 * 32
        np.testing.assert_array_equal(made, originals + np.array([0, 256]))
    assert set(files_below(tmp_path / "out")) == {"0.png", "1.png", "2.png"}


def test_a_sheet_takes_nothings_place(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not what is translated, and not what is there already."""
    mine, other = (save(tmp_path / "in" / name, noisy(8, 8)) for name in ("x.png", "y.png"))
    before = files_below(tmp_path)
    for sheet, told in ((mine, "overwrite what is translated"), (other, "exists")):
        assert told in refused(capsys, "translate", run, mine, "--out", tmp_path / "out", "--sheet", sheet)
    assert files_below(tmp_path) == before


# What is refused


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
@pytest.mark.parametrize("through", ["folder", "file", "link", "linked folder"])
def test_nothing_is_written_over_what_is_read(
    more: list[str], through: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = save(tmp_path / "in" / "x.png", noisy(8, 8))
    before = picture.read_bytes()
    out = {"folder": tmp_path / "in", "file": picture, "link": tmp_path / "l.png", "linked folder": tmp_path / "l"}
    (tmp_path / "l.png").symlink_to(picture)
    (tmp_path / "l").symlink_to(tmp_path / "in")
    line = refused(capsys, "translate", run, picture, "--out", out[through], *more)
    assert "overwrite what is translated" in line
    assert picture.read_bytes() == before
    assert files_below(tmp_path) == {"in/x.png", "l.png"}


def test_nor_over_what_is_read_later(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The result of one is the other's original."""
    save(tmp_path / "in" / "s" / "x.png", noisy(8, 8))
    later = save(tmp_path / "out" / "s" / "x.png", noisy(8, 8, seed=1))
    before = later.read_bytes()
    words = [run, tmp_path / "in", tmp_path / "out" / "s", "--out", tmp_path / "out", "--overwrite"]
    refused(capsys, "translate", *words)
    assert later.read_bytes() == before


def test_existing_results_are_kept(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("x.png", "y.png"):
        save(tmp_path / "in" / name, noisy(8, 8))
    there = save(tmp_path / "out" / "y.png", noisy(3, 3))
    before = there.read_bytes()
    line = refused(capsys, "translate", run, tmp_path / "in", "--out", tmp_path / "out")
    assert str(there) in line
    assert "--overwrite" in line
    assert there.read_bytes() == before
    assert files_below(tmp_path / "out") == {"y.png"}


MISTAKES = {
    "unknown direction": (["{run}", "{picture}", "--direction", "a2c"], "did you mean 'a2b'"),
    "images run": (["{images}", "{picture}"], "translates nothing"),
    "missing run": (["{place}/nowhere", "{picture}"], "no such run"),
    "missing input": (["{run}", "{place}/nowhere.png"], "nowhere.png"),
    "pattern without a match": (["{run}", "{place}/*.webp"], "*.webp"),
    "folder without pictures": (["{run}", "{place}/empty"], "no pictures"),
    "two of one name": (["{run}", "{place}/one/x.png", "{place}/two/x.png"], "would be called x.png"),
    "negative tile": (["{run}", "{picture}", "--tile", "-4"], "tile"),
    "a tile that is no multiple of four": (["{run}", "{picture}", "--tile", "10"], "tile: 10"),
    "negative resize": (["{run}", "{picture}", "--resize", "-1"], "resize"),
    "no input": (["{run}"], "RUN INPUT"),
    "text called a video": (["{run}", "{place}/text.mp4"], "text.mp4"),
    "unknown ending": (["{run}", "{picture}", "--out", "{place}/new.xyz"], ".xyz"),
    "a video's ending for a picture": (["{run}", "{picture}", "--out", "{place}/new.mp4"], ".mp4"),
    "out too long": (["{run}", "{picture}", "--out", "{place}/" + 300 * "n" + ".png"], "long"),
    "folder where a file is": (["{run}", "{picture}", "--out", "{place}/text.mp4/deep"], "text.mp4"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_a_line(
    mistake: str, run: Path, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {
        "run": run,
        "images": finished_run,
        "place": tmp_path,
        "picture": save(tmp_path / "one" / "x.png", noisy(8, 8)),
    }
    save(tmp_path / "two" / "x.png", noisy(8, 8))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("none here")
    (tmp_path / "text.mp4").write_text("not a film at all\n" * 50)
    before = files_below(tmp_path)
    words, part = MISTAKES[mistake]
    words = [word.format(**names) for word in words]
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    assert part in refused(capsys, "translate", *words, *out)
    assert files_below(tmp_path) == before


# Videos


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames with a tone; skips without PyAV or OpenCV."""
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    pytest.importorskip("cv2", reason="OpenCV comes with the extra 'video'")
    return film_maker()(tmp_path_factory.mktemp("film") / "clip.mp4", count=12, sound=0.4)


def test_a_film_keeps_frames_rate_and_sound(
    film: Path, run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=torch.neg)
    result = answer(run, film, "--out", tmp_path / "made.mp4", "--resize", 0)
    assert (result["written"], result["pictures"]) == ([str(tmp_path / "made.mp4")], 12)
    made, original = open_film(tmp_path / "made.mp4"), open_film(film)
    assert (made.height, made.width, made.rate, made.sound) == (48, 64, RATE, True)
    assert [bytes for bytes, _ in packets(made.path)] == [bytes for bytes, _ in packets(film)]
    frames = list(made.frames())
    assert len(frames) == 12
    for one, other in zip(frames, original.frames(), strict=True):
        assert psnr(one, 255 - other) > 28


def test_films_and_pictures_together(film: Path, run: Path, tmp_path: Path, answer: Any) -> None:
    save(tmp_path / "in" / "x.png", noisy(8, 8))
    (tmp_path / "in" / "clip.mp4").write_bytes(film.read_bytes())
    (tmp_path / "in" / "text.mp4").write_text("not a film")
    result = answer(run, tmp_path / "in", "--out", tmp_path / "out")
    assert files_below(tmp_path / "out") == {"x.png", "clip.mp4"}
    assert [Path(each["path"]).name for each in result["skipped"]] == ["text.mp4"]


def test_a_film_as_its_own_result_is_refused(
    film: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = film.read_bytes()
    refused(capsys, "translate", run, film, "--out", film.parent, "--overwrite")
    assert "'.xyz'" in refused(capsys, "translate", run, film, "--out", tmp_path / "made.xyz")
    assert film.read_bytes() == before
    assert files_below(tmp_path) == set()


def test_a_broken_off_film_leaves_nothing(
    film: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(pictures: Tensor) -> Tensor:
        raise RuntimeError("out of memory")

    knowing(monkeypatch, a2b=broken)
    assert main(["translate", str(run), str(film), "--out", str(tmp_path / "made.mp4")]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert files_below(tmp_path) == set()


def four_colours(index: int) -> np.ndarray:
    """A still of which a GIF loses nothing."""
    return np.kron(
        np.array([[[200, 40, 40], [40, 200, 40]], [[40, 40, 200], [90, 90, 90]]]), np.ones((12, 16, 1))
    ).astype(np.uint8)


def test_an_animation_stays_one(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    pytest.importorskip("cv2", reason="temporal consistency needs OpenCV")
    first, *rest = [Image.fromarray(np.roll(four_colours(0), 3 * index, 1)) for index in range(5)]
    first.save(tmp_path / "x.gif", save_all=True, append_images=rest, duration=[80, 120, 80, 120, 80], loop=3)
    result = answer(run, tmp_path / "x.gif", "--out", tmp_path / "out", "--frame-by-frame")
    assert result["pictures"] == 5
    made, original = open_film(tmp_path / "out" / "x.gif"), open_film(tmp_path / "x.gif")
    assert (made.durations, made.loop, made.rate) == (original.durations, original.loop, original.rate)
    for one, other in zip(made.frames(), original.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "name",
    [
        "x.apng",
        "x.webp",
        pytest.param("x.png"),
    ],
)
def test_animations_keep_their_names(name: str, run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    first, *rest = [Image.fromarray(smooth(index)) for index in range(3)]
    kind = {"x.webp": {"format": "WEBP", "lossless": True}}.get(name, {"format": "PNG"})
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=40, **kind)
    (place,) = answer(run, tmp_path / name, "--out", tmp_path / "out", "--frame-by-frame")["written"]
    assert Path(place).name == {"x.png": "x.apng"}.get(name, name)  # an animated PNG says so
    for one, other in zip(open_film(Path(place)).frames(), open_film(tmp_path / name).frames(), strict=True):
        assert psnr(one, other) > 35


@pytest.mark.parametrize("how", [["--frame-by-frame"], ["--resize", 12]])
def test_a_video_keeps_its_transparency(
    how: list[Any], run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gradient of alpha; what is not seen at all is translated as white, which is what the model was trained on."""
    pytest.importorskip("cv2", reason="temporal consistency needs OpenCV")
    translators = knowing(monkeypatch, a2b=torch.neg)
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    first, *rest = [Image.fromarray(np.dstack([smooth(index), alpha])) for index in range(3)]
    first.save(tmp_path / "x.png", save_all=True, append_images=rest, duration=[40, 60, 80])
    (place,) = answer(run, tmp_path / "x.png", "--out", tmp_path / "out", *how)["written"]
    for index, frame in enumerate(open_film(Path(place)).layers()):
        np.testing.assert_array_equal(frame[..., 3], alpha)
        seen = alpha > 127
        assert psnr(frame[seen, :3], 255 - smooth(index)[seen]) > (40 if how == ["--frame-by-frame"] else 15)
    if how == ["--frame-by-frame"]:
        assert (translators["a2b"].given[0][..., 0] == 1).all()


def test_a_video_that_loses_its_transparency_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], identity: None
) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    first, second = (Image.fromarray(np.dstack([smooth(index), alpha])) for index in range(2))
    first.save(tmp_path / "x.apng", format="PNG", save_all=True, append_images=[second])
    words = ["translate", run, tmp_path / "x.apng", "--out", tmp_path / "x.mp4", "--frame-by-frame"]
    assert main([str(word) for word in words]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "transparency" in line]
    assert str(tmp_path / "x.apng") in line
    assert "is lost" in line


def frames_folder(place: Path, count: int = 8) -> Path:
    for index in range(count):
        save(place / f"{index}.png", smooth(0, 36, 48))
    return place


def test_folders_of_frames_and_consistency(
    run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A still video, a translator that flickers by 20 levels: made consistent it flickers at least five times less."""
    pytest.importorskip("cv2", reason="temporal consistency needs OpenCV")
    folder, flicker = frames_folder(tmp_path / "in"), {}
    for name, more in (("consistent", []), ("alone", ["--frame-by-frame"])):
        knowing(monkeypatch, a2b=Alternating(10 / 127.5))
        result = answer(run, folder, "--frames", "--out", tmp_path / name, *more)
        assert result["written"] == [str(tmp_path / name / "in")]
        assert result["pictures"] == 8
        places = sorted((tmp_path / name / "in").iterdir())
        assert [place.name for place in places] == [f"{index:06}.png" for index in range(8)]
        frames = np.stack([pixels_of(place) for place in places]).astype(float)
        flicker[name] = np.abs(np.diff(frames, axis=0)).mean()
    assert flicker["alone"] == pytest.approx(20, abs=0.5)
    assert flicker["consistent"] < flicker["alone"] / 5


def test_frames_in_one_folder_without_frames_are_pictures(run: Path, tmp_path: Path, answer: Any) -> None:
    folder = frames_folder(tmp_path / "in", 3)
    assert files_below(Path(answer(run, folder, "--out", tmp_path / "out")["written"][0]).parent) == {
        "0.png",
        "1.png",
        "2.png",
    }


def test_a_folder_of_frames_may_have_a_dot_in_its_name(run: Path, tmp_path: Path, answer: Any, identity: None) -> None:
    folder = frames_folder(tmp_path / "shot.01", 3)
    answer(run, folder, "--frames", "--frame-by-frame", "--out", tmp_path / "out")
    assert len(list((tmp_path / "out" / "shot-01").iterdir())) == 3


def test_films_in_grey(grey_run: Path, tmp_path: Path, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2", reason="temporal consistency needs OpenCV")
    knowing(monkeypatch, a2b=torch.neg)
    folder = frames_folder(tmp_path / "in", 3)
    answer(grey_run, folder, "--frames", "--out", tmp_path / "out")
    with Image.open(folder / "0.png") as original:
        expected = 255 - np.asarray(original.convert("L"))[..., None].repeat(3, axis=2)
    for place in (tmp_path / "out" / "in").iterdir():
        np.testing.assert_allclose(pixels_of(place).astype(int), expected.astype(int), atol=1)


def test_frames_of_different_sizes_are_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = frames_folder(tmp_path / "in", 3)
    save(folder / "3.png", noisy(20, 20))
    assert "one size" in refused(capsys, "translate", run, folder, "--frames", "--out", tmp_path / "out")
    assert files_below(tmp_path / "out") == set()
