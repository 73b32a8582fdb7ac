"""Videos into containers, by PyAV: frame after frame, with the sound of the video they come from."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import UserError
from sparring.core.reading import reason
from sparring.media.films.film import Film, av, on_white
from sparring.media.films.sound import Sound
from sparring.media.pictures.notes import compact

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
H264 = ("libx264", {"crf": "17"})
CODECS = {  # H.264 elsewhere
    ".webm": ("libvpx-vp9", {"crf": "20", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}),
    ".avi": ("mpeg4", {"qmin": "2", "qmax": "3"}),
}
TRANSPARENT = {
    ".webm": (*CODECS[".webm"], "yuva420p"),
    ".mkv": (*CODECS[".webm"], "yuva420p"),
    ".mov": ("prores_ks", {"profile": "4444", "vendor": "apl0"}, "yuva444p10le"),
}  # what keeps an alpha channel, with its pixels
FINEST = 65_535  # parts of a second that MPEG-4 counts in at most
BT709 = 1  # FFmpeg's number of the matrix, the primaries and the curve of HD television
BT601 = 5  # and of older television: what players assume of MPEG-4, which has no place to tell
NARROW = 1  # FFmpeg's number of the range 16 to 235
WIDE = 2  # and of 0 to 255


LOST = "its transparency is lost, shown on white; .webm, .mkv, .mov, .webp, .apng and folders of frames keep it"


class Encoder:
    """Writes a container at ``temporary``, to be called ``path``; errors name ``path``.

    ``notes`` tells of what could not be kept. Raises :class:`UserError` when it cannot be made, or without PyAV.
    """

    def __init__(self, temporary: Path, path: Path, like: Film, height: int, width: int) -> None:
        self._library = av(path)
        self._path, self._count, self.notes = path, 0, list[str]()
        ending = path.suffix.lower()
        self._rate = _rate(like.rate, ending)
        self._matrix = BT601 if ending == ".avi" else BT709
        options = {"movflags": "+faststart"} if FORMATS[ending] in ("mp4", "mov") else {}
        self._sound: Sound | None = None
        try:
            self._target = self._library.open(str(temporary.absolute()), "w", format=FORMATS[ending], options=options)
        except self._library.FFmpegError as problem:
            raise self._as_user_error(problem) from None
        try:
            self._transparent = like.transparent and ending in TRANSPARENT
            self._stream = self._track(ending, height, width, like.pixel_aspect)
            if like.note:
                self._target.metadata["comment"] = compact(like.note)
            self._sound = Sound(self._target, like, ending) if like.sound else None
        except BaseException:
            self.close()
            raise

    def add(self, frame: np.ndarray) -> None:
        """Take the next frame, RGB or RGBA uint8 ``(height, width, 3 or 4)``. Raises :class:`UserError` on a full
        disk."""
        pixel_format = self._stream.pix_fmt
        if frame.shape[2] == 4 and not self._transparent:
            if frame[..., 3].min() < 255 and LOST not in self.notes:
                self.notes.append(LOST)
            frame = on_white(frame)
        layers = "rgb24" if frame.shape[2] == 3 else "rgba"
        picture = self._library.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=layers)
        try:
            picture = picture.reformat(
                format=pixel_format, src_color_range=WIDE, dst_color_range=NARROW, dst_colorspace=self._matrix
            )
            picture.pts, picture.time_base = self._count, 1 / self._rate
            self._target.mux(self._stream.encode(picture))
            self._count += 1
            if self._sound:
                self._sound.until(float(self._count / self._rate))
        except self._library.FFmpegError as problem:
            raise self._as_user_error(problem) from None

    def finish(self) -> None:
        """Write what is still to be written. Raises :class:`UserError` when it cannot be."""
        try:
            self._target.mux(self._stream.encode(None))
            if self._sound:
                self._sound.rest()
                self.notes += self._sound.notes
            self._target.close()
        except self._library.FFmpegError as problem:
            raise self._as_user_error(problem) from None

    def close(self) -> None:
        """Let go of all files, finished or not."""
        if self._sound:
            self._sound.close()
        with suppress(self._library.FFmpegError):  # a video without a beginning takes no end; it is thrown away
            self._target.close()

    def _track(self, ending: str, height: int, width: int, aspect: Fraction) -> Any:
        """A stream of pictures, coded as the ending wants it. Raises :class:`UserError` without that codec."""
        codec, options, *pixels = TRANSPARENT[ending] if self._transparent else CODECS.get(ending, H264)
        try:
            stream = self._target.add_stream(codec, rate=self._rate, options=options)
        except (self._library.FFmpegError, ValueError):  # builds of FFmpeg differ
            raise UserError(f"{self._path}: this PyAV cannot encode {codec}; choose another ending") from None
        whole = codec != "libx264" or height % 2 == width % 2 == 0
        stream.height, stream.width, stream.pix_fmt = height, width, *(pixels or ["yuv420p" if whole else "yuv444p"])
        if not whole:
            self.notes.append(f"{width}x{height} is odd: kept by full colour (4:4:4), which some players cannot show")
        context = stream.codec_context
        context.sample_aspect_ratio = aspect
        if codec == "mpeg4":
            context.bit_rate = 8 * height * width * round(self._rate + 1)  # no limit but the quality's
        else:
            context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = NARROW
        return stream

    def _as_user_error(self, problem: Exception) -> UserError:
        """FFmpeg's error in one line that names the file."""
        mend = "free some space or choose another place" if isinstance(problem, OSError) else "choose another ending"
        return UserError(f"{self._path}: cannot be written ({reason(problem)}); {mend}")


def _rate(rate: Fraction, ending: str) -> Fraction:
    """The nearest rate that files of that ending can tell, frames per second."""
    return 1 / (1 / rate).limit_denominator(FINEST) if ending == ".avi" else rate
