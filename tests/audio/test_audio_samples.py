"""Generated sounds as files: what is written can be read by others, says where it came from, and harms nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sparring.audio.samples import as_artifact, write_samples
from sparring.media.sounds.writing import read_note

RATE, NOTE = 8000, {"sparring": "0.1", "seed": 3}


def sounds(count: int = 3, channels: int = 1, samples: int = 800) -> torch.Tensor:
    """Sines of 200, 300, ... Hz ``(count, channels, samples)``."""
    time = torch.arange(samples) / RATE
    pitches = 100 * (2 + torch.arange(count * channels))
    return 0.5 * torch.sin(2 * torch.pi * pitches[:, None] * time).view(count, channels, samples)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("labels", [None, ["dog", "a/b", "dog"]])
def test_a_folder_of_sounds(labels: list[str] | None, channels: int, tmp_path: Path) -> None:
    made, out = sounds(channels=channels), tmp_path / "out"
    written = write_samples(made, RATE, labels, out, NOTE, False)
    assert written == sorted(out.iterdir())
    assert len(written) == 3
    for index, path in enumerate(written):
        samples, rate = soundfile.read(path, always_2d=True)
        assert rate == RATE
        assert soundfile.info(path).subtype == "PCM_16"
        np.testing.assert_allclose(samples.T, made[index].numpy(), atol=1e-4)
        label = {} if labels is None else {"label": labels[index]}
        assert read_note(path) == {**NOTE, "index": index, **label}
    if labels:
        assert [path.name.split("-")[0] for path in written] == ["000000", "000001", "000002"]
        assert written[0].name == "000000-dog.wav"
    else:
        assert [path.name for path in written] == ["000000.wav", "000001.wav", "000002.wav"]


@pytest.mark.parametrize("labels", [None, ["dog", "cat", "dog"]])
@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".WAV"])
def test_one_file_with_gaps(ending: str, labels: list[str] | None, tmp_path: Path) -> None:
    made, out = sounds(), tmp_path / f"out{ending}"
    assert write_samples(made, RATE, labels, out, NOTE, False) == [out]
    samples, rate = soundfile.read(out)
    assert rate == RATE
    assert len(samples) == 3 * 800 + 2 * 2000  # a quarter of a second between two
    lossless = ending != ".ogg"
    for index in range(3):
        start = index * 2800
        found, expected = samples[start : start + 800], made[index, 0].numpy()
        if lossless:
            np.testing.assert_allclose(found, expected, atol=1e-4)
            assert not samples[start + 800 : start + 2800].any()
        assert np.corrcoef(found, expected)[0, 1] > 0.9
    assert read_note(out) == {**NOTE, **({"labels": labels} if labels else {})}


def test_samples_beyond_full_scale_are_cut(tmp_path: Path) -> None:
    write_samples(4 * sounds(1), RATE, None, tmp_path / "out.wav", {}, False)
    samples, _ = soundfile.read(tmp_path / "out.wav")
    assert samples.max() > 0.999
    assert samples.min() == -1
    assert (np.sign(samples[3:15]) == 1).all()  # cut, not wrapped round


def test_nothing_is_overwritten_unless_asked(tmp_path: Path, mistake: Callable[..., str]) -> None:
    for out in (tmp_path / "out", tmp_path / "out.wav"):
        first = write_samples(sounds(), RATE, None, out, {}, False)
        before = first[0].read_bytes()
        assert mistake(write_samples, -sounds(), RATE, None, out, {}, False).startswith(f"{out}: exists")
        assert first[0].read_bytes() == before
        write_samples(-sounds(), RATE, None, out, {}, True)
        assert first[0].read_bytes() != before


@pytest.mark.parametrize("ending", [".mp3", ".png", ".aiff", ".zip"])
def test_another_ending_is_refused(ending: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    out = tmp_path / f"out{ending}"
    line = mistake(write_samples, sounds(), RATE, None, out, {}, False)
    assert line.startswith(f"{out}: cannot write {ending} files; use .wav, .flac, .ogg")
    assert not out.exists()


def test_a_folder_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "run.2").mkdir()
    assert len(write_samples(sounds(), RATE, None, tmp_path / "run.2", {}, False)) == 3


def test_numbers_that_are_none_are_refused(tmp_path: Path, mistake: Callable[..., str]) -> None:
    made = sounds()
    made[1, 0, 5] = float("nan")
    assert "not finite" in mistake(write_samples, made, RATE, None, tmp_path / "out.wav", {}, False)
    assert not (tmp_path / "out.wav").exists()


def test_a_preview_can_be_heard_and_seen() -> None:
    artifact = as_artifact(sounds(), RATE, "generated sounds")
    assert (artifact.caption, artifact.media_type) == ("generated sounds", "audio/flac")
    samples, rate = soundfile.read(io.BytesIO(artifact.data))
    assert (rate, len(samples)) == (RATE, 3 * 800 + 2 * 2000)
    assert artifact.picture.startswith(b"\x89PNG")
