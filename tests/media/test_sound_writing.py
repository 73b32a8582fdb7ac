"""Sounds that are written are read as they were, by anyone, with the note in them; always in the same bytes."""

from __future__ import annotations

import json
import struct
import wave
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sparring.core.errors import UserError
from sparring.media.notes import read_note
from sparring.media.sounds.containers import ogg_checksum
from sparring.media.sounds.decode import read_header, read_sound
from sparring.media.sounds.writing import FORMATS, encode, joined, save_sound
from sparring.verbs.info import info

RATE = 8000
NOTE = {"recipe": "audio", "seed": 3, "label": 'ü"\n\\', "weights": "a" * 64}


def a_sound(channels: int = 1, count: int = 4001) -> np.ndarray:
    random = np.random.default_rng(1)
    wave_ = 0.4 * np.sin(2 * np.pi * 300 * np.arange(count) / RATE)
    return (wave_ + 0.01 * random.standard_normal((channels, count))).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_is_read_with_its_note(ending: str, channels: int, tmp_path: Path) -> None:
    sound, path = a_sound(channels), tmp_path / f"sound{ending}"
    save_sound(sound, RATE, path, NOTE)
    samples, rate = read_sound(path)
    assert rate == RATE
    assert samples.shape == sound.shape
    error = np.abs(samples - sound)
    assert error.max() <= 1 / 32768 if ending != ".ogg" else np.sqrt((error**2).mean()) < 0.02
    assert read_note(path) == NOTE
    assert info(path) == {"file": str(path), **NOTE}
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_the_bytes_are_always_the_same(ending: str) -> None:
    first = encode(a_sound(), RATE, ending, NOTE)
    for _ in range(3):
        assert encode(a_sound(), RATE, ending, NOTE) == first
    assert encode(a_sound(), RATE, ending, {**NOTE, "seed": 4}) != first


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("length", [1, 2, 65_537, 1_000_001])
def test_a_long_note_survives(ending: str, length: int, tmp_path: Path) -> None:
    path, note = tmp_path / f"sound{ending}", {"labels": "x" * length}
    save_sound(a_sound(), RATE, path, note)
    assert read_note(path) == note
    assert read_header(path).frames == 4001


def test_other_programs_find_the_samples_and_the_note_of_a_wav(tmp_path: Path) -> None:
    """Python's own reader, and the library that looks for ``ICMT`` in ``LIST``/``INFO``."""
    path = tmp_path / "sound.wav"
    sound = a_sound()
    sound[0, :3] = [1.5, -7.0, 0.0]
    save_sound(sound, RATE, path, NOTE)
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate(), file.getnframes()) == (2, RATE, 4001)
        values = np.frombuffer(file.readframes(4001), "<i2")
    assert list(values[:3]) == [32767, -32768, 0]
    assert np.abs(values[3:] - 32768 * sound[0, 3:]).max() <= 1
    assert struct.unpack_from("<I", path.read_bytes(), 4)[0] == path.stat().st_size - 8
    with soundfile.SoundFile(path) as read:
        assert json.loads(read.comment) == NOTE


def test_the_pages_of_an_ogg_have_their_checksums() -> None:
    """Against the definition of RFC 3533: polynomial 0x04c11db7, from 0, no bits turned round or inverted."""

    def slowly(content: bytes) -> bytes:
        register = 0
        for byte in content:
            register ^= byte << 24
            for _ in range(8):
                register = ((register << 1) ^ (0x04C11DB7 if register & 1 << 31 else 0)) & 0xFFFFFFFF
        return register.to_bytes(4, "little")

    for content in (b"\0" * 40, b"OggS", bytes(range(256)), a_sound().tobytes()[:999]):
        assert ogg_checksum(content) == slowly(content)
    assert ogg_checksum(b"OggS") != zlib.crc32(b"OggS").to_bytes(4, "little")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(value: float, tmp_path: Path) -> None:
    sound = a_sound()
    sound[0, 7] = value
    with pytest.raises(UserError, match="not finite"):
        save_sound(sound, RATE, tmp_path / "sound.wav", NOTE)
    assert not [*tmp_path.iterdir()]


def test_several_sounds_are_joined_with_gaps() -> None:
    sounds = np.stack([a_sound(2, 100), 2 * a_sound(2, 100), a_sound(2, 100)])
    whole = joined(sounds, RATE)
    assert whole.shape == (2, 3 * 100 + 2 * 2000)
    np.testing.assert_array_equal(whole[:, 2100:2200], sounds[1])
    assert not whole[:, 100:2100].any()
    np.testing.assert_array_equal(joined(sounds[:1], RATE), sounds[0])


@pytest.mark.parametrize("ending", FORMATS)
def test_without_a_note_one_line_says_so(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"sound{ending}"
    path.write_bytes(encode(a_sound(), RATE, ending, {}))
    with pytest.raises(UserError, match=r"carries no note of Sparring's; only pictures .*, sounds .* or videos"):
        read_note(path)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_broken_file_gives_one_line(ending: str, tmp_path: Path) -> None:
    random, path = np.random.default_rng(0), tmp_path / f"sound{ending}"
    content, messages = encode(a_sound(count=400), RATE, ending, NOTE), list[str]()
    for _ in range(60):
        broken = bytearray(content[: random.integers(len(content))])
        for place in random.integers(len(broken), size=4) if broken else ():
            broken[place] = random.integers(256)
        path.write_bytes(broken)
        try:
            read_note(path)
        except UserError as problem:
            messages.append(str(problem))
    assert messages
    assert [message for message in messages if "\n" in message or path.name not in message] == []
