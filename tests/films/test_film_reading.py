"""Films in: exact sizes, rates and counts; one line for whatever is wrong with them."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_films import RATE, Maker, psnr, smooth
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.films.reading import is_film, open_film
from sparring.media.pictures.files import Picture, deep_file


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_film(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    return line


# Containers


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.mkv", "a.m4v", "a.avi"])
def test_a_container_tells_what_it_is_and_shows_every_frame_again_and_again(
    tmp_path: Path, make_film: Maker, name: str
) -> None:
    ending = Path(name).suffix.lower()
    codec, form = ("mpeg4" if ending == ".avi" else "libx264"), ("mp4" if ending == ".m4v" else None)
    film = open_film(make_film(tmp_path / name, codec=codec, format=form))
    assert is_film(film.path)
    assert (film.height, film.width, film.rate, film.kind, film.sound) == (48, 64, RATE, "container", False)
    assert film.count == 24
    for _ in range(2):
        frames = list(film.frames())
        assert len(frames) == 24
        assert film.cut_short == ""
        assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for frame in frames)
        if codec == "libx264":
            assert min(psnr(frame, smooth(index)) for index, frame in enumerate(frames)) > 28


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_rotation_is_applied_as_a_player_would(tmp_path: Path, make_film: Maker, turn: int) -> None:
    film = open_film(make_film(tmp_path / "a.mp4", turn=turn))
    expected = np.rot90(smooth(0), turn // 90)  # counter-clockwise
    assert (film.height, film.width) == expected.shape[:2]
    assert psnr(next(film.frames()), expected) > 28


def test_sound_is_noticed_and_only_sound_is_no_film(tmp_path: Path, make_film: Maker) -> None:
    assert open_film(make_film(tmp_path / "both.mp4", sound=0.5)).sound
    assert "only sound, no video" in refusal(make_film(tmp_path / "song.mp4", count=0, sound=0.5))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_film_that_breaks_is_shown_as_far_as_it_goes(tmp_path: Path, make_film: Maker, name: str) -> None:
    pytest.importorskip("av")
    whole = make_film(tmp_path / name, count=60)
    if name == "a.mp4":  # its index comes last: put it first, as cameras that stream do
        whole = _index_first(whole)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    film = open_film(whole)
    frames = list(film.frames())
    assert 10 < len(frames) < 60
    assert film.cut_short.startswith("damaged after")
    assert "\n" not in film.cut_short


def _index_first(path: Path) -> Path:
    import av

    with av.open(str(path)) as source, av.open(str(path) + "2", "w", "mp4", {"movflags": "+faststart"}) as target:
        track = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = track
                target.mux(packet)
    return Path(str(path) + "2").rename(path)


def test_what_is_no_film_is_told_in_one_line(tmp_path: Path, make_film: Maker) -> None:
    whole = make_film(tmp_path / "whole.mp4")
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:-200])
    assert "moov" in refusal(tmp_path / "cut.mp4")
    for name in ("text.mp4", "text.mkv", "text.avi"):
        (tmp_path / name).write_text("Not a film at all.\n" * 99)
        assert "damaged or of another kind" in refusal(tmp_path / name)
    (tmp_path / "empty.mp4").touch()
    assert "zero bytes" in refusal(tmp_path / "empty.mp4")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nwhole.mp4\n#EXT-X-ENDLIST\n")
    refusal(tmp_path / "list.mp4")  # a playlist could lead anywhere
    assert "no such file" in refusal(tmp_path / "none.mp4")
    assert "'.txt' is no ending" in refusal(_touched(tmp_path / "a.txt"))


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_frames_that_are_too_large_are_refused(tmp_path: Path, name: str, codec: str) -> None:
    av = pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    with av.open(str(tmp_path / name), "w") as target:
        track = target.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        track.height, track.width, track.pix_fmt = 4112, 8176, "yuv420p"
        target.mux(track.encode(av.VideoFrame(8176, 4112, "yuv420p")))
        target.mux(track.encode(None))
    assert "more than 33,554,432 pixels" in refusal(tmp_path / name)


def test_animations_and_pictures_of_a_folder_that_are_too_large_are_refused(tmp_path: Path) -> None:
    frames = [Image.new("1", (8193, 4096), number) for number in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "frames").mkdir()
    frames[0].save(tmp_path / "frames" / "a.png")
    for name in ("a.gif", "frames"):
        assert "frames of 8193x4096 are more than 33,554,432 pixels" in refusal(tmp_path / name)


@pytest.mark.parametrize("size", [(40_000, 4), (4, 16_385)])
def test_frames_with_a_side_that_no_video_has_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    frames = [Image.new("L", size, number) for number in range(2)]
    frames[0].save(tmp_path / "a.apng", "PNG", save_all=True, append_images=frames[1:])
    assert f"frames of {size[0]}x{size[1]} have a side of more than 16,384 pixels" in refusal(tmp_path / "a.apng")


def test_a_container_without_frames_is_refused(tmp_path: Path, make_film: Maker) -> None:
    import av

    with av.open(str(tmp_path / "none.mkv"), "w") as target:
        track = target.add_stream("libx264", rate=25)
        track.height, track.width, track.pix_fmt = 48, 64, "yuv420p"
        target.start_encoding()
    assert "frames" in refusal(tmp_path / "none.mkv")


def test_no_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    place = _touched(tmp_path / "a.mp4")
    monkeypatch.setattr(os, "open", forbidden)  # whoever runs the tests may be allowed everything
    assert "no permission" in refusal(place)


def test_without_the_extra_the_line_tells_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparring.media.films.flow import flow

    for name in ("av", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    assert refusal(_touched(tmp_path / "a.mp4")).endswith(
        "needs PyAV and OpenCV: pip install av opencv-python-headless"
    )
    with pytest.raises(UserError, match=r"optical flow: needs PyAV and OpenCV"):
        flow(np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8))
    Image.fromarray(smooth(0)).save(tmp_path / "a.gif")
    assert len(list(open_film(tmp_path / "a.gif").frames())) == 1  # needs neither


# Animations


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng", ".png"])
def test_an_animation_has_its_durations_and_an_average_rate(tmp_path: Path, ending: str) -> None:
    images = [Image.fromarray(smooth(index)) for index in range(4)]
    place, lasting = tmp_path / f"a{ending}", [40, 80, 120, 160]
    kind = "PNG" if "png" in ending else None
    images[0].save(place, kind, save_all=True, append_images=images[1:], duration=lasting, loop=0, lossless=True)
    film = open_film(place)
    assert is_film(place)
    assert (film.height, film.width, film.count, film.kind) == (48, 64, 4, "animation")
    assert (film.durations, film.rate) == (lasting, Fraction(10))
    for _ in range(2):
        frames = list(film.frames())
        assert len(frames) == 4
        assert min(psnr(frame, smooth(index)) for index, frame in enumerate(frames)) > (25 if ending == ".gif" else 90)


def test_a_still_picture_is_no_film(tmp_path: Path) -> None:
    for ending in (".png", ".webp"):
        Image.fromarray(smooth(0)).save(tmp_path / f"a{ending}")
        assert not is_film(tmp_path / f"a{ending}")
    assert not is_film(tmp_path / "none.webp")
    assert not is_film(tmp_path)


def test_what_is_transparent_shows_white_and_a_cover_is_no_frame(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 6), (255, 0, 0, 0))
    clear.putpixel((2, 3), (10, 20, 30, 255))
    cover = Image.new("RGBA", (8, 6), "black")
    cover.save(tmp_path / "a.apng", "PNG", save_all=True, append_images=[clear, cover], default_image=True)
    film = open_film(tmp_path / "a.apng")
    first, second = film.frames()
    assert film.count == 2
    assert first[3, 2].tolist() == [10, 20, 30]
    assert (np.delete(first.reshape(-1, 3), 3 * 8 + 2, axis=0) == 255).all()
    assert (second == 0).all()


def test_an_animation_that_breaks_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3)).astype(np.uint8)
    images = [Image.fromarray(frame) for frame in noise]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:])
    (tmp_path / "a.gif").write_bytes((tmp_path / "a.gif").read_bytes()[:6000])
    film = open_film(tmp_path / "a.gif")
    assert 0 < len(list(film.frames())) < 6
    assert film.cut_short.startswith("damaged after")
    (tmp_path / "text.gif").write_text("GIF89a, but not really")
    assert "cannot be read as an animation" in refusal(tmp_path / "text.gif")


# Folders


def test_frames_in_a_folder_come_in_their_natural_order(tmp_path: Path) -> None:
    for index in (10, 9, 2, 1):
        Image.fromarray(np.full((6, 8, 3), index, np.uint8)).save(tmp_path / f"frame{index}.png")
    (tmp_path / "notes.txt").touch()
    film = open_film(tmp_path)
    assert (film.height, film.width, film.rate, film.count, film.kind) == (6, 8, Fraction(25), 4, "frames")
    assert [int(frame[0, 0, 0]) for frame in film.frames()] == [1, 2, 9, 10]


def test_a_deep_grey_frame_is_brought_to_bytes(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert next(open_film(tmp_path).frames())[..., 0].tolist() == [[0, 100, 255]]


@pytest.mark.parametrize(
    ("dtype", "ending", "values"),
    [
        (np.uint16, "png", [0, 1024, 4095]),
        (np.float32, "tif", [0.0, 0.25, 1.0]),
        (np.float32, "tif", [-8.0, 0.0, 24.0]),
    ],
)
def test_deep_frames_share_the_range_that_all_of_them_fill(
    tmp_path: Path, dtype: type, ending: str, values: list[float]
) -> None:
    for index, value in enumerate(values):
        Image.fromarray(np.full((6, 8), value, dtype)).save(tmp_path / f"{index}.{ending}")
    assert [int(frame[0, 0, 0]) for frame in open_film(tmp_path).frames()] == [0, 64, 255]


def test_deep_colour_frames_keep_their_transparency(tmp_path: Path) -> None:
    values = np.zeros((6, 8, 3), np.uint16)
    values[:3] = 1023
    seen = Image.new("L", (8, 6), 255)
    seen.paste(0, (0, 0, 4, 6))
    like = Picture(np.zeros((6, 8, 3), np.uint8), seen, Image.Exif(), 1, None, np.dtype(np.uint16), (0.0, 1023.0))
    (tmp_path / "a.png").write_bytes(deep_file(values, like, "PNG", None))
    frame = next(open_film(tmp_path).layers())
    assert frame[0, 7].tolist() == [255, 255, 255, 255]
    assert frame[5, 7].tolist() == [0, 0, 0, 255]
    assert frame[5, 0].tolist() == [255, 255, 255, 0]  # white where nothing is seen


def test_the_first_odd_picture_in_a_folder_is_named(tmp_path: Path) -> None:
    for index, width in enumerate((8, 8, 9, 7)):
        Image.new("RGB", (width, 6)).save(tmp_path / f"{index}.png")
    with pytest.raises(UserError, match=r"2\.png: is 9x6 where 0\.png is 8x6"):
        open_film(tmp_path)
    (tmp_path / "2.png").write_text("no picture")
    with pytest.raises(UserError, match=r"2\.png: cannot be read \(not a picture\)"):
        open_film(tmp_path)
    (tmp_path / "none").mkdir()
    assert "holds no pictures" in refusal(tmp_path / "none")


def _touched(path: Path) -> Path:
    path.touch()
    return path
