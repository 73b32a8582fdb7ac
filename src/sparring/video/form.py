"""What every clip is brought to: the one size, length and rate that a game is played in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sparring.data.source import Form
from sparring.images.options import SIDE
from sparring.video.options import FRAMES, RATE


@dataclass(frozen=True, kw_only=True)
class VideoForm(Form):
    """Clips of so many ``frames`` of ``height`` x ``width`` pixels with 1 (grey) or 3 (colour) ``channels``.

    ``rate`` is how many of these frames make a second: that of the videos, divided by ``every``. Clips are
    ``timed`` where each has a beginning and an end, and both players are told where between them a frame is. They have
    ``hard_edges`` where no pixel mixes two colours; then none of a sample mixes a layer with what is behind it.
    They are made of layers where they are ``layered``, as what moves in them keeps its form or as it was asked for.
    """

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "height": SIDE, "width": SIDE, "channels": (1, 3), "frames": FRAMES, "rate": RATE,
    }  # fmt: skip

    height: int
    width: int
    channels: int = 3
    frames: int
    rate: float
    timed: bool = False
    hard_edges: bool = False
    layered: bool = field(default=False, compare=False)  # decided by the recipe, once a run has begun

    def described(self) -> str:
        """The form in a few words: ``16 frames of 64x64, colour, 12.5 a second, 2 labels``."""
        colour = "grey" if self.channels == 1 else "colour"
        labels = f", {len(self.labels)} labels" if self.labels else ""
        timed = ", from beginning to end" if self.timed else ""
        layered = ", in layers" if self.layered else ""
        edges = ", hard edges" if self.hard_edges else ""
        size = f"{self.frames} frames of {self.height}x{self.width}"
        return f"{size}, {colour}, {self.rate:.4g} a second{timed}{layered}{edges}{labels}"

    def differs(self, other: Form) -> str:
        """What of clips of ``other`` is not as here, in one line; empty where nothing differs. The rate may differ: it
        is what clips are written with, and no network sees it. So may whether they are timed and have hard edges or
        are layered: the model's own form tells it."""
        if not isinstance(other, VideoForm):
            return "no videos"
        pairs: dict[str, tuple[Any, Any]] = {
            "size": (f"{self.height}x{self.width}", f"{other.height}x{other.width}"),
            "channels": (self.channels, other.channels),
            "frames": (self.frames, other.frames),
            "labels": (self.labels, other.labels),
        }
        for name, (own, theirs) in pairs.items():
            if own != theirs:
                return f"{name} {theirs} instead of {own}"
        return ""
