"""What can be shown: artifacts, and how the examples of a preview lie. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Artifact:
    """One thing that can be shown anywhere: a caption, a media type (``image/png``, ``image/svg+xml``, ``audio/wav``,
    ``video/mp4``, ``text/plain``) and the bytes of its file; ``name`` is what that file is called, where it matters;
    ``picture`` is a PNG that a sound is shown by, empty where there is none."""

    caption: str
    media_type: str
    data: bytes
    name: str = ""
    picture: bytes = b""

    @property
    def ending(self) -> str:
        """The ending of a file that holds it, ``.png``."""
        return ENDINGS[self.media_type]


@dataclass(frozen=True)
class Layout:
    """How the examples of a preview lie: ``count`` of them, ``across`` in a row (None: as many as make it square). Of
    so many ``classes`` each column holds one label, the labels in turn; 0 where columns stand for nothing."""

    count: int
    across: int | None = None
    classes: int = 0

    def names(self, labels: Sequence[str]) -> list[str]:
        """The label of each column; empty where columns stand for nothing."""
        return [labels[column % self.classes] for column in range(self.across or 0)] if self.classes else []

    def places(self, labels: Sequence[int]) -> list[int]:
        """For each place of the preview the number of a real example with the label of its column, each example once,
        given the label of every example; -1 where none is left."""
        left = {label: [row for row, its in enumerate(labels) if its == label] for label in range(self.classes)}
        return [left[place % self.classes].pop(0) if left[place % self.classes] else -1 for place in range(self.count)]

    def arranged(self, examples: Tensor, batch: Mapping[str, Tensor], blank: float) -> Tensor:
        """The first of real examples ``(n, ...)``, of a ``batch`` with ``labels`` ``(n,)`` where columns stand for
        these, as they lie in the preview; ``blank`` all over where none is left."""
        if not self.classes:
            return examples[: self.count]
        places = self.places(batch["labels"].tolist())
        arranged = examples[places]
        arranged[[place < 0 for place in places]] = blank
        return arranged


def in_columns(classes: int, count: int, across: int) -> Layout:
    """About ``count`` examples, about ``across`` in a row, each column of one label; where there are no labels, or far
    more of them than that, examples lie as they come."""
    if not 1 <= classes <= 2 * across:
        return Layout(count)
    wide = classes * max(1, round(across / classes))
    return Layout(wide * max(1, round(count / wide)), wide, classes)


ENDINGS = {
    "image/png": ".png", "image/svg+xml": ".svg", "image/webp": ".webp", "image/gif": ".gif", "audio/wav": ".wav",
    "audio/flac": ".flac", "audio/mpeg": ".mp3", "video/mp4": ".mp4", "video/webm": ".webm", "text/plain": ".txt",
}  # fmt: skip
"""The media types of artifacts, and the endings of their files."""
