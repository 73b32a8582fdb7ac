"""Videos in containers (MP4, MOV, MKV, WebM, AVI), read by PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparring.core.errors import UserError
from sparring.core.reading import reason
from sparring.media.films.film import LARGEST_FRAME, RATE, CutShort, Film, av, too_large

# A stranger's video must not make FFmpeg open playlists or addresses.
OPTIONS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi", "protocol_whitelist": "file"}
MOST = {"max_pixels": str(LARGEST_FRAME)}  # of a frame, for FFmpeg's decoders
SECOND = 1_000_000  # FFmpeg's unit of a container's duration
VPX = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
EBML = b"\x1a\x45\xdf\xa3"  # Matroska and WebM begin so
SEGMENT = b"\x18\x53\x80\x67"  # and all that matters is in this
UNKNOWN = (1 << 56) - 1  # size of a Matroska segment that was never finished, or streamed


def open_container(path: Path) -> Film:
    """The video in a container; its first frame is decoded. Raises :class:`UserError` when it cannot be."""
    with opened(path) as container:
        stream = _video(container, path)
        first = _first(container, stream, path)
        sound = any(track.codec_context is not None for track in container.streams.audio)
        height, width = turned(first).shape[:2]
        sideways = (first.height, first.width) != (height, width)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or RATE)
        start = first.pts * first.time_base if first.pts is not None else Fraction(0)
        count = stream.frames or _estimate(container, stream, rate)
    aspect = 1 / aspect if sideways else aspect
    film = Film(path, height, width, rate, count, sound, "container", lambda: _decode(path))
    return replace(film, start=start, pixel_aspect=aspect, transparent=has_alpha(first))


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """PyAV's container, closed on leaving. Raises :class:`UserError` when it cannot be opened, or without PyAV."""
    library = av(path)
    try:
        container = library.open(str(path.absolute()), options=MOST, container_options=OPTIONS)
    except (library.FFmpegError, OSError, ValueError) as problem:
        raise UserError(f"{path}: cannot be read as a video ({_why(path, problem)}); {_mend(path)}") from None
    with container:
        yield container


