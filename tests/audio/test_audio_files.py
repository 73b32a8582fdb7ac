"""Folders of sounds as strangers have them: who is used and as what, who is not and why, labels and streaming."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from sparring.audio.data import open_in_form, open_source
from sparring.audio.form import AudioForm
from sparring.audio.pieces import Piece
from sparring.audio.recipes import RECIPES, AudioRecipe
from sparring.data.source import remarks_of
from sparring.media.sounds.loudness import FALL, LEVEL, RISE, loudness

RATE = 8000


def wave(pitch: float = 440, seconds: float = 0.4, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A sine ``(samples, channels)``, the second channel an octave higher and quieter."""
    time = np.arange(round(seconds * rate)) / rate
    channel = np.arange(1, channels + 1)
    return np.asarray(0.4 / channel * np.sin(2 * np.pi * time[:, None] * pitch * channel))


def write(path: Path, samples: np.ndarray, rate: int = RATE, **settings: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **settings)
    return path


def folder_of(folder: Path, count: int = 16, **settings: Any) -> Path:
    """So many sines of other pitches."""
    for number in range(count):
        write(folder / f"{number:02d}.wav", wave(200 + 20 * number, **settings), settings.get("rate", RATE))
    return folder


def recipe(folder: Path, **settings: Any) -> AudioRecipe:
    return RECIPES["audio"].changed({"data": str(folder), **settings})


def all_of(source: Any) -> np.ndarray:
    """All sounds of a source, ``(n, channels, samples)``."""
    return np.asarray(source.batch(np.arange(len(source)))["sounds"])


