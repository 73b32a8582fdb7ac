"""What ``data check`` says of a folder of sounds, and the page that it writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile

import sparring

RATE = 8000


def tone(seconds: float, amplitude: float, pitch: float = 440.0, offset: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    sound: np.ndarray = amplitude * np.sin(2 * np.pi * pitch * time) + offset
    return sound


def folder_of_sounds(folder: Path) -> Path:
    """18 tones of two labels: one twice, one clipped, one with an offset; and a silent file."""
    for number in range(16):
        (folder / f"l{number % 2}").mkdir(parents=True, exist_ok=True)
        sound = tone(0.2 + 0.02 * number, 0.1, 200 + 20 * number)
        soundfile.write(folder / f"l{number % 2}" / f"{number:02d}.wav", sound, RATE)
    soundfile.write(folder / "l0" / "again.wav", tone(0.2, 0.1, 200), RATE)
    soundfile.write(folder / "l0" / "clipped.wav", tone(0.3, 3.0, 100).clip(-1, 1), RATE)
    soundfile.write(folder / "l1" / "offset.wav", tone(0.3, 0.1, 300, 0.2), RATE)
    soundfile.write(folder / "l1" / "silent.wav", np.zeros(RATE), RATE)
    return folder


def test_a_folder_is_described_and_can_be_heard(tmp_path: Path) -> None:
    folder = folder_of_sounds(tmp_path / "sounds")
    facts = sparring.check(folder, out=tmp_path / "page.html")
    assert facts["good"] == 19
    assert [bad["reason"] for bad in facts["bad"]] == ["is silent"]
    assert facts["rates"] == {"8000": 20}
    assert facts["channels"] == {"1": 20}
    assert facts["labels"] == {"l0": 10, "l1": 9}
    assert (facts["duplicates"], facts["clipped"], facts["offset"]) == (1, 1, 1)
    usual = facts["decibels"][1]
    assert abs(usual - 20 * np.log10(0.1 / np.sqrt(2))) < 0.5  # sines of amplitude 0.1
    page = (tmp_path / "page.html").read_text()
    assert page.count("<audio") == page.count('class="above"') == 19
    assert set(re.findall(r'src="data:([a-z]+/[a-z]+)', page)) == {"audio/flac", "image/png"}
    assert "clipped: 1 of the files" in page
    assert "offset: in 1 of the files" in page


def test_the_bundled_set_is_described(tmp_path: Path) -> None:
    facts = sparring.check("tones", out=tmp_path / "page.html")
    assert (facts["good"], facts["duplicates"], len(facts["labels"])) == (2000, 0, 8)
    assert "rates" not in facts
