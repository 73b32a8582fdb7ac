"""Transparency in and out: what each kind of file keeps of a gradient of alpha, and what it says where it keeps
none."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_films import RATE, smooth
from PIL import Image

from sparring.media.films.film import Film, on_white
from sparring.media.films.reading import open_film
from sparring.media.films.writing import writing

HEIGHT, WIDTH, COUNT = 48, 64, 5
KEPT = {"o.webm": 3, "o.mkv": 3, "o.mov": 1, "o.webp": 0, "o.apng": 0, "frames": 0}  # by how many levels alpha is off


def layered(index: int) -> np.ndarray:
    """RGBA: drifting waves, opaque to the right, with a part that is not seen to the left."""
    alpha = np.clip(np.arange(WIDTH) * 255 / (WIDTH - 1) + 4 * index - 30, 0, 255)
    return np.dstack([smooth(index), np.tile(np.rint(alpha).astype(np.uint8), (HEIGHT, 1))])


def made_up(transparent: bool = True) -> Film:
    def decode() -> Iterator[np.ndarray]:
        for index in range(COUNT):
            yield layered(index) if transparent else smooth(index)

    return Film(Path("nothing"), HEIGHT, WIDTH, Fraction(25), COUNT, False, "frames", decode, transparent=transparent)


def copy(film: Film, path: Path) -> list[str]:
    with writing(path, film) as target:
        for frame in film.layers():
            target.add(frame)
    return target.notes


def colours_off(frame: np.ndarray, index: int) -> float:
    """By how many levels colours are off where at least half of them is seen."""
    seen = layered(index)[..., 3] > 127
    return float(np.abs(frame[..., :3].astype(int) - smooth(index))[seen].mean())


@pytest.mark.parametrize("name", KEPT)
def test_a_gradient_of_alpha_is_kept(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    assert copy(made_up(), tmp_path / name) == []
    again = open_film(tmp_path / name)
    frames = list(again.layers())
    assert again.transparent
    assert len(frames) == COUNT
    for index, frame in enumerate(frames):
        np.testing.assert_allclose(frame[..., 3].astype(int), layered(index)[..., 3], atol=KEPT[name])
        assert colours_off(frame, index) < 6
        assert (frame[frame[..., 3] == 0, :3] == 255).all()  # what is not seen has no colour that could matter


@pytest.mark.parametrize("name", ["o.mp4", "o.m4v", "o.avi"])
def test_where_there_is_no_place_for_it_a_line_says_so_and_white_is_behind(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    (line,) = copy(made_up(), tmp_path / name)
    assert "transparency is lost" in line
    again = open_film(tmp_path / name)
    assert not again.transparent
    for index, frame in enumerate(again.frames()):
        alpha = layered(index)[..., 3:] / 255
        expected = alpha * smooth(index) + (1 - alpha) * 255
        assert np.abs(frame - expected).mean() < 5


def test_a_gif_keeps_what_is_more_than_half_seen_and_says_so(tmp_path: Path) -> None:
    (line,) = copy(made_up(), tmp_path / "o.gif")
    assert "half transparency" in line
    for index, frame in enumerate(open_film(tmp_path / "o.gif").layers()):
        np.testing.assert_array_equal(frame[..., 3], np.where(layered(index)[..., 3] < 128, 0, 255))
        assert colours_off(frame, index) < 10


@pytest.mark.parametrize("name", [*KEPT, "o.gif", "o.mp4"])
def test_a_video_without_transparency_stays_without(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    assert copy(made_up(transparent=False), tmp_path / name) == []
    assert not open_film(tmp_path / name).transparent
    assert next(open_film(tmp_path / name).layers()).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("i.mov", "png", "rgba", {}),
        ("i.mov", "prores_ks", "yuva444p10le", {"profile": "4444"}),
        ("i.mov", "qtrle", "argb", {}),
        ("i.webm", "libvpx-vp9", "yuva420p", {"b": "1M"}),
        ("i.webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "b": "1M"}),
        ("i.mkv", "ffv1", "bgra", {}),
    ],
)
def test_what_others_wrote_is_read_with_its_alpha(
    tmp_path: Path, name: str, codec: str, pixels: str, options: dict[str, str]
) -> None:
    """Written by PyAV alone; FFmpeg's own decoders of VP8 and VP9 would show it opaque."""
    av: Any = pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    with av.open(str(tmp_path / name), "w") as target:
        track = target.add_stream(codec, rate=RATE, options=options)
        track.height, track.width, track.pix_fmt = HEIGHT, WIDTH, pixels
        for index in range(COUNT):
            picture = av.VideoFrame.from_ndarray(layered(index), format="rgba").reformat(format=pixels)
            picture.pts, picture.time_base = index, 1 / RATE
            target.mux(track.encode(picture))
        target.mux(track.encode(None))
    film = open_film(tmp_path / name)
    frames = list(film.layers())
    assert film.transparent
    assert len(frames) == COUNT
    for index, frame in enumerate(frames):
        np.testing.assert_allclose(frame[..., 3].astype(int), layered(index)[..., 3], atol=6)


def test_transparency_is_on_white_for_whoever_wants_colours_alone() -> None:
    frame = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]]], np.uint8)
    np.testing.assert_array_equal(on_white(frame), [[[10, 20, 30], [255, 255, 255], [204, 224, 244]]])
    np.testing.assert_array_equal(next(made_up().frames()), on_white(layered(0)))
    opaque = smooth(0)
    assert on_white(opaque) is opaque


def test_frames_of_an_animation_that_are_opaque_are_written_beside_others_that_are_not(tmp_path: Path) -> None:
    first, second = Image.fromarray(layered(0)), Image.fromarray(smooth(1))
    first.save(tmp_path / "i.png", save_all=True, append_images=[second.convert("RGBA")], duration=40)
    copy(open_film(tmp_path / "i.png"), tmp_path / "o.apng")
    one, other = open_film(tmp_path / "o.apng").layers()
    np.testing.assert_array_equal(one[..., 3], layered(0)[..., 3])
    assert (other[..., 3] == 255).all()
