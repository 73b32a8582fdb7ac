"""Sound files of every format are read as what was written, and broken ones are named, whatever is broken in them."""

from __future__ import annotations

import io
import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sparring.core.errors import UserError
from sparring.media.sounds.decode import read_header, read_sound
from sparring.media.sounds.formats import BY_AV, ENDINGS
from sparring.media.sounds.header import BadSound

RATE = 8000
CODED = {
    ".wav": "PCM_16 PCM_24 PCM_32 PCM_U8 FLOAT DOUBLE ULAW ALAW IMA_ADPCM MS_ADPCM GSM610",
    ".flac": "PCM_16 PCM_24",
    ".ogg": "VORBIS OPUS",
    ".mp3": "MPEG_LAYER_III",
    ".aiff": "PCM_16 FLOAT",
    ".au": "PCM_16 ULAW",
    ".caf": "PCM_16 ALAC_16",
    ".w64": "PCM_16 FLOAT",
    ".rf64": "PCM_16",
}
ALL = [(ending, coded) for ending, codes in CODED.items() for coded in codes.split()]
LOSSY = {"ULAW": 0.02, "ALAW": 0.02, "PCM_U8": 0.01, "IMA_ADPCM": 0.5, "MS_ADPCM": 0.1, "GSM610": 0.3, "VORBIS": 0.2,
         "OPUS": 0.2, "MPEG_LAYER_III": 0.3}  # fmt: skip


def a_sound(seconds: float = 0.5, channels: int = 1) -> np.ndarray:
    """A chord with a little noise ``(channels, n)``."""
    random = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 330, 555))
    return (0.15 * chord + 0.01 * random.standard_normal((channels, len(time)))).astype(np.float32)


def encoded(samples: np.ndarray, ending: str, coded: str, rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format={"AIF": "AIFF"}.get(ending[1:].upper(), ending[1:].upper()),
                    subtype=coded)  # fmt: skip
    return buffer.getvalue()


@pytest.mark.parametrize(("ending", "coded"), ALL)
def test_what_was_written_is_read(ending: str, coded: str, tmp_path: Path) -> None:
    """From a file and from bytes alike, header, whole and part."""
    sound = a_sound()
    content = encoded(sound, ending, coded)
    path = tmp_path / f"sound{ending}"
    path.write_bytes(content)
    header = read_header(path)
    assert (header.rate, header.channels) == (RATE if coded != "OPUS" else header.rate, 1)
    samples, rate = read_sound(path)
    assert samples.dtype == np.float32
    assert samples.shape == (1, header.frames)
    assert header.frames == pytest.approx(sound.shape[1] * rate / RATE, abs=600)
    if rate == RATE:
        length = min(header.frames, sound.shape[1])
        error = np.abs(samples[:, :length] - sound[:, :length]).max()
        assert error < LOSSY.get(coded, 1 / 32000)
    np.testing.assert_array_equal(read_sound(content)[0], samples)
    if coded not in ("MPEG_LAYER_III", "VORBIS", "OPUS"):
        np.testing.assert_array_equal(read_sound(path, 1000, 500)[0], samples[:, 1000:1500])


@pytest.mark.parametrize(("coded", "most"), [("VORBIS", 1e-6), ("MPEG_LAYER_III", 1e-3)])
def test_a_part_of_a_compressed_sound_is_that_part(coded: str, most: float) -> None:
    content = encoded(a_sound(4.0), ".ogg" if coded == "VORBIS" else ".mp3", coded)
    whole, _ = read_sound(content)
    part, _ = read_sound(content, 12_345, 4000)
    np.testing.assert_allclose(part, whole[:, 12_345:16_345], atol=most)


