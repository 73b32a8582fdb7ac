"""What is known of a sound file before it is decoded, and of which files there can be no sound."""

from __future__ import annotations

from dataclasses import dataclass

from sparring.data.source import BadContent

RATES = (1000, 768_000)  # hertz that a file may have
MOST_CHANNELS = 32
MOST_FRAMES = 1 << 40


class BadSound(BadContent):
    """A file that gives no sound; the message is the reason, in one line."""


@dataclass(frozen=True)
class Header:
    """What is known of a sound before any of it is decoded; ``frames`` are samples of each channel."""

    rate: int
    channels: int
    frames: int
    coded: str
    """How samples are coded, in the library's words: ``PCM_16``, ``VORBIS``, ..."""

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return self.frames / self.rate


def checked(header: Header) -> Header:
    """The header, if there can be such a sound. Raises :class:`BadSound` where there cannot."""
    if not RATES[0] <= header.rate <= RATES[1]:
        raise BadSound(f"has a rate of {header.rate:,} Hz, which is none of a sound")
    if not 1 <= header.channels <= MOST_CHANNELS:
        raise BadSound(f"has {header.channels:,} channels, more than {MOST_CHANNELS}")
    if header.frames <= 0:
        raise BadSound("is empty: it holds no samples")
    if header.frames >= MOST_FRAMES:
        raise BadSound("does not say how long it is; write it anew with a program that does")
    return header
