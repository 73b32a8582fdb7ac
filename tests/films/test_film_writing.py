"""Films out: the frames, the rate, the size and the sound that went in; all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_films import RATE, Maker, packets, psnr, smooth
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.films.animations import durations
from sparring.media.films.film import Film
from sparring.media.films.reading import open_film
from sparring.media.films.sound import DAMAGED, Sound
from sparring.media.films.writing import writing

CONTAINERS = ("o.mp4", "o.mov", "o.mkv", "o.webm", "o.avi", "o.m4v")


def made_up(height: int = 48, width: int = 64, rate: Fraction = RATE, count: int = 20) -> Film:
    """A film out of nothing."""

    def decode() -> Iterator[np.ndarray]:
        for index in range(count):
            yield smooth(index, height, width)

    return Film(Path("nothing"), height, width, rate, count, False, "frames", decode)


def copy(film: Film, path: Path, overwrite: bool = False) -> list[str]:
    """Written as it was read; the notes."""
    with writing(path, film, overwrite=overwrite) as target:
        for frame in film.frames():
            target.add(frame)
    return target.notes


def refusal(film: Film, path: Path, overwrite: bool = False) -> str:
    with pytest.raises(UserError) as caught:
        copy(film, path, overwrite)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Pictures


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("size", [(48, 64), (49, 65), (48, 65)])
def test_containers_keep_frames_rate_and_size(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    film = made_up(*size)
    notes = copy(film, tmp_path / name)
    again = open_film(tmp_path / name)
    frames = list(again.frames())
    assert (again.height, again.width, again.rate, len(frames)) == (*size, RATE, 20)
    assert again.cut_short == ""
    assert min(psnr(frame, smooth(index, *size)) for index, frame in enumerate(frames)) > 30
    assert bool(notes) == (size != (48, 64) and name not in ("o.webm", "o.avi"))  # 4:4:4 is told
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24_000, 1001), Fraction(25, 2), Fraction(179, 6)])
def test_other_rates_are_kept_exactly(tmp_path: Path, rate: Fraction) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    for name in ("o.mp4", "o.avi"):
        copy(made_up(rate=rate, count=5), tmp_path / name)
        assert open_film(tmp_path / name).rate == rate


def test_colours_are_those_that_went_in(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    for name in ("o.mp4", "o.webm", "o.avi"):
        with writing(tmp_path / name, made_up()) as target:
            for _ in range(3):
                target.add(np.full((48, 64, 3), (200, 40, 90), np.uint8))
        shown = next(open_film(tmp_path / name).frames()).reshape(-1, 3).mean(axis=0)
        assert np.abs(shown - (200, 40, 90)).max() < 4


def test_another_size_may_be_asked_for_and_others_are_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "o", made_up(), height=10, width=12) as target:
        target.add(smooth(0, 10, 12))
        with pytest.raises(UserError, match=r"\(11, 12, 3\) where uint8 \(10, 12, 3\)"):
            target.add(smooth(0, 11, 12))
    assert next(open_film(tmp_path / "o").frames()).shape == (10, 12, 3)


# Sound


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv", "o.m4v"])
def test_sound_is_copied_packet_by_packet_though_it_lasts_longer(tmp_path: Path, make_film: Maker, name: str) -> None:
    film = open_film(make_film(tmp_path / "in.mp4", sound=2.0))  # the pictures last 0.8 seconds
    assert copy(film, tmp_path / name) == []
    before, after = packets(film.path), packets(tmp_path / name)
    assert [each[0] for each in after] == [each[0] for each in before]
    apart = [now[1] - then[1] for now, then in zip(after, before, strict=True)]
    assert max(apart) - min(apart) < 0.002  # Matroska counts in milliseconds
    assert abs(lead(tmp_path / name) - lead(film.path)) < 0.002


@pytest.mark.parametrize(
    ("source", "audio", "name"), [("in.mp4", "aac", "o.webm"), ("in.mp4", "aac", "o.avi"), ("in.mkv", "flac", "o.mov")]
)
def test_sound_that_does_not_fit_is_coded_anew_in_step(
    tmp_path: Path, make_film: Maker, source: str, audio: str, name: str
) -> None:
    film = open_film(make_film(tmp_path / source, sound=2.0, audio=audio))
    assert [note for note in copy(film, tmp_path / name) if "coded anew" in note]
    (before, length), (after, other) = onset(film.path), onset(tmp_path / name)
    assert before == pytest.approx(0.25, abs=0.03)
    assert after == pytest.approx(before, abs=0.05)
    assert other == pytest.approx(length, abs=0.1)


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm"])
def test_pictures_that_begin_after_the_sound_stay_in_step(tmp_path: Path, make_film: Maker, name: str) -> None:
    film = open_film(make_film(tmp_path / "in.mkv", sound=2.0, late=15, audio="libopus"))
    assert float(film.start) == pytest.approx(0.5005, abs=0.002)
    copy(film, tmp_path / name)
    assert lead(tmp_path / name) == pytest.approx(lead(film.path), abs=0.01)
    assert len(packets(tmp_path / name)) == len(packets(film.path))


def test_sound_with_times_that_make_no_sense_does_not_cost_the_film(
    tmp_path: Path, make_film: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = open_film(make_film(tmp_path / "in.mp4", sound=1.0))
    whole = Sound._bring

    def damaged(sound: Sound, packet: Any) -> None:
        if 10_000 < packet.pts < 20_000:
            packet.pts = packet.dts - 5000  # shown before it is decoded
        whole(sound, packet)

    monkeypatch.setattr(Sound, "_bring", damaged)
    assert copy(film, tmp_path / "o.mp4") == [DAMAGED]
    assert 10 < len(packets(tmp_path / "o.mp4")) < len(packets(film.path))
    assert len(list(open_film(tmp_path / "o.mp4").frames())) == 24


def lead(path: Path) -> float:
    """Seconds by which the pictures begin after the sound."""
    return min(time for _, time in packets(path, "video")) - packets(path)[0][1]


def onset(path: Path) -> tuple[float, float]:
    """When the tone is first heard, and when the sound ends, in seconds after the first picture."""
    import av

    first = min(time for _, time in packets(path, "video"))
    with av.open(str(path)) as container:
        blocks = [(frame.time, frame.to_ndarray(), frame.sample_rate) for frame in container.decode(audio=0)]
    loud = np.abs(blocks[0][1]).max() * 0
    whole = 32767 if np.issubdtype(blocks[0][1].dtype, np.integer) else 1
    for time, wave, rate in blocks:
        heard = np.flatnonzero(np.abs(wave).max(axis=0) > loud + 0.2 * whole)
        if len(heard):
            last_time, last_wave, _ = blocks[-1]
            return time + heard[0] / rate - first, last_time + last_wave.shape[1] / rate - first
    raise AssertionError("silence")


def test_what_holds_no_sound_says_so(tmp_path: Path, make_film: Maker) -> None:
    film = open_film(make_film(tmp_path / "in.mp4", count=4, sound=0.3))
    for name in ("o.gif", "o.webp", "o.apng", "folder"):
        assert "no sound" in copy(film, tmp_path / name)[0]


# Animations and folders


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng"])
def test_animations_keep_frames_durations_and_loops(tmp_path: Path, ending: str) -> None:
    images = [Image.fromarray(smooth(index)) for index in range(5)]
    lasting = [40, 100, 30, 220, 60]
    images[0].save(tmp_path / "in.webp", save_all=True, append_images=images[1:], duration=lasting, loop=3)
    film = open_film(tmp_path / "in.webp")
    assert copy(film, tmp_path / f"o{ending}") == []
    again = open_film(tmp_path / f"o{ending}")
    assert (again.durations, again.loop) == (lasting, 3)
    assert min(psnr(one, other) for one, other in zip(film.frames(), again.frames(), strict=True)) > 25


def test_few_colours_survive_a_gif_exactly(tmp_path: Path) -> None:
    frames = [np.random.default_rng(index).integers(0, 3, (9, 11, 3)).astype(np.uint8) * 120 for index in range(4)]
    with writing(tmp_path / "o.gif", made_up(9, 11)) as target:
        for frame in frames:
            target.add(frame)
    assert all(np.array_equal(*pair) for pair in zip(frames, open_film(tmp_path / "o.gif").frames(), strict=True))


def test_durations_round_times_so_that_the_whole_lasts_as_long() -> None:
    lasting = durations(made_up(rate=Fraction(30)), 90, 10)
    assert set(lasting) == {30, 40}
    assert sum(lasting) == 3000
    assert durations(made_up(rate=Fraction(200)), 4, 10) == [10] * 4  # none lasts no time at all


@pytest.mark.parametrize(("ending", "most"), [(".gif", 65_535), (".webp", 16_383)])
def test_an_animation_too_large_for_its_format_is_refused(tmp_path: Path, ending: str, most: int) -> None:
    assert f"{ending} holds {most:,}" in refusal(made_up(1, most + 1), tmp_path / f"o{ending}")
    assert list(tmp_path.iterdir()) == []
    copy(made_up(1, most, count=2), tmp_path / f"o{ending}")
    with Image.open(tmp_path / f"o{ending}") as written:
        assert written.width == most


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng"])
def test_frames_that_are_alike_become_one_that_lasts_as_long(tmp_path: Path, ending: str) -> None:
    with writing(tmp_path / f"o{ending}", made_up(rate=Fraction(10))) as target:
        for index in (0, 0, 7, 7, 7, 3):
            target.add(smooth(index))
    assert open_film(tmp_path / f"o{ending}").durations == [200, 300, 100]


def test_a_folder_is_exact(tmp_path: Path) -> None:
    copy(made_up(7, 9, count=3), tmp_path / "o")
    assert sorted(each.name for each in (tmp_path / "o").iterdir()) == ["000000.png", "000001.png", "000002.png"]
    frames = list(open_film(tmp_path / "o").frames())
    assert all(np.array_equal(frame, smooth(index, 7, 9)) for index, frame in enumerate(frames))


# All or nothing


def interrupted(path: Path, count: int) -> None:
    with writing(path, made_up()) as target:
        for index in range(count):
            target.add(smooth(index))
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["o.mp4", "o.avi", "o.gif", "o"])
def test_an_interrupted_film_leaves_no_trace(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    for count in (0, 5):
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path / name, count)
    with pytest.raises(UserError, match="without frames"), writing(tmp_path / name, made_up()):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["o.mp4", "o.gif", "o"])
def test_nothing_is_overwritten_silently_and_never_what_is_read(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV comes with the extra 'video'")
    place = tmp_path / name
    copy(made_up(count=3), place)
    assert "exists" in refusal(made_up(), place)
    copy(made_up(count=6), place, overwrite=True)
    film = open_film(place)
    assert film.count == 6
    (tmp_path / "link").symlink_to(place)
    assert "is the video that is read" in refusal(film, place, overwrite=True)
    if name == "o":
        assert "is the video that is read" in refusal(film, tmp_path / "link", overwrite=True)
        (place / "diary.txt").touch()
        assert "diary.txt" in refusal(made_up(), place, overwrite=True)
    assert len(list(film.frames())) == 6


def test_endings_and_places_that_do_not_fit_are_told(tmp_path: Path) -> None:
    line = refusal(made_up(), tmp_path / "o.mpg")
    assert all(ending in line for ending in (".mpg", ".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".apng"))
    (tmp_path / "d.mp4").mkdir()
    assert "is a folder" in refusal(made_up(), tmp_path / "d.mp4", overwrite=True)
    (tmp_path / "file").touch()
    assert "is a file" in refusal(made_up(), tmp_path / "file", overwrite=True)
    with pytest.raises(UserError, match="cannot be created"):
        copy(made_up(), tmp_path / "file" / "o.gif")
