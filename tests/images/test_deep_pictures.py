"""Pictures of more than 8 bits are read by the range of their set, or by the one that was set: never silently black."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sparring.core.errors import UserError
from sparring.images.check import check
from sparring.images.data import ImageSource, open_in_form, open_source
from sparring.images.recipes import RECIPES
from sparring.media.pictures import deep
from sparring.media.pictures.decode import Header, Shape, read_header, read_image, read_values
from sparring.media.pictures.deep import range_of, scaled, shares, unscaled
from sparring.modalities import load
from sparring.translation.data import open_source as open_domains
from sparring.translation.recipes import RECIPES as TRANSLATION
from sparring.verbs.train import resume, train

COUNT, HEIGHT, WIDTH = 20, 12, 10
PARTS = np.random.default_rng(0).random((COUNT, HEIGHT, WIDTH))  # of the way from black to white
PARTS[0, 0, :2] = 0, 1


def written(folder: Path, values: np.ndarray, ending: str = "png") -> Path:
    """A folder of pictures with these values, ``(n, height, width)``."""
    folder.mkdir()
    for number, picture in enumerate(values):
        Image.fromarray(picture).save(folder / f"{number:02}.{ending}")
    return folder


def opened(path: Path, **settings: object) -> ImageSource:
    """The pictures there."""
    return open_source(RECIPES["images"].changed({"data": str(path), **settings}))


def pixels(source: ImageSource) -> np.ndarray:
    """All of them, ``(n, height, width)``."""
    images: np.ndarray = source.batch(np.arange(len(source)))["images"][:, 0].numpy()
    return images


def notes(source: object) -> str:
    """What is said of them."""
    return "\n".join(source.remarks())  # type: ignore[attr-defined]


@pytest.mark.parametrize("cache_mb", [64, 0])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_whole_numbers_are_read_by_the_bits_that_the_set_has(tmp_path: Path, bits: int, cache_mb: int) -> None:
    white = 2 ** (bits + bits % 2) - 1  # of a full number of bits
    values = np.rint(PARTS * (2**bits - 1)).astype(np.uint16)
    source = opened(written(tmp_path / "set", values), cache_mb=cache_mb)
    np.testing.assert_array_equal(pixels(source), np.rint(values.astype(float) / white * 255))
    assert source.form.range == (0, white)
    assert f"black is 0, white {white}, found on 20 of 20 (see --range)" in notes(source)
    assert not source.bad_files


@pytest.mark.parametrize(
    ("low", "high", "limits"),
    [(0, 0.7, (0, 1)), (-0.5, 1, (-1, 1)), (0, 200, (0, 255)), (-1000, 2500, (-1000, 2500)), (0, 7.5, (0, 7.5)),
     (0, 1e6, (0, 1e6)), (3, 4095, (0, 4095))],
)  # fmt: skip
def test_floating_point_is_read_by_what_the_set_holds(
    tmp_path: Path, low: float, high: float, limits: tuple[float, float]
) -> None:
    values = (low + PARTS * (high - low)).astype(np.float32)
    source = opened(written(tmp_path / "set", values, "tif"))
    expected = (values - limits[0]) / (limits[1] - limits[0]) * 255
    assert np.abs(pixels(source) - expected).max() <= 0.51
    assert source.form.range == limits
    assert not source.bad_files


def test_a_range_that_is_set_goes_before_the_one_found_and_cuts_what_is_beyond(tmp_path: Path) -> None:
    values = np.rint(PARTS * 4095).astype(np.uint16)
    folder = written(tmp_path / "set", values)
    expected = np.rint((values.astype(float).clip(1000, 2000) - 1000) / 1000 * 255)
    source = opened(folder, range="1000:2000")
    np.testing.assert_array_equal(pixels(source), expected)
    assert source.form.range == (1000, 2000)
    assert notes(source) == ""
    np.testing.assert_array_equal(pixels(opened(folder, range="full")), np.rint(values / 257))


@pytest.mark.parametrize("text", ["12", "5:5", "9:1", "a:b", "0:1:2", "nan:1", ""])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UserError, match=r"range: '.*' is no range; write LOW:HIGH"):
        RECIPES["images"].changed({"range": text})


def test_a_few_hot_pixels_are_told(tmp_path: Path) -> None:
    values = np.rint(PARTS * 1000).astype(np.uint16).repeat(10, 1).repeat(10, 2)
    values[3, 3, 3] = 65535
    source = opened(written(tmp_path / "set", values))
    assert "nearly all values are below" in notes(source)
    assert "--range 0:" in notes(source)


def test_pictures_of_8_bits_beside_deep_ones_stay_as_they_are(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", np.rint(PARTS * 4095).astype(np.uint16))
    plain = np.full((HEIGHT, WIDTH), 77, np.uint8)
    Image.fromarray(plain).save(folder / "z.png")
    np.testing.assert_array_equal(pixels(opened(folder))[-1], plain)
    assert opened(written(tmp_path / "plain", np.stack([plain] * 16)), range="0:4095").form.range is None


def test_two_kinds_of_numbers_have_no_range_in_common(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", np.rint(PARTS * 4095).astype(np.uint16))
    for number, picture in enumerate(PARTS):
        Image.fromarray(picture.astype(np.float32)).save(folder / f"f{number}.tif")
    with pytest.raises(UserError, match="whole numbers and of floating point"):
        opened(folder)
    names, values = opened(folder, range="full").files, pixels(opened(folder, range="full"))  # type: ignore[attr-defined]
    for number, picture in enumerate(PARTS):
        np.testing.assert_array_equal(values[names.index(f"f{number}.tif")], np.rint(picture.astype(np.float32) * 255))


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_arrays_are_read_by_their_range(tmp_path: Path, kind: str) -> None:
    values = np.rint(PARTS * 4095).astype(np.uint16)
    path = tmp_path / f"set.{kind}"
    (np.save if kind == "npy" else np.savez)(path, values)  # type: ignore[operator]
    source = opened(path)
    np.testing.assert_array_equal(pixels(source), np.rint(values / 4095 * 255))
    assert source.form.range == (0, 4095)
    assert "white 4095" in notes(source)
    assert opened(path, range="0:8190").form.range == (0, 8190)


def test_a_model_reads_other_pictures_by_the_range_that_it_learned_in(tmp_path: Path) -> None:
    form = opened(written(tmp_path / "set", np.rint(PARTS * 4095).astype(np.uint16))).form
    again = type(form).from_dict(json.loads(json.dumps(form.to_dict())))
    assert again.range == (0, 4095)
    dark = np.full((1, HEIGHT, WIDTH), 819, np.uint16)
    recipe = RECIPES["images"].changed({"data": str(written(tmp_path / "dark", dark))})
    assert (pixels(open_in_form(recipe, again)) == 51).all()


def test_the_sheet_and_the_words_of_a_check_have_the_range(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", np.rint(PARTS * 4095).astype(np.uint16))
    summary = check(RECIPES["images"].changed({"data": str(folder)}))
    assert any("white 4095" in line for line in summary.lines)
    assert summary.facts["form"]["range"] == (0, 4095) or summary.facts["form"]["range"] == [0, 4095]


def test_each_domain_has_its_own_range(tmp_path: Path) -> None:
    written(tmp_path / "A", np.rint(PARTS * 4095).astype(np.uint16))
    written(tmp_path / "B", np.rint(PARTS * 255).astype(np.uint8))
    source = open_domains(TRANSLATION["cyclegan"].changed({"data": str(tmp_path)}))
    assert source.form.ranges == {"a": (0, 4095), "b": None}
    assert type(source.form).from_dict(json.loads(json.dumps(source.form.to_dict()))).ranges == source.form.ranges
    assert "domain A: more than 8 bits" in notes(source)


def test_a_run_from_before_there_were_ranges_goes_on_with_the_pixels_that_it_had(tmp_path: Path) -> None:
    """Read from 0 to 65535, whatever the set holds; a run of today goes on by the range that it found."""
    data = written(tmp_path / "set", np.rint(PARTS * 4095).astype(np.uint16))
    settings = {"width": 4, "batch": 8, "steps": 2, "time": 0, "held_out": 0, "device": "cpu"}
    for older in (True, False):
        run = train(
            "images", data=data, out=tmp_path / f"run{older}", range="full" if older else "auto", **settings
        ).run
        recipe, config = (run / "recipe.yaml", run / "model" / "config.json")
        if older:
            stored = yaml.safe_load(recipe.read_text())
            del stored["range"]
            recipe.write_text(yaml.safe_dump(stored))
            model = json.loads(config.read_text())
            del model["form"]["range"], model["recipe"]["range"]
            config.write_text(json.dumps(model))
        wanted = "full" if older else "0:4095"
        assert load(run).recipe.range == wanted
        resume(run, steps=4)
        assert yaml.safe_load(recipe.read_text())["range"] == wanted
        assert json.loads(config.read_text())["form"]["range"] == ([] if older else [0, 4095])


# The arithmetic


def test_shares_and_back() -> None:
    values = np.array([[0, 1000, 4095, 65535]], np.uint16)
    assert shares(values).tolist() == [[0, 1000 / 65535, 4095 / 65535, 1]]
    assert shares(values, (0, 4095)).tolist() == [[0, 1000 / 4095, 1, 1]]
    for limits in ((), (0, 4095), (-7, 60000)):
        inside = np.arange(0, 4096, 7, dtype=np.uint16)
        np.testing.assert_array_equal(unscaled(shares(inside, limits), inside.dtype, limits), inside)
    floats = np.linspace(-3, 9, 50, dtype=np.float32)
    np.testing.assert_allclose(unscaled(shares(floats, (-3, 9)), floats.dtype, (-3, 9)), floats, atol=1e-6)
    for bad in (np.array([np.nan], np.float32), np.array([2.0], np.float32), np.array([-1], np.int32)):
        with pytest.raises(ValueError, match=r"finite|outside"):
            shares(bad)
    assert np.asarray(scaled(Image.fromarray(values), (0, 4095))).tolist() == [[0, 62, 255, 255]]


@pytest.mark.parametrize(
    ("low", "high", "limits"),
    [(0, 255, (0, 255)), (0, 256, (0, 1023)), (0, 1024, (0, 4095)), (5, 16383, (0, 16383)), (0, 16384, (0, 65535)),
     (0, 3, (0, 3)), (0, 0, (0, 1)), (-5, 100, (-5, 100)), (0, 100_000, (0, 100_000))],
)  # fmt: skip
def test_ranges_of_whole_numbers(low: float, high: float, limits: tuple[float, float]) -> None:
    assert range_of(low, high, np.dtype(np.int32)) == limits


# Colours of 16 bits, of which Pillow gives the upper 8 alone


def png_of(values: np.ndarray, extra: bytes = b"") -> bytes:
    """Colours ``(height, width, 3 or 4)`` as a 16-bit PNG, which Pillow does not write; ``extra`` chunks come before
    the pixels. The rows are filtered by each of PNG's filters in turn but for Paeth's."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    left = np.pad(rows, ((0, 0), (2 * channels, 0)))[:, : rows.shape[1]]
    above = np.pad(rows, ((1, 0), (0, 0)))[:height]
    filtered = [rows, rows - left, rows - above, rows - (left + above) // 2]
    lines = [bytes([y % 4]) + (filtered[y % 4][y] % 256).astype(np.uint8).tobytes() for y in range(height)]
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(lines)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiff_of(values: np.ndarray, order: str) -> bytes:
    """Colours ``(height, width, 3)`` as an uncompressed 16-bit TIFF, its bytes in ``order``, ``<`` or ``>``."""
    height, width, channels = values.shape
    pixels = values.astype(f"{order}u2").tobytes()
    place = 8 + 6
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, place - 6), (259, 3, 1, 1), (262, 3, 1, 2),
               (273, 4, 1, place), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(pixels))]  # fmt: skip
    table = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        table += struct.pack(
            f"{order}HHI" + ("HH" if short else "I"), tag, kind, count, *((value, 0) if short else (value,))
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place + len(pixels))
    return head + struct.pack(f"{order}3H", 16, 16, 16) + pixels + table + bytes(4)