# Who is used, who is not


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A folder of 16 good sounds of all kinds, and of others."""
    folder = tmp_path / "strangers"
    kinds = [("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"),
             ("wav", "DOUBLE"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III"),
             ("aiff", "PCM_16"), ("au", "ULAW")]  # fmt: skip
    for number, (ending, subtype) in enumerate(kinds):
        rate, channels = (8000, 16000, 44100)[number % 3], 1 + number % 2
        write(folder / f"good{number}.{ending}", wave(400, 0.5, rate, channels), rate, subtype=subtype)
    write(folder / "stereo.wav", wave(400, 0.5, channels=2))
    write(folder / "long.wav", wave(400, 3.0))
    write(folder / "short.wav", wave(400, 0.02))
    write(folder / "WITH SPACE.WAV", wave(400, 0.5))

    whole = write(folder / "cut off.wav", wave(400, 0.5)).read_bytes()
    (folder / "cut off.wav").write_bytes(whole[: len(whole) // 2])
    write(folder / "silent.wav", np.zeros((4000, 1)))
    write(folder / "offset.wav", np.full((4000, 1), 0.5))  # silence beside a microphone's offset
    write(folder / "nan.wav", np.full((4000, 1), np.nan), subtype="FLOAT")
    write(folder / "nothing.wav", np.zeros((0, 1)))
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("these are words, no sound\n" * 50)
    Image.new("RGB", (8, 8)).save(folder / "picture.png")
    Image.new("RGB", (8, 8)).save(folder / "renamed.wav", format="png")
    return folder


REASONS = {
    "cut off.wav": "cut off",
    "silent.wav": "is silent",
    "offset.wav": "is silent",
    "nan.wav": "not numbers",
    "nothing.wav": "is empty: it holds no samples",
    "empty.wav": "is an empty file",
    "text.wav": "cannot be read as a sound",
    "renamed.wav": "is a picture, not a sound",
}


def test_good_sounds_are_used_and_others_named(strangers: Path) -> None:
    source = open_source(recipe(strangers))
    assert len(source) == 16
    assert {Path(bad.path).name: bad.reason for bad in source.bad_files}.keys() == REASONS.keys()
    for bad in source.bad_files:
        assert Path(bad.path).parent == strangers
        assert REASONS[Path(bad.path).name] in bad.reason
        assert "\n" not in bad.reason
    sounds = all_of(source) / 32767
    assert np.abs(sounds).max() <= 1
    for sound in sounds:  # every one of them is the same note, whatever its rate
        spectrum = np.abs(np.fft.rfft(sound[0, :4000], 8000))
        if np.abs(sound[0, 300:]).max() > 0.01:  # all but the one of 20 ms
            assert abs(int(spectrum.argmax()) - 400) <= 3


def test_what_was_decided_is_told(strangers: Path) -> None:
    said = " | ".join(remarks_of(open_source(recipe(strangers))))
    assert "brought to 8,000 Hz: " in said
    assert "44,100 Hz" in said
    assert "see --seconds and --longer" in said


def test_a_streamed_set_is_the_one_in_memory(strangers: Path) -> None:
    """Bit for bit, and the bad ones are replaced by their neighbours."""
    memory, stream = open_source(recipe(strangers)), open_source(recipe(strangers, cache_mb=0))
    assert (memory.in_memory, stream.in_memory) == (True, False)
    assert stream.form == memory.form
    batch = stream.batch(np.arange(len(stream)))["sounds"].numpy()
    known = all_of(memory)
    good = [index for index, piece in enumerate(stream.pieces) if piece in memory.pieces]
    assert len(good) == len(memory) < len(stream)
    assert np.array_equal(batch[good], known)
    for sound in batch:
        assert (known == sound).all((1, 2)).any()
    found = {Path(bad.path).name for bad in stream.bad_files}
    assert found == REASONS.keys()


@pytest.mark.parametrize("packed", ["sounds.zip", "with folder.zip"])
def test_a_zip_is_read_as_the_folder(packed: str, strangers: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / packed, "w") as archive:
        for path in strangers.iterdir():
            archive.write(path, f"mine/{path.name}" if "folder" in packed else path.name)
    of_folder, of_zip = open_source(recipe(strangers)), open_source(recipe(tmp_path / packed))
    assert np.array_equal(all_of(of_zip), all_of(of_folder))
    assert {Path(bad.path).name for bad in of_zip.bad_files} == REASONS.keys()


def test_too_few_sounds_are_refused(tmp_path: Path, mistake: Callable[..., str]) -> None:
    folder = folder_of(tmp_path / "few", 15)
    (folder / "bad.wav").write_text("no sound")
    line = mistake(open_source, recipe(folder))
    assert line.startswith(f"{folder}: 15 good sounds, at least 16 are needed; 1 bad: bad.wav (")
    (tmp_path / "none").mkdir()
    assert mistake(open_source, recipe(tmp_path / "none")).startswith(f"{tmp_path / 'none'}: holds no sounds; ")
    assert "no file, folder or set called 'tnoes'; did you mean 'tones'?" in mistake(
        open_source, RECIPES["audio"].changed({"data": "tnoes"})
    )


def test_one_file_is_enough_where_it_makes_pieces(tmp_path: Path, mistake: Callable[..., str]) -> None:
    path = write(tmp_path / "long.wav", wave(seconds=10))
    assert "learn from pieces of it: --longer pieces" in mistake(open_source, recipe(path))
    assert len(open_source(recipe(path, longer="pieces", seconds="0.5"))) == 20


# Rate, length, channels


@pytest.mark.parametrize(("rates", "expected"), [
    ([8000] * 10 + [16000] * 6, 8000), ([8000] * 6 + [11025] * 10, 11025), ([44100] * 16, 16000),
    ([8000] * 8 + [16000] * 8, 16000),
])  # fmt: skip
def test_the_rate_is_the_most_frequent_up_to_16000(rates: list[int], expected: int, tmp_path: Path) -> None:
    for number, rate in enumerate(rates):
        write(tmp_path / f"{number:02d}.wav", wave(400, 0.3, rate), rate)
    source = open_source(recipe(tmp_path))
    assert source.form.rate == expected
    for sound in all_of(source):
        spectrum = np.abs(np.fft.rfft(sound[0, : round(0.3 * expected)], expected))
        assert abs(int(spectrum.argmax()) - 400) <= 4
    assert open_source(recipe(tmp_path, rate="4000")).form.rate == 4000


@pytest.mark.parametrize(("seconds", "expected"), [
    ([0.5] * 20, 0.512), ([0.3] * 19 + [5.0], 0.32), ([0.3] * 10 + [0.9] * 10, 0.96), ([1.9] * 4 + [3.0] * 16, 2.0),
])  # fmt: skip
def test_the_length_is_what_nearly_all_fit_into(seconds: list[float], expected: float, tmp_path: Path) -> None:
    for number, length in enumerate(seconds):
        write(tmp_path / f"{number:02d}.wav", wave(seconds=length, rate=2000), 2000)
    form = open_source(recipe(tmp_path)).form
    assert form.seconds == pytest.approx(expected, abs=1e-3)
    assert open_source(recipe(tmp_path, seconds="0.25")).form.samples == 500


def test_longer_files_are_cut_or_taken_in_pieces(tmp_path: Path) -> None:
    for number in range(16):
        write(tmp_path / f"{number:02d}.wav", wave(seconds=1.2))
    asked = {"seconds": "0.5"}
    assert len(open_source(recipe(tmp_path, **asked, longer="start"))) == 16
    pieces = open_source(recipe(tmp_path, **asked, longer="pieces"))
    assert pieces.pieces[:2] == [Piece("00.wav", 0, 4000), Piece("00.wav", 4000, 4000)]
    assert len(pieces) == 32  # what is left at the end, 0.2 seconds, is less than half of a piece
    assert len(open_source(recipe(tmp_path, **asked))) == 32  # auto: they are more than twice as long
    assert len(open_source(recipe(tmp_path, seconds="0.7"))) == 16
    assert len(open_source(recipe(tmp_path, seconds="0.35", longer="pieces"))) == 48
    assert "learned from in pieces of 0.5 seconds: 32, of 16 files" in remarks_of(pieces)


def test_sounds_of_too_many_samples_are_refused(tmp_path: Path, mistake: Callable[..., str]) -> None:
    told = mistake(open_source, recipe(folder_of(tmp_path), rate="48000", seconds="60"))
    assert told.startswith("seconds: 60 at 48,000 Hz are 2,880,000 samples, the most is 2,097,152")


def test_a_sound_of_which_nothing_is_left_at_the_rate_is_named(tmp_path: Path) -> None:
    """A tone of 15,000 hertz, softly begun and ended, at 8,000."""
    folder_of(tmp_path)
    high = wave(15000, 0.4, 48000)
    write(tmp_path / "high.wav", high * np.hanning(len(high))[:, None], 48000)
    source = open_source(recipe(tmp_path))
    assert len(source) == 16
    assert [(Path(bad.path).name, bad.reason) for bad in source.bad_files] == [("high.wav", "is silent at 8,000 Hz")]


def test_silent_parts_of_a_sound_are_left_out(tmp_path: Path) -> None:
    for number in range(16):
        write(
            tmp_path / f"{number:02d}.wav", np.concatenate([wave(seconds=0.5), np.zeros((8000, 1)), wave(seconds=0.5)])
        )
    source = open_source(recipe(tmp_path, seconds="0.5", longer="pieces"))
    assert len(source) == 32
    assert source.bad_files == []
    assert np.abs(all_of(source)).max((1, 2)).min() > 3000


def test_stereo_and_mono(tmp_path: Path) -> None:
    for number in range(16):
        write(tmp_path / f"{number:02d}.wav", wave(channels=1 + number % 2))
    keep = {"loudness": "keep"}
    mono, stereo = open_source(recipe(tmp_path, **keep)), open_source(recipe(tmp_path, **keep, channels="2"))
    assert all_of(mono).shape[1] == 1
    assert all_of(stereo).shape[1] == 2
    both = all_of(stereo).astype(np.float64)
    assert np.array_equal(both[0, 0], both[0, 1])  # a mono file, twice
    assert not np.array_equal(both[1, 0], both[1, 1])
    np.testing.assert_allclose(all_of(mono)[:, 0], both.mean(1), atol=1)


# Loudness, and filling up


def test_sounds_are_brought_to_one_level_or_kept(tmp_path: Path) -> None:
    for number in range(16):
        write(tmp_path / f"{number:02d}.wav", wave(seconds=0.512) * 0.9**number, subtype="FLOAT")
    levelled = all_of(open_source(recipe(tmp_path))) / 32767
    assert [loudness(sound, RATE) for sound in levelled] == pytest.approx([LEVEL] * 16, rel=0.05)
    kept = all_of(open_source(recipe(tmp_path, loudness="keep"))) / 32767
    middle = slice(round(RISE * RATE), -round(FALL * RATE))
    for number, sound in enumerate(kept):
        np.testing.assert_allclose(sound[0, middle], wave(seconds=0.512)[middle, 0] * 0.9**number, atol=1e-4)


@pytest.mark.parametrize("shorter", ["pad", "repeat"])
def test_shorter_sounds_are_filled_up(shorter: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, seconds=0.3)
    sounds = all_of(open_source(recipe(folder, seconds="0.8", shorter=shorter)))
    assert sounds.shape[2] == 6400
    rest = sounds[:, :, 2400:]
    if shorter == "pad":
        assert not rest.any()
    else:
        assert np.array_equal(rest[:, :, :2400], sounds[:, :, :2400])
        assert np.array_equal(rest[:, :, 2400:], sounds[:, :, :1600])


# Labels


def labelled(folder: Path, how: str) -> dict[str, Any]:
    """16 sounds whose labels are given in some way; the settings that this needs."""
    rows = ["file,label"]
    for number in range(16):
        label = ("dog", "cat")[number % 2]
        name = {"folders": f"{label}/{number:02d}.wav", "pattern": f"{number:02d}_{label}_x.wav"}.get(
            how, f"{number:02d}.wav"
        )
        write(folder / name, wave(200 + 20 * number))
        rows.append(f"{name},{label}")
    if how == "table":
        (folder / "labels.csv").write_text("\n".join(rows))
    return {"label_pattern": "{take}_{label}_{}"} if how == "pattern" else {}


@pytest.mark.parametrize("how", ["folders", "table", "pattern"])
def test_labels(how: str, tmp_path: Path) -> None:
    source = open_source(recipe(tmp_path, **labelled(tmp_path, how)))
    assert source.form.labels == ("cat", "dog")
    batch = source.batch(np.arange(16))
    for sound, label in zip(batch["sounds"].numpy(), batch["labels"].tolist(), strict=True):
        pitch = np.abs(np.fft.rfft(sound[0, :3200], 8000)).argmax()
        number = round((pitch - 200) / 20)
        assert ("dog", "cat")[number % 2] == source.form.labels[label]
    assert open_source(recipe(tmp_path, labelled="no")).form.labels == ()


def test_labels_that_are_asked_for_and_not_there(tmp_path: Path, mistake: Callable[..., str]) -> None:
    folder_of(tmp_path)
    line = mistake(open_source, recipe(tmp_path, labelled="yes"))
    assert line.startswith(f"{tmp_path}: no labels found; ")
    assert "--label-pattern" in line


def test_labels_are_numbered_as_a_model_knows_them(tmp_path: Path, mistake: Callable[..., str]) -> None:
    labelled(tmp_path, "folders")
    form = AudioForm(rate=4000, samples=1000, labels=("ant", "dog", "cat"))
    asked = recipe(tmp_path, conditional=True)
    source = open_in_form(asked, form)
    assert source.form == form
    batch = source.batch(np.arange(16))
    assert batch["sounds"].shape == (16, 1, 1000)
    assert [form.labels[label] for label in batch["labels"].tolist()] == ["cat"] * 8 + ["dog"] * 8
    line = mistake(open_in_form, asked, AudioForm(rate=4000, samples=1000, labels=("ant", "dog")))
    assert "its label 'cat'" in line
    assert "none of those that the model knows (ant, dog)" in line


def test_a_model_looks_at_fewer_sounds_than_are_learned_from(tmp_path: Path) -> None:
    folder_of(tmp_path, 3)
    form = AudioForm(rate=8000, samples=4000)
    for place in (tmp_path, tmp_path / "00.wav"):
        source = open_in_form(recipe(place), form)
        assert source.form == form
    assert len(source) == 1


def test_a_split_is_kept_to_be_evaluated_with(tmp_path: Path) -> None:
    folder_of(tmp_path / "train")
    folder_of(tmp_path / "test", 4)
    source = open_source(recipe(tmp_path))
    assert len(source) == 16
    assert len(open_source(recipe(tmp_path, split="all"))) == 20
