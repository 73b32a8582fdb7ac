"""Small films made on the spot, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RATE = Fraction(30_000, 1001)
Maker = Callable[..., Path]


def smooth(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """RGB uint8 waves that drift with ``index``: easy for any codec."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    waves = [np.sin(columns / 9 + index / 5), np.cos(rows / 7 - index / 6), np.sin((rows + columns) / 11 + index / 4)]
    return np.rint(127.5 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.square(one.astype(float) - other).mean(), 1e-9)))


def packets(path: Path, kind: str = "audio") -> list[tuple[bytes, float]]:
    """The bytes and the time in seconds of each packet of sound, or of pictures."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        return [
            (bytes(each), float(each.pts * each.time_base))
            for each in container.demux(*getattr(container.streams, kind))
            if each.size
        ]


def film_maker() -> Maker:
    """Writes a film by PyAV alone, with a sine tone of ``sound`` seconds if that is not 0."""
    av = pytest.importorskip("av", reason="PyAV comes with the extra 'video'")

    def make(path: Path, count: int = 24, sound: float = 0.0, audio: str = "aac", **settings: Any) -> Path:
        with av.open(str(path), "w", format=settings.get("format")) as target:
            tracks = []
            if count:
                tracks.append((_video(target, settings), _pictures(av, count, settings)))
            if sound:
                tracks.append((_audio(target, audio), _tone(av, sound)))
            for track, frames in tracks:
                for frame in frames:
                    target.mux(track.encode(frame))
                target.mux(track.encode(None))
        return path

    return make


def _video(target: Any, settings: dict[str, Any]) -> Any:
    track = target.add_stream(settings.get("codec", "libx264"), rate=settings.get("rate", RATE), options={"g": "6"})
    track.height, track.width, track.pix_fmt = settings.get("height", 48), settings.get("width", 64), "yuv420p"
    if turn := settings.get("turn"):
        track.set_display_rotation(turn)
    return track


def _pictures(av: Any, count: int, settings: dict[str, Any]) -> Any:
    for index in range(count):
        frame = smooth(index, settings.get("height", 48), settings.get("width", 64))
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture.pts = index + settings.get("late", 0)
        picture.time_base = 1 / settings.get("rate", RATE)
        yield picture


def _audio(target: Any, codec: str) -> Any:
    track = target.add_stream(codec, rate=48_000)
    track.layout = "mono"
    return track


def _tone(av: Any, seconds: float) -> Any:
    """A tone that begins at a quarter of a second, in blocks of 960 samples."""
    times = np.arange(round(seconds * 48_000)) / 48_000
    wave = np.where(times < 0.25, 0, np.sin(2 * np.pi * 440 * times)) * 0.5
    for place in range(0, len(wave), 960):
        frame = av.AudioFrame.from_ndarray(wave[None, place : place + 960].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, place, Fraction(1, 48_000)
        yield frame
