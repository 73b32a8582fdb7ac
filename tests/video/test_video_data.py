"""Clips from whatever a person has: videos, animations, strips, folders of frames, with what is wrong with them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import UserError
from sparring.modalities import recipe_for
from sparring.video.check import check
from sparring.video.data import open_in_form, open_kept, open_source
from sparring.video.files import VideoFiles
from sparring.video.form import VideoForm
from sparring.video.reading.store import FrameStore
from sparring.video.recipes import RECIPES, VideoRecipe
from sparring.video.samples import write_video

SIDE, STEP = 16, 5


def recipe(data: Path, **settings: Any) -> VideoRecipe:
    return RECIPES["video"].changed({"data": str(data), "frames": 4, "size": str(SIDE), **settings})


def numbered(count: int, start: int = 0, side: int = SIDE) -> np.ndarray:
    """Frames ``(count, side, side, 3)`` of one colour each, the red of frame ``i`` being ``start + STEP * i``."""
    frames = np.full((count, side, side, 3), 128, np.uint8)
    frames[..., 0] = (start + STEP * np.arange(count))[:, None, None]
    return frames


def strip(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frames.transpose(1, 0, 2, 3).reshape(frames.shape[1], -1, 3)).save(path)


def strips(folder: Path, count: int = 20, frames: int = 4) -> Path:
    for number in range(count):
        strip(folder / ("a" if number % 2 else "b") / f"{number:02d}.png", numbered(frames, 7 * number))
    return folder


def numbers_of(batch: dict[str, torch.Tensor]) -> list[list[int]]:
    numbers: list[list[int]] = batch["frames"][:, :, 0, 0, 0].tolist()
    return numbers


# What is read


def test_strips_in_folders_of_labels(tmp_path: Path) -> None:
    source = open_source(recipe(strips(tmp_path)))
    assert len(source) == 20
    assert source.form == VideoForm(height=SIDE, width=SIDE, frames=4, rate=25.0, timed=True, labels=("a", "b"))
    batch = source.batch(np.array([0, 19]))
    assert batch["frames"].shape == (2, 4, 3, SIDE, SIDE)
    assert batch["labels"].tolist() == [0, 1]
    assert numbers_of(batch) == [[7, 12, 17, 22], [126, 131, 136, 141]]


@pytest.mark.parametrize(("longer", "whole"), [(0, True), (2, True), (3, False), (20, False)])
def test_clips_are_timed_where_nearly_every_video_is_one(longer: int, whole: bool, tmp_path: Path) -> None:
    for number in range(20):
        strip(tmp_path / f"{number:02d}.png", numbered(5 if number < longer else 4))
    form = open_source(recipe(tmp_path)).form
    assert form.timed == whole
    assert ("from beginning to end" in form.described()) == whole
    for settings, timed in (({"timed": "yes"}, True), ({"timed": "no"}, False), ({"reach": 9}, False)):
        assert open_source(recipe(tmp_path, **settings)).form.timed == timed


def test_edges_are_as_in_the_clips_or_as_asked_for(tmp_path: Path) -> None:
    """Squares on a ground; made smaller, they are smoothed."""
    for number in range(20):
        frames = numbered(4, 7 * number, 20)
        frames[:, 5:14, 4:15] = 255
        strip(tmp_path / f"{number:02d}.png", frames)
    for settings, hard in (
        ({}, False),
        ({"size": "20"}, True),
        ({"size": "20", "output": "layers", "edges": "soft"}, False),
    ):
        form = open_source(recipe(tmp_path, **settings)).form
        assert form.hard_edges == hard
        assert ("hard edges" in form.described()) == hard
    assert open_source(recipe(tmp_path, output="layers", edges="hard")).form.hard_edges


@pytest.mark.parametrize(("settings", "in_layers"), [
    ({}, True), ({"output": "foreground"}, False), ({"output": "direct"}, False), ({"output": "layers"}, True),
])  # fmt: skip
@pytest.mark.parametrize("textured", [False, True])
def test_clips_are_in_layers_where_what_moves_keeps_its_form_or_where_that_is_asked_for(
    settings: dict[str, Any], in_layers: bool, textured: bool, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for number in range(20):
        frames = np.full((4, SIDE, SIDE, 3), 7 * number, np.uint8)
        if textured:
            frames += random.integers(0, 80, (SIDE, SIDE, 3), dtype=np.uint8)
        for time, frame in enumerate(frames):
            frame[5:8, 2 + time : 5 + time] = 250
        strip(tmp_path / f"{number:02d}.png", frames)
    form = open_source(recipe(tmp_path, **settings)).form
    assert form.layered == (in_layers and (bool(settings) or not textured))
    assert ("in layers" in form.described()) == form.layered


@pytest.mark.parametrize(("frames", "every", "starts"), [
    (4, 1, [0]), (5, 1, [0, 1]), (9, 1, [0, 2, 4, 5]), (8, 2, [0]), (7, 2, [0]), (16, 3, [0, 2]),
])  # fmt: skip
def test_clips_begin_every_half_clip_and_the_last_ends_with_the_video(
    frames: int, every: int, starts: list[int], tmp_path: Path
) -> None:
    for number in range(16):
        strip(tmp_path / f"{number:02d}.png", numbered(frames))
    source = open_source(recipe(tmp_path, every=every))
    assert len(source) == 16 * len(starts)
    expected = [[STEP * every * (start + time) for time in range(4)] for start in starts]
    assert numbers_of(source.batch(np.arange(len(starts)))) == expected
    assert source.form.rate == 25 / every


@pytest.mark.parametrize("kind", [".gif", ".webp", ".apng", ".mp4", ".mkv", ".webm", "frames"])
def test_every_kind_of_video(kind: str, tmp_path: Path) -> None:
    for number in range(16):
        name = f"{number:02d}" + ("" if kind == "frames" else kind)
        write_video(numbered(6, 5 * number, 32), 12.5, tmp_path / "all" / name, {})
    source = open_source(recipe(tmp_path / "all", size="32"))
    assert len(source) == 32
    assert source.form.rate == pytest.approx(25.0 if kind == "frames" else 12.5)
    found = source.batch(np.array([7]))["frames"][0].float().mean((1, 2, 3))
    expected = torch.tensor([(15 + STEP * (2 + time) + 256) / 3 for time in range(4)])
    assert float((found - expected).abs().max()) < 3


def test_a_zip_of_strips_and_of_videos(tmp_path: Path) -> None:
    strips(tmp_path / "all", 16)
    write_video(numbered(4, 7, 32), 25, tmp_path / "all" / "a" / "moving.gif", {})
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted((tmp_path / "all").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    packed, loose = (open_source(recipe(tmp_path / name)) for name in ("all.zip", "all"))
    assert len(packed) == len(loose) == 17
    every = np.arange(17)
    for name in ("frames", "labels"):
        assert torch.equal(packed.batch(every)[name], loose.batch(every)[name])


def test_folders_of_frames_have_the_labels_of_the_folders_around_them(tmp_path: Path) -> None:
    for number in range(16):
        folder = tmp_path / ("up" if number < 8 else "down") / f"take{number}"
        folder.mkdir(parents=True)
        for time, frame in enumerate(numbered(4, number)):
            Image.fromarray(frame).save(folder / f"frame{time + 8}.png")
    source = open_source(recipe(tmp_path))
    assert source.form.labels == ("down", "up")
    batch = source.batch(np.arange(16))
    assert sorted(numbers_of(batch)) == [[number + STEP * time for time in range(4)] for number in range(16)]
    assert batch["labels"].sum() == 8
    by_name = open_source(recipe(tmp_path, label_pattern="take{label}"))
    assert by_name.form.labels == tuple(map(str, range(16)))


def test_no_clip_goes_across_a_cut(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 256, (6, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1) for _ in range(3)]
    frames = np.concatenate([np.stack([np.roll(scene, time, 1) for time in range(10)]) for scene in scenes])
    for number in range(4):
        write_video(frames, 25, tmp_path / f"{number}.mp4", {})
    source = open_source(recipe(tmp_path))
    assert len(source) == 4 * 3 * 4
    shown = source.batch(np.arange(12))["frames"].float()
    assert float((shown[:, 1:] - shown[:, :-1]).abs().mean((2, 3, 4)).max()) < 40
    assert source.remarks() == ["cuts found and kept out of clips: 8"]


def test_a_single_long_video_is_cut_into_clips(tmp_path: Path) -> None:
    write_video(numbered(40), 25, tmp_path / "long.gif", {})
    source = open_source(recipe(tmp_path / "long.gif"))
    assert len(source) == 19
    assert recipe_for([str(tmp_path / "long.gif")]).kind == "video"


def test_grey_transparent_and_wide_videos_are_brought_to_form(tmp_path: Path) -> None:
    frames = np.zeros((4, 8, 20, 4), np.uint8)
    frames[..., :3], frames[:, :, :10, 3] = (100 + np.arange(4))[:, None, None, None], 255
    for number in range(16):
        pictures = [Image.fromarray(frame) for frame in frames]
        pictures[0].save(tmp_path / f"{number}.webp", save_all=True, append_images=pictures[1:], lossless=True)
    wide = {"size": "8x20", "channels": "1"}
    on_white = open_source(recipe(tmp_path, **wide)).batch(np.array([3]))["frames"][0, :, 0]
    on_black = open_source(recipe(tmp_path, alpha="black", **wide)).batch(np.array([3]))["frames"][0, :, 0]
    assert on_white.shape == (4, 8, 20)
    assert on_white[:, 0, 0].tolist() == [100, 101, 102, 103]
    assert (on_white[:, :, 10:] == 255).all()
    assert (on_black[:, :, 10:] == 0).all()


def test_what_is_kept_apart_is_evaluated_with(tmp_path: Path) -> None:
    strips(tmp_path / "all" / "train")
    strips(tmp_path / "all" / "test", 6)
    own = recipe(tmp_path / "all", conditional=True)
    source = open_source(own)
    assert len(source) == 20
    kept = open_kept(own, source.form)
    assert kept is not None
    assert (len(kept), kept.form.labels) == (6, ("a", "b"))
    assert open_kept(recipe(strips(tmp_path / "other")), source.form) is None


def test_the_form_of_a_model_decides(tmp_path: Path, mistake: Callable[..., str]) -> None:
    form = VideoForm(height=8, width=12, channels=1, frames=3, rate=9.0, labels=("a", "b", "c"))
    own = recipe(strips(tmp_path), conditional=True)
    source = open_in_form(own, form)
    assert source.form == form
    assert source.batch(np.array([0]))["frames"].shape == (1, 3, 1, 8, 12)
    assert source.labels is not None
    other = VideoForm(height=8, width=12, frames=3, rate=9.0, labels=("x", "y"))
    assert "is none of those that the model knows" in mistake(open_in_form, own, other)


# Memory


def test_frames_that_do_not_fit_into_memory_are_the_same_from_a_file(tmp_path: Path) -> None:
    strips(tmp_path, frames=9)
    held, written = (open_source(recipe(tmp_path, cache_mb=size)) for size in (1, 0))
    assert isinstance(written, VideoFiles)
    assert written.store.held == 0
    assert written.store.written == 20 * 9 * 3 * SIDE * SIDE
    every = np.arange(len(held))
    assert torch.equal(held.batch(every)["frames"], written.batch(every)["frames"])


def test_a_store_holds_some_and_writes_the_rest() -> None:
    random = np.random.default_rng(0)
    shots = [random.integers(0, 256, (length, 1, 2, 2), np.uint8) for length in (5, 3, 7, 2)]
    store = FrameStore(limit=4 * 9)
    for shot in shots:
        store.add(shot)
    assert (store.held, store.written) == (4 * 8, 4 * 9)
    for number, shot in enumerate(shots):
        np.testing.assert_array_equal(store.clip(number, 1, len(shot) - 1), shot[1:])
    np.testing.assert_array_equal(store.clip(3, 0, 5), shots[3][[0, 1, 0, 1, 0]])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the files that a process holds open are told by Linux")
def test_clips_from_the_file_hold_no_file_open() -> None:
    """A batch may be of more clips than a process may open files."""
    store = FrameStore(limit=0)
    store.add(np.arange(64, dtype=np.uint8).reshape(16, 1, 2, 2))
    before = len(os.listdir("/proc/self/fd"))
    clips = [store.clip(0, start, 4) for start in range(16)]
    assert len(os.listdir("/proc/self/fd")) == before
    np.testing.assert_array_equal(clips[15].ravel(), [60, 61, 62, 63, *range(12)])


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    line = mistake(FrameStore(0).add, np.zeros((2, 1, 2, 2), np.uint8))
    assert "No space left on device" in line
    assert "TMPDIR" in line


# What is wrong


def test_short_videos_are_left_out_or_played_again(tmp_path: Path) -> None:
    for number in range(16):
        strip(tmp_path / f"long{number}.png", numbered(4))
    strip(tmp_path / "short.png", numbered(3, 50))
    source = open_source(recipe(tmp_path))
    assert len(source) == 16
    assert source.remarks() == [
        "without 4 frames between two cuts, and left out: 1 of 17 videos; see --frames, --every and --shorter"
    ]
    looped = open_source(recipe(tmp_path, shorter="loop"))
    assert len(looped) == 17
    assert numbers_of(looped.batch(np.array([16]))) == [[50, 55, 60, 50]]


def test_broken_files_are_named_and_what_can_be_read_of_them_is(tmp_path: Path) -> None:
    strips(tmp_path)
    (tmp_path / "a" / "empty.mp4").touch()
    (tmp_path / "a" / "text.gif").write_text("no picture")
    (tmp_path / "b" / "99.png").write_bytes((tmp_path / "b" / "00.png").read_bytes()[:50])
    write_video(numbered(40, 0, 64), 25, tmp_path / "whole.mkv", {})
    content = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "whole.mkv").unlink()
    (tmp_path / "b" / "cut.mkv").write_bytes(content[: len(content) * 2 // 3])
    source = open_source(recipe(tmp_path))
    assert sorted(Path(bad.path).name for bad in source.bad_files) == ["99.png", "empty.mp4", "text.gif"]
    assert [bad.reason for bad in source.bad_files if "\n" in bad.reason or str(tmp_path) in bad.reason] == []
    (remark,) = [line for line in source.remarks() if "damaged" in line]
    assert remark.startswith("learned from up to where they are damaged: 1 video, b/cut.mkv (damaged after ")
    assert len(source) > 20


def test_still_pictures_among_videos_are_named(tmp_path: Path) -> None:
    for number in range(16):
        write_video(numbered(4, number), 25, tmp_path / f"{number}.gif", {})
    Image.fromarray(numbered(1)[0]).save(tmp_path / "cover.png")
    (tmp_path / "music.wav").touch()
    (tmp_path / "old.flv").touch()
    (tmp_path / "notes.txt").touch()
    source = open_source(recipe(tmp_path))
    assert len(source) == 16
    assert {Path(bad.path).name: bad.reason for bad in source.bad_files} == {
        "cover.png": "a still picture among videos",
        "music.wav": "no video by its ending",
        "old.flv": "no video by its ending",
    }


def test_other_rates_are_told(tmp_path: Path) -> None:
    for number in range(16):
        write_video(numbered(4), 10 if number < 3 else 20, tmp_path / f"{number}.gif", {})
    source = open_source(recipe(tmp_path))
    assert source.form.rate == 20
    assert source.remarks() == [
        "most videos have 20 frames a second, others 10 (3): their motion is learned as if it were slower or quicker; "
        "convert them to one rate"
    ]


def test_a_folder_of_pictures_is_no_video(tmp_path: Path, mistake: Callable[..., str]) -> None:
    for number in range(20):
        Image.fromarray(numbered(1)[0]).save(tmp_path / f"{number}.png")
    line = mistake(open_source, recipe(tmp_path))
    assert line.startswith(f"{tmp_path}: holds pictures, no videos; to learn pictures: sparring train images --data ")


@pytest.mark.parametrize(("frames", "count", "told"), [
    (4, 3, "3 clips of 4 frames, at least 16 are needed; the longest shot has 4 of these frames; give more videos"),
    (3, 20, "0 clips of 4 frames, at least 16 are needed; the longest shot has 3 of these frames; give fewer --frames"),
])  # fmt: skip
def test_too_few_clips(frames: int, count: int, told: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    for number in range(count):
        strip(tmp_path / f"{number}.png", numbered(frames))
    assert told in mistake(open_source, recipe(tmp_path))


def test_nothing_to_learn_from(tmp_path: Path, mistake: Callable[..., str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert mistake(open_source, recipe(tmp_path)).startswith(f"{tmp_path}: holds no videos; it needs files that end in")
    assert "no file, folder or set called" in mistake(open_source, recipe(tmp_path / "nowhere"))
    assert mistake(open_source, recipe(tmp_path / "notes.txt")).startswith(f"{tmp_path / 'notes.txt'}: not a folder")
    strips(tmp_path)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"broken")
    with pytest.raises(UserError, match="0 good videos, at least 16 are needed; 20 bad"):
        open_source(recipe(tmp_path, labelled="no"))


# Check


def test_a_check_counts_and_shows(tmp_path: Path) -> None:
    strips(tmp_path, 20, 6)
    strip(tmp_path / "a" / "still.png", np.full((4, SIDE, SIDE, 3), 9, np.uint8))
    strip(tmp_path / "a" / "copy.png", numbered(6, 7))
    (tmp_path / "a" / "empty.mp4").touch()
    summary = check(recipe(tmp_path))
    facts = summary.facts
    assert (facts["good"], facts["videos"], facts["frozen"], facts["duplicates"]) == (43, 22, 1, 2)
    assert facts["labels"] == {"a": 23, "b": 20}
    assert facts["sizes"] == {"16x16": 22}
    assert facts["rates"] == {"25": 22}
    assert facts["frames"] == [6.0, 6.0, 6.0]
    assert [Path(bad["path"]).name for bad in facts["bad"]] == ["empty.mp4"]
    text = "\n".join(summary.lines)
    assert "43 good clips, 1 bad files, 2 duplicates" in text
    assert "frozen: 1 of the clips" in text
    assert len(summary.page) == 24
    assert summary.page[0].media_type == "image/webp"
    assert summary.page[0].caption == "a · a/01.png"


def test_a_check_of_the_bundled_set() -> None:
    summary = check(RECIPES["moving-shapes"].changed({"size": "8"}))
    assert summary.facts["good"] == 2000
    assert set(summary.facts["labels"].values()) == {500}


def test_too_many_cuts_are_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    pytest.importorskip("cv2")
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (9, 6, 8, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    for number in range(16):
        write_video(frames, 25, tmp_path / f"{number}.apng", {})
    line = mistake(open_source, recipe(tmp_path, shorter="loop"))
    assert "the longest shot has 1 of these frames, between 128 cuts; give fewer --frames, a smaller --every or" in line
