"""Generated clips as files: what is written can be read by others, and says where it came from."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.media.films.reading import open_film
from sparring.media.notes import read_note, stamped
from sparring.video.samples import as_artifact, as_pixels, strips, tiled, write_samples

NOTE = {"sparring": "0.1", "seed": 3, "recipe": {"name": "video", "about": "ä 'quoted' \"text\""}}
RATE = 12.5


def clips(count: int = 3, frames: int = 5, channels: int = 3, side: int = 32) -> torch.Tensor:
    """Smooth colours that change from frame to frame, ``(count, frames, channels, side, side)`` in [-1, 1]."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count * frames, channels, 3, 3, generator=random) * 2 - 1
    fine = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=True)
    return fine.view(count, frames, channels, side, side)


def frames_of(path: Path) -> np.ndarray:
    return np.stack(list(open_film(path).frames()))


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm", ".mov", ".gif", ".webp", ".apng"])
def test_one_video_in_which_all_clips_play(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{ending}"
    assert write_samples(clips(4), RATE, ["a", "b", "a", "b"], out, NOTE, False) == [out]
    film = open_film(out)
    assert abs(float(film.rate) - RATE) < 0.01
    expected = tiled(as_pixels(clips(4)))
    found = frames_of(out)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < (8 if ending == ".gif" else 4)
    assert read_note(out) == {**NOTE, "labels": ["a", "b", "a", "b"]}


@pytest.mark.parametrize("each", ["mp4", "webm", "gif", "webp", "apng", "auto"])
@pytest.mark.parametrize("labels", [None, ["up", "a/b", "up"]])
def test_a_folder_of_videos(labels: list[str] | None, each: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = write_samples(clips(), RATE, labels, out, NOTE, False, each)
    assert written == sorted(out.iterdir())
    assert {path.suffix for path in written} == {".mp4" if each == "auto" else f".{each}"}
    for index, path in enumerate(written):
        expected = as_pixels(clips())[index].astype(int)
        assert np.abs(frames_of(path) - expected).mean() < 8
        label = {} if labels is None else {"label": labels[index]}
        assert read_note(path) == {**NOTE, "index": index, **label}
    assert written[0].stem == ("000000-up" if labels else "000000")


def test_folders_of_frames_and_strips_hold_every_pixel(tmp_path: Path) -> None:
    pixels = as_pixels(clips())
    for index, path in enumerate(write_samples(clips(), RATE, None, tmp_path / "frames", NOTE, False, "frames")):
        assert path.is_dir()
        np.testing.assert_array_equal(frames_of(path), pixels[index])
        assert read_note(path / "000002.png") == {**NOTE, "index": index, "frame": 2}
    for index, path in enumerate(write_samples(clips(), RATE, None, tmp_path / "strips", NOTE, False, "strips")):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), strips(pixels)[index])
        assert read_note(path) == {**NOTE, "index": index}
    np.testing.assert_array_equal(strips(pixels)[1][:, 32:64], pixels[1, 1])


def test_arrays(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    write_samples(clips(channels=1), RATE, ["a", "b", "c"], out, NOTE, False)
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["frames"], as_pixels(clips(channels=1)))
        assert arrays["rate"] == RATE
        assert arrays["labels"].tolist() == ["a", "b", "c"]
        assert '"seed":3' in str(arrays["note"])


def test_a_sheet_of_strips_and_a_grey_video(tmp_path: Path) -> None:
    write_samples(clips(), RATE, None, tmp_path / "out.png", NOTE, False)
    sheet = np.asarray(Image.open(tmp_path / "out.png"))
    assert sheet.shape == (3 * 32 + 2 * 2, 5 * 32, 3)
    np.testing.assert_array_equal(sheet[34:66], strips(as_pixels(clips()))[1])
    write_samples(clips(1, channels=1), RATE, None, tmp_path / "grey.apng", NOTE, False)
    found = frames_of(tmp_path / "grey.apng")
    assert (found[..., 0] == found[..., 2]).all()


@pytest.mark.parametrize("ending", ["", ".mp4", ".webp", ".npz", ".png"])
def test_nothing_is_overwritten_unless_asked(ending: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    out = tmp_path / f"out{ending}"
    first = write_samples(clips(), RATE, None, out, NOTE, False)
    before = first[0].read_bytes()
    assert mistake(write_samples, -clips(), RATE, None, out, NOTE, False).startswith(f"{out}: exists")
    assert first[0].read_bytes() == before
    write_samples(-clips(), RATE, None, out, NOTE, True)
    assert first[0].read_bytes() != before


def test_another_ending_is_refused(tmp_path: Path, mistake: Callable[..., str]) -> None:
    line = mistake(write_samples, clips(), RATE, None, tmp_path / "out.wav", NOTE, False)
    assert line.startswith(f"{tmp_path / 'out.wav'}: cannot write .wav files; use .mp4")


def test_a_preview_plays_and_can_be_stamped() -> None:
    artifact = as_artifact(clips(), RATE, "generated clips")
    assert (artifact.caption, artifact.media_type) == ("generated clips", "image/webp")
    noted = stamped(stamped(artifact.data, "image/webp", {"old": 1}), "image/webp", NOTE)
    with Image.open(io.BytesIO(noted)) as image, Image.open(io.BytesIO(artifact.data)) as plain:
        assert image.n_frames == plain.n_frames == 5
        image.seek(4)
        plain.seek(4)
        image.load()
        assert image.info["duration"] == 80
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.asarray(plain.convert("RGB")))


def test_the_note_of_a_stamped_preview_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(stamped(as_artifact(clips(), RATE, "").data, "image/webp", NOTE))
    assert read_note(tmp_path / "a.webp") == NOTE


@pytest.mark.parametrize("ending", [".mp4", ".gif", ".webp"])
def test_videos_of_others_carry_no_note(ending: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    write_samples(clips(1), RATE, None, tmp_path / f"out{ending}", {}, False)
    assert "carries no note of Sparring's" in mistake(read_note, tmp_path / f"out{ending}")
    (tmp_path / f"broken{ending}").write_bytes((tmp_path / f"out{ending}").read_bytes()[:40])
    assert mistake(read_note, tmp_path / f"broken{ending}").startswith(str(tmp_path / f"broken{ending}"))
