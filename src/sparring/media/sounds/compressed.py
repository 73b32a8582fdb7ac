"""Sounds in containers that soundfile does not know, M4A and AAC above all: decoded by PyAV, of the extra ``video``."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from sparring.core.install import PYAV
from sparring.core.reading import has_memory_for, reason, regular
from sparring.media.sounds.header import BadSound


def read_compressed(file: Path | bytes) -> tuple[np.ndarray, int]:
    """All samples of a file's first sound track, float32 ``(channels, frames)``, and their rate in hertz. Raises
    :class:`BadSound` for a file that gives none, and where PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise BadSound(f"is read by PyAV: {PYAV}, or convert it to WAV or FLAC") from None
    parts, rate, size = [], 0, 0
    try:
        content = io.BytesIO(file) if isinstance(file, bytes) else str(regular(file))
        with av.open(content, "r") as container:
            if not container.streams.audio:
                raise BadSound("holds no sound")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            for frame in container.decode(stream):
                for plain in resampler.resample(frame):
                    parts.append(plain.to_ndarray())
                    rate, size = plain.sample_rate, size + parts[-1].nbytes
                if not has_memory_for(2 * size):
                    raise BadSound("is longer than fits into memory; cut it into pieces")
    except BadSound:
        raise
    except Exception as problem:  # a broken file may trip the library up in any way at all
        raise BadSound(f"cannot be read as a sound ({reason(problem)})") from None
    if not size:
        raise BadSound("holds no sound")
    return np.concatenate(parts, 1).astype(np.float32), rate
