"""Films in containers (MP4, MOV, MKV, WebM, AVI), read by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import UserError
from sparring.media.films.damage import lacks_index, missing_bytes
from sparring.media.films.extra import av
from sparring.media.films.film import RATE, CutShort, Film, one_line

# A film from a stranger must not make FFmpeg open playlists or addresses.
OPTIONS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi", "protocol_whitelist": "file"}
SECOND = 1_000_000  # FFmpeg's unit of a container's duration


def open_container(path: Path) -> Film:
    """The film in a container; its first frame is decoded. Raises :class:`UserError` when it cannot be."""
    with opened(path) as container:
        stream = _video(container, path)
        first = _first(container, stream, path)
        sound = any(each.codec_context is not None for each in container.streams.audio)
        height, width = turned(first).shape[:2]
        sideways = (first.height, first.width) != (height, width)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or RATE)
        start = first.pts * first.time_base if first.pts is not None else Fraction(0)
        count = stream.frames or _estimate(container, stream, rate)
    aspect = 1 / aspect if sideways else aspect
    return Film(
        path, height, width, rate, count, sound, "container", lambda: _decode(path), start=start, pixel_aspect=aspect
    )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """PyAV's container. Raises :class:`UserError` when it cannot be opened, or PyAV is not there."""
    library = av(path)
    try:
        container = library.open(str(path.absolute()), container_options=OPTIONS)
    except (library.FFmpegError, OSError, ValueError) as problem:
        raise UserError(f"{path}: cannot be read as a film ({_why(path, problem)}); {_mend(path)}") from None
    with container:
        yield container


def turned(frame: Any) -> np.ndarray:
    """PyAV's frame as seen: RGB uint8 ``(height, width, 3)``, in quarter turns."""
    pixels: np.ndarray = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def _decode(path: Path) -> Iterator[np.ndarray]:
    """Every frame; raises :class:`CutShort` when the file ends or breaks before its time."""
    library = av(path)
    with opened(path) as container:
        stream = _video(container, path)
        stream.thread_type = "AUTO"
        size: tuple[int, ...] | None = None
        try:
            for coded in container.decode(stream):
                frame = turned(coded)
                size = size or frame.shape
                if frame.shape != size:
                    raise CutShort(f"the size changes to {frame.shape[1]}x{frame.shape[0]}")
                yield frame
        except (library.FFmpegError, ValueError) as problem:
            raise CutShort(one_line(problem)) from None
    if missing := missing_bytes(path):
        raise CutShort(f"the file ends {missing:,} bytes early")


def _video(container: Any, path: Path) -> Any:
    """The first stream of pictures that is no cover of a record."""
    covers = av(path).stream.Disposition.attached_pic
    streams = [each for each in container.streams.video if not each.disposition & covers]
    if not streams:
        sound = "only sound" if container.streams.audio else "nothing to see"
        raise UserError(f"{path}: holds {sound}, no video; give a film")
    if streams[0].codec_context is None:
        raise UserError(f"{path}: its video is coded in a way that is not known here; convert it to H.264")
    return streams[0]


def _first(container: Any, stream: Any, path: Path) -> Any:
    library = av(path)
    try:
        first = next(container.decode(stream), None)
    except (library.FFmpegError, ValueError) as problem:
        raise UserError(f"{path}: damaged, no frame can be decoded ({one_line(problem)}); {_mend(path)}") from None
    if first is None:
        raise UserError(f"{path}: holds no frames; {_mend(path)}")
    return first


def _estimate(container: Any, stream: Any, rate: Fraction) -> int | None:
    """Frames by the duration, where the file does not count them."""
    if stream.duration:
        return round(Fraction(stream.duration * stream.time_base) * rate)
    return round(Fraction(container.duration, SECOND) * rate) if container.duration else None


def _why(path: Path, problem: Exception) -> str:
    if path.stat().st_size == 0:
        return "empty: zero bytes"
    if isinstance(problem, EOFError):
        return "no frames in it"
    if lacks_index(path):
        return "no moov atom: the recording was not finished, or only a part was copied"
    return "damaged or of another kind" if "Invalid data" in str(problem) else one_line(problem)


def _mend(path: Path) -> str:
    return "copy or record it again" if path.stat().st_size == 0 or missing_bytes(path) else "give another film"
