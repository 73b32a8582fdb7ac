"""Where decoded frames are kept: in memory, and beyond a limit in a temporary file that nobody else sees."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

import numpy as np

from sparring.core.errors import UserError
from sparring.core.reading import reason


class FrameStore:
    """Shots ``(frames, channels, height, width)`` of bytes by number, ``limit`` bytes of them in memory.

    What does not fit is written into a file that has no name, which goes with the process, and is read through the
    system's memory of files: no frame is ever decoded twice, and training does not wait.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.held, self.written = limit, 0, 0
        self.shots: list[np.ndarray | tuple[int, tuple[int, ...]]] = []
        self.file: BinaryIO | None = None

    def __len__(self) -> int:
        return len(self.shots)

    def add(self, shot: np.ndarray) -> None:
        """Keep a shot. Raises :class:`UserError` where the disk is full."""
        if self.held + shot.nbytes <= self.limit:
            self.shots.append(shot)
            self.held += shot.nbytes
            return
        try:
            if self.file is None:
                self.file = cast(BinaryIO, tempfile.TemporaryFile(prefix="sparring-"))  # noqa: SIM115
            self.file.write(np.ascontiguousarray(shot).data)
            self.file.flush()
        except OSError as problem:
            raise UserError(
                f"{tempfile.gettempdir()}: frames that cache_mb has no space for cannot be written there "
                f"({reason(problem)}, after {self.written + self.held:,} bytes); set TMPDIR to a larger place, raise "
                "cache_mb, or take fewer by --every"
            ) from None
        self.shots.append((self.written, shot.shape))
        self.written += shot.nbytes

    def clip(self, number: int, start: int, frames: int) -> np.ndarray:
        """``frames`` frames of a shot from ``start`` on, ``(frames, channels, height, width)``; where it has fewer, it
        begins again."""
        shot = self.shots[number]
        if isinstance(shot, tuple):
            assert self.file is not None
            begin, shape = shot
            shot = np.memmap(self.file, np.uint8, "r", begin, shape)
            return np.array(frames_from(shot, start, frames))  # a copy: what is mapped holds a file open
        return frames_from(shot, start, frames)


def frames_from(shot: np.ndarray, start: int, frames: int) -> np.ndarray:
    """Frames ``(frames, ...)`` of a shot ``(length, ...)`` from ``start`` on; where it has fewer, it begins again."""
    clip = shot[start : start + frames]
    return clip if len(clip) == frames else shot[np.arange(start, start + frames) % len(shot)]