COLOURS = np.random.default_rng(1).integers(0, 4096, (COUNT, HEIGHT, WIDTH, 3)).astype(np.uint16)


@pytest.mark.parametrize("kind", ["png", "tif<", "tif>"])
def test_colours_of_16_bits_keep_what_they_have(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for number, values in enumerate(COLOURS):
        content = png_of(values) if kind == "png" else tiff_of(values, kind[-1])
        (folder / f"{number:02}.{kind[:3]}").write_bytes(content)
        np.testing.assert_array_equal(read_values(folder / f"{number:02}.{kind[:3]}"), values)
        np.testing.assert_array_equal(read_values(content), values)
    source = opened(folder)
    made = source.batch(np.arange(COUNT))["images"].numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(made, np.rint(COLOURS / 4095 * 255))
    assert source.form.range == (0, 4095)
    assert dict(source.survey.modes) == {"RGB;16": COUNT}
    full = opened(folder, range="full").batch(np.arange(COUNT))["images"].numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(full, COLOURS >> 8)  # as Pillow gives them


def test_colours_of_16_bits_keep_their_transparency_and_are_turned(tmp_path: Path) -> None:
    values = np.dstack([COLOURS[0], np.full((HEIGHT, WIDTH), 65535, np.uint16)])
    values[:6, :, 3] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    (tmp_path / "a.png").write_bytes(png_of(values, chunk(b"eXIf", exif.tobytes()[6:])))
    assert read_header(tmp_path / "a.png") == Header(WIDTH, HEIGHT, "RGBA;16", colour=True, transparent=True)
    shape = Shape(WIDTH, HEIGHT, 3, range=(0, 4095))
    expected = np.where(values[..., 3:] > 0, np.rint(values[..., :3] / 4095 * 255), 255)
    made = read_image(tmp_path / "a.png", shape).transpose(1, 2, 0)
    np.testing.assert_array_equal(made, np.rot90(expected, -1))


def test_rows_that_are_dealt_with_at_a_time_make_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = COLOURS[0]
    for dtype in (np.uint16, np.int32, np.float32):
        Image.fromarray(values[..., 0].astype(dtype)).save(tmp_path / f"{np.dtype(dtype).name}.tif")
    (tmp_path / "colours.png").write_bytes(png_of(values))
    (tmp_path / "layers.png").write_bytes(png_of(np.dstack([values, values[..., :1] << 4])))
    files, shape = sorted(tmp_path.iterdir()), Shape(8, 8, 3, range=(0, 4095))
    monkeypatch.setattr(deep, "BAND", 10**9)
    at_once = [(read_values(file), read_image(file, shape)) for file in files]
    monkeypatch.setattr(deep, "BAND", 3 * WIDTH)
    for file, expected in zip(files, at_once, strict=True):
        for part, whole in zip((read_values(file), read_image(file, shape)), expected, strict=True):
            assert part.dtype == whole.dtype
            np.testing.assert_array_equal(part, whole)
