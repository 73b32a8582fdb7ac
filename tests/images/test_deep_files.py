"""Pictures of more than 8 bits written with all of them, read back by others: Pillow, and OpenCV for colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from sparring.media.pictures.decode import BadImage
from sparring.media.pictures.files import Picture, as_channels, deep_file, read_picture, turned, write_picture

ORIENTATION = ExifTags.Base.Orientation


def noise(*shape: int, high: int = 65535) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, high + 1, shape, dtype=np.uint16)
    values.reshape(-1)[:2] = 0, high
    return values


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("high", [1023, 4095, 65535])
def test_greys_of_16_bits_go_through_unchanged(tmp_path: Path, ending: str, high: int) -> None:
    """By the range that is found in the values, here that of 10, 12 or 16 bits."""
    values = noise(13, 22, high=high)
    Image.fromarray(values).save(tmp_path / f"i{ending}")
    picture = read_picture(tmp_path / f"i{ending}", 1)
    assert picture.limits == (0, high)
    assert picture.pixels.max() == 255
    assert write_picture(picture.pixels, picture, tmp_path / f"o{ending}") == ""
    with Image.open(tmp_path / f"o{ending}") as made:
        assert made.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(made), values)


@pytest.mark.parametrize("limits", [None, (-1000.0, 3000.0)])
def test_floating_point_goes_through_a_tiff(tmp_path: Path, limits: tuple[float, float] | None) -> None:
    values = np.linspace(-1000, 3000, 200, dtype=np.float32).reshape(10, 20)
    Image.fromarray(values).save(tmp_path / "i.tif")
    picture = read_picture(tmp_path / "i.tif", 1, limits)
    assert write_picture(picture.pixels, picture, tmp_path / "o.tif") == ""
    with Image.open(tmp_path / "o.tif") as made:
        assert made.mode == "F"
        np.testing.assert_allclose(np.asarray(made), values, atol=0.01)


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits_go_through(tmp_path: Path, channels: int, ending: str) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra 'video'")
    values = noise(13, 22, channels)
    values[..., 3:] = values[..., 3:] // 257 * 257  # of alpha 8 bits are kept
    cv2.imwrite(str(tmp_path / "i.png"), values)
    picture = read_picture(tmp_path / "i.png", 3)
    assert write_picture(picture.pixels, picture, tmp_path / f"o{ending}") == ""
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / f"o{ending}"), cv2.IMREAD_UNCHANGED), values)
    again = read_picture(tmp_path / f"o{ending}", 3)
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert (again.alpha is None) is (channels == 3)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tiff_of_16_bit_colours_is_turned_as_its_original(tmp_path: Path, orientation: int) -> None:
    values = noise(5, 8, 3)
    like = Picture(turned(values, orientation), None, Image.Exif(), orientation, None, values.dtype, (0.0, 65535.0))
    like.exif[ORIENTATION] = orientation
    (tmp_path / "a.tif").write_bytes(deep_file(like.pixels, like, "TIFF", None))
    again = read_picture(tmp_path / "a.tif", 3, (0.0, 65535.0))
    assert again.orientation == orientation
    np.testing.assert_allclose(again.pixels * 257, like.pixels, atol=0.01)


def test_values_of_one_range_become_values_of_another(tmp_path: Path) -> None:
    """Read by the range of one domain, written by that of the other."""
    Image.fromarray(np.array([[0, 2048, 4095, 9999]], np.uint16)).save(tmp_path / "i.png")
    picture = read_picture(tmp_path / "i.png", 1, (0.0, 4095.0))
    np.testing.assert_allclose(picture.pixels[0, :, 0], [0, 2048 / 4095 * 255, 255, 255], rtol=1e-6)
    write_picture(picture.pixels, picture, tmp_path / "o.png", (100.0, 300.0))
    with Image.open(tmp_path / "o.png") as made:
        assert np.asarray(made).tolist() == [[100, 200, 300, 300]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_of_16_bits(tmp_path: Path, orientation: int) -> None:
    values, exif = noise(5, 8), Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(values).save(tmp_path / "i.png", exif=exif)
    picture = read_picture(tmp_path / "i.png", 1)
    with Image.open(tmp_path / "i.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(turned(values, orientation), upright)
    np.testing.assert_allclose(picture.pixels[..., 0] * 257, upright, atol=0.01)
    write_picture(picture.pixels, picture, tmp_path / "o.png")
    with Image.open(tmp_path / "o.png") as made:
        assert made.getexif()[ORIENTATION] == orientation
        np.testing.assert_array_equal(np.asarray(made), values)


@pytest.mark.parametrize(("name", "channels"), [("o.jpg", 1), ("o.webp", 3), ("o.bmp", 1)])
def test_where_16_bits_do_not_fit_a_line_says_so(tmp_path: Path, name: str, channels: int) -> None:
    Image.fromarray(noise(9, 9) // 16).save(tmp_path / "i.png")
    picture = read_picture(tmp_path / "i.png", channels)
    line = write_picture(picture.pixels, picture, tmp_path / name)
    assert "16 bits become 8 bits" in line
    with Image.open(tmp_path / name) as made:
        assert np.asarray(made).max() > 200  # 12 bits are not dark for lying in 16


def test_numbers_that_are_not_finite_are_no_picture(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(tmp_path / "i.tif")
    with pytest.raises(BadImage, match="not finite"):
        read_picture(tmp_path / "i.tif", 1)


def test_greys_of_colours_are_those_of_pillow() -> None:
    colours = noise(6, 7, 3, high=255).astype(np.uint8)
    grey = as_channels(colours.astype(np.float32), 1)
    np.testing.assert_allclose(grey[..., 0], np.asarray(Image.fromarray(colours).convert("L")), atol=1)
    np.testing.assert_array_equal(as_channels(grey[..., 0], 3), grey.repeat(3, axis=2))


@pytest.mark.parametrize(("name", "kept"), [("o.jpg", False), ("o.bmp", False), ("o.ppm", False), ("o.png", True)])
def test_transparency_that_a_file_cannot_hold_is_white_and_said(tmp_path: Path, name: str, kept: bool) -> None:
    half = np.zeros((16, 16, 4), np.uint8)
    half[:, 8:, 3] = 255
    Image.fromarray(half).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png", 3)
    line = write_picture(picture.pixels, picture, tmp_path / name)
    assert ("transparency is lost" in line) is not kept
    with Image.open(tmp_path / name) as written:
        assert written.has_transparency_data is kept
        corners = [written.convert("RGB").getpixel(place) for place in ((0, 0), (15, 15))]
    assert corners == [(0, 0, 0) if kept else (255, 255, 255), (0, 0, 0)]


def test_colours_of_floating_point_become_8_bits_and_it_is_said(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 1, 81, dtype=np.float32).reshape(9, 9)).save(tmp_path / "i.tif")
    picture = read_picture(tmp_path / "i.tif", 3)
    assert "floating-point values become 8 bits" in write_picture(picture.pixels, picture, tmp_path / "o.tif")