def turned(frame: Any) -> np.ndarray:
    """PyAV's frame as it is seen, turned by quarters: RGB uint8 ``(height, width, 3)``, RGBA ``(height, width, 4)``
    where it has an alpha channel."""
    pixels: np.ndarray = frame.to_ndarray(format="rgba" if has_alpha(frame) else "rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def has_alpha(frame: Any) -> bool:
    """Whether PyAV's frame has an alpha channel."""
    return any(component.is_alpha for component in frame.format.components)


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """The frames of a stream, PyAV's. FFmpeg's own decoders of VP8 and VP9 leave out the alpha channel, which is a
    stream beside the stream; where the file has one, it is decoded by libvpx."""
    library = av(path)
    alone = VPX.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    if alone not in library.codecs_available:
        yield from container.decode(stream)
        return
    decoder = library.CodecContext.create(alone, "r")
    decoder.options = MOST
    for packet in container.demux(stream):
        yield from decoder.decode(packet if packet.size else None)


def _decode(path: Path) -> Iterator[np.ndarray]:
    """Every frame; raises :class:`CutShort` when the file ends or breaks before its time."""
    library = av(path)
    with opened(path) as container:
        stream = _video(container, path)
        stream.thread_type = "AUTO"
        size: tuple[int, ...] | None = None
        try:
            for coded in _decoded(container, stream, path):
                frame = turned(coded)
                size = size or frame.shape
                if frame.shape != size:
                    raise CutShort(f"the size changes to {frame.shape[1]}x{frame.shape[0]}")
                yield frame
        except (library.FFmpegError, ValueError) as problem:
            raise CutShort(reason(problem)) from None
    if missing := missing_bytes(path):
        raise CutShort(f"the file ends {missing:,} bytes early")


def _video(container: Any, path: Path) -> Any:
    """The first stream of pictures that is no cover of a record. Raises :class:`UserError` without one, or where its
    pictures are too large."""
    covers = av(path).stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not streams:
        sound = "only sound" if container.streams.audio else "nothing to see"
        raise UserError(f"{path}: holds {sound}, no video; give one that does")
    if streams[0].codec_context is None:
        raise UserError(f"{path}: its video is coded in a way that is not known here; convert it to H.264")
    if why := too_large(streams[0].height, streams[0].width):
        raise UserError(f"{path}: {why}; make it smaller")
    streams[0].codec_context.options = MOST  # frames may be larger than the container says
    return streams[0]


def _first(container: Any, stream: Any, path: Path) -> Any:
    """The first frame. Raises :class:`UserError` where there is none that can be decoded."""
    library = av(path)
    try:
        first = next(_decoded(container, stream, path), None)
    except (library.FFmpegError, ValueError) as problem:
        why = "damaged" if stream.width else f"damaged, or its frames are more than {LARGEST_FRAME:,} pixels"
        raise UserError(f"{path}: {why}, no frame can be decoded ({reason(problem)}); {_mend(path)}") from None
    if first is None:
        raise UserError(f"{path}: holds no frames; {_mend(path)}")
    return first


def _estimate(container: Any, stream: Any, rate: Fraction) -> int | None:
    """How many frames the duration makes, where the file does not count them."""
    if stream.duration:
        return round(Fraction(stream.duration * stream.time_base) * rate)
    return round(Fraction(container.duration, SECOND) * rate) if container.duration else None


def _why(path: Path, problem: Exception) -> str:
    """Why a file cannot be opened, in a few words."""
    if path.stat().st_size == 0:
        return "empty: zero bytes"
    if isinstance(problem, EOFError):
        return "no frames in it"
    if lacks_index(path):
        return "no moov atom: the recording was not finished, or only a part was copied"
    return "damaged or of another kind" if "Invalid data" in str(problem) else reason(problem)


def _mend(path: Path) -> str:
    """What to do about a file that cannot be used."""
    return "copy or record it again" if path.stat().st_size == 0 or missing_bytes(path) else "give another video"


# What the outermost boxes of a file tell about its being whole, which decoders keep to themselves


def missing_bytes(path: Path) -> int:
    """How many bytes the file lacks, by what it says of itself: 0 when it is whole, or does not say."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == EBML:
            end = _segment_end(file)
        elif head[:4] == b"RIFF":
            end = int.from_bytes(head[4:8], "little") + 8
        else:
            end = max((start + size for _, start, size in _boxes(file)), default=0)
    return max(end - path.stat().st_size, 0)


def lacks_index(path: Path) -> bool:
    """Whether an MP4 or MOV has no whole ``moov`` box, without which nothing in it can be found."""
    length = path.stat().st_size
    with path.open("rb") as file:
        ends = {name: start + size for name, start, size in _boxes(file)}
    return b"ftyp" in ends and not 0 < ends.get(b"moov", 0) <= length


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size in bytes of each outermost box of an MP4; nothing for files of other kinds."""
    start, end = 0, file.seek(0, os.SEEK_END)
    while start + 8 <= end:
        file.seek(start)
        size, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if not name.isalnum():
            return
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        elif size == 0:  # up to the end of the file
            size = end - start
        if size < 8:
            return
        yield name, start, size
        start += size


def _segment_end(file: BinaryIO) -> int:
    """Where the segment of a Matroska file should end; 0 when it does not say."""
    file.seek(0)
    head = file.read(4096)
    start = head.find(SEGMENT)
    first = head[start + 4] if 0 <= start < len(head) - 12 else 0
    if not first:
        return 0
    length = 9 - first.bit_length()  # leading zeros tell how many bytes the number has
    size = int.from_bytes(head[start + 4 : start + 4 + length], "big") & ((1 << 7 * length) - 1)
    return 0 if size in (UNKNOWN, (1 << 7 * length) - 1) else start + 4 + length + size