def test_the_library_agrees_with_python_s_own(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    values = np.random.default_rng(0).integers(-32768, 32768, (700, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(values.tobytes())
    samples, rate = read_sound(path)
    assert rate == 22_050
    np.testing.assert_array_equal(samples, values.T / np.float32(32768))


def test_beyond_its_end_a_sound_holds_nothing() -> None:
    content = encoded(a_sound(), ".wav", "PCM_16")
    assert read_sound(content, 5000)[0].shape == (1, 0)
    assert read_sound(content, 3990, 100)[0].shape == (1, 10)


@pytest.mark.parametrize(("ending", "coded"), ALL)
@pytest.mark.parametrize("share", [0.35, 0.7, 0.96])
def test_a_file_that_was_cut_off_is_told(ending: str, coded: str, share: float) -> None:
    """soundfile itself reads what is left of most, and says nothing."""
    content = encoded(a_sound(2.0), ending, coded)
    with pytest.raises(BadSound, match=r"^is (damaged or )?cut off"):
        read_sound(content[: round(share * len(content))])


def test_a_size_that_nobody_knew_is_no_cut() -> None:
    """Programs that write into a pipe put zeros or ones where the size belongs."""
    content = bytearray(encoded(a_sound(), ".wav", "PCM_16"))
    content[4:8] = content[40:44] = b"\xff" * 4
    assert read_sound(bytes(content))[0].shape == (1, 4000)
    trailing = encoded(a_sound(), ".wav", "PCM_16") + b"LIST" + struct.pack("<I", 1000) + b"INFO"
    assert read_sound(trailing)[0].shape == (1, 4000), "its samples are all there"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_told(value: float) -> None:
    sound = a_sound()
    sound[0, 1234] = value
    with pytest.raises(BadSound, match="not numbers"):
        read_sound(encoded(sound, ".wav", "FLOAT"))


@pytest.mark.parametrize(("rate", "channels", "message"), [(999, 1, "rate of 999 Hz"), (800_000, 1, "rate of 800,000"),
                                                           (8000, 33, "33 channels")])  # fmt: skip
def test_what_no_sound_has_is_told(rate: int, channels: int, message: str) -> None:
    with pytest.raises(BadSound, match=message):
        read_header(encoded(np.zeros((channels, 100), np.float32), ".wav", "PCM_16", rate))


def test_other_things_are_told(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("L", (8, 8)).save(picture, format="PNG")
    no_length = bytearray(encoded(a_sound(), ".flac", "PCM_16"))
    no_length[21] &= 0xF0  # 36 bits of STREAMINFO: how many samples there are
    no_length[22:26] = bytes(4)
    cases = {
        "is an empty file": b"",
        "is a picture, not a sound": picture.getvalue(),
        "cannot be read as a sound": b"Once upon a time there was a text. " * 40,
        "is empty: it holds no samples": encoded(np.zeros((1, 0), np.float32), ".wav", "PCM_16"),
        "does not say how long it is": bytes(no_length),
    }
    for message, content in cases.items():
        path = tmp_path / "called.wav"
        path.write_bytes(content)
        with pytest.raises(BadSound, match=f"^{message}"):
            read_sound(path)
    os.mkfifo(tmp_path / "pipe.wav")
    for name, message in (("pipe.wav", "a named pipe"), ("nothing.wav", "No such file")):
        with pytest.raises(BadSound, match=message):
            read_header(tmp_path / name)


def test_without_the_library_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(UserError, match=r"pip install soundfile"):
        read_header(b"RIFF")


def test_without_the_other_library_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(BadSound, match=r"pip install av opencv-python-headless"):
        read_header(tmp_path / "a.m4a")


def test_compressed_sounds_are_read_by_the_other_library(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path, sound = tmp_path / "sound.m4a", a_sound(1.0)
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=RATE)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    header, (samples, rate) = read_header(path), read_sound(path)
    assert (header.rate, header.channels, rate) == (RATE, 1, RATE)
    assert samples.shape == (1, header.frames)
    assert abs(samples.shape[1] - sound.shape[1]) < 4096
    assert np.sqrt((samples**2).mean()) == pytest.approx(np.sqrt((sound**2).mean()), rel=0.2)
    np.testing.assert_array_equal(read_sound(path.read_bytes())[0], samples)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(BadSound):
        read_sound(path)


def test_no_ending_is_read_by_both() -> None:
    assert not set(ENDINGS) & set(BY_AV)
    assert all(ending in ENDINGS for ending in CODED)


@pytest.mark.parametrize(("ending", "coded"), ALL)
def test_no_bytes_whatever_give_another_error(ending: str, coded: str) -> None:
    random = np.random.default_rng(7)
    content = encoded(a_sound(), ending, coded)
    said = []
    for _ in range(60):
        try:
            samples, _ = read_sound(broken(content, random))
            assert np.isfinite(samples).all()
        except BadSound as problem:
            said.append(str(problem))
    assert len(said) > 5
    assert [each for each in said if "\n" in each or "0x" in each] == []


def broken(content: bytes, random: np.random.Generator) -> bytes:
    """Bytes cut off, overwritten, left out, or with a size that is not so."""
    changed, kind = bytearray(content), random.integers(4)
    if kind == 0:
        return content[: random.integers(len(content))]
    if kind == 1:
        for place in random.integers(len(changed), size=8):
            changed[place] = random.integers(256)
    elif kind == 2:
        first, last = sorted(random.integers(len(changed), size=2))
        del changed[first:last]
    else:
        place = random.integers(min(120, len(changed) - 4))
        changed[place : place + 4] = (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")[
            random.integers(4)
        ]
    return bytes(changed)
