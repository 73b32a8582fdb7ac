"""What every sound is brought to: the one rate, length and number of channels that a game is played in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sparring.audio.options import CHANNELS, RATES, SAMPLES
from sparring.data.source import Form

FULL = 32767.0  # what 16 bits hold of amplitude 1


@dataclass(frozen=True, kw_only=True)
class AudioForm(Form):
    """Sounds of so many ``samples`` at ``rate`` hertz with one or two ``channels``.

    ``loudness`` is the policy that they were brought to a level by, ``level`` or ``keep`` (see docs/audio.md).
    """

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"rate": RATES, "samples": SAMPLES, "channels": CHANNELS}

    rate: int
    samples: int
    channels: int = 1
    loudness: str = "level"

    @property
    def seconds(self) -> float:
        """How long a sound is."""
        return self.samples / self.rate

    def described(self) -> str:
        """The form in a few words: ``0.66 seconds at 8,000 Hz, mono, 10 labels``."""
        channels = "mono" if self.channels == 1 else "stereo"
        labels = f", {len(self.labels)} labels" if self.labels else ""
        return f"{self.seconds:.4g} seconds at {self.rate:,} Hz, {channels}{labels}"

    def differs(self, other: Form) -> str:
        """What of sounds of ``other`` is not as here, in one line; empty where nothing differs."""
        if not isinstance(other, AudioForm):
            return "no sounds"
        pairs: dict[str, tuple[Any, Any]] = {
            "rate": (self.rate, other.rate),
            "seconds": (f"{self.seconds:.4g}", f"{other.seconds:.4g}"),
            "channels": (self.channels, other.channels),
            "loudness": (self.loudness, other.loudness),
            "labels": (self.labels, other.labels),
        }
        for name, (own, theirs) in pairs.items():
            if own != theirs:
                return f"{name} {theirs} instead of {own}"
        return "" if self.samples == other.samples else f"{other.samples} samples instead of {self.samples}"
