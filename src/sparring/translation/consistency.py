"""A video translated to be temporally consistent: what moved along is kept, only what is new is translated anew.

Translated frame by frame a video flickers, for two reasons. The statistics of instance norms change with what is in
the picture: here they are held, and follow slowly. And small changes of a pixel are large ones of its translation:
here each frame is blended with the one before it, moved along with the video (the optical flow of the originals),
wherever that is sure to show the same thing. At a cut everything begins anew; where something fills the picture for a
moment nothing does, and the statistics rest meanwhile, or the background would change its colours with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import numpy as np

from sparring.media.films.flow import CUT, flow, grey, is_cut, occluded, scene_change, warped
from sparring.translation.networks.normalise import follow, held
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.tiling import translate_picture

FOLLOWED = 0.05  # of the way to each frame's own statistics
KEPT = 0.9  # of the frame before, where it surely shows the same
AHEAD = 6  # frames that something may fill the picture for, without being a scene
DOUBT = 20.0  # how fast that falls with the difference of the originals, a mean over colours in [0, 1]


class ConsistentTranslation:
    """Translates the frames of one video, which are given to :meth:`frame` in order."""

    def __init__(self, translator: ResnetTranslator) -> None:
        self.translator = translator
        self.scene: AbstractContextManager[None] | None = None
        self.original: np.ndarray | None = None
        self.made = np.empty(0, np.float32)
        self.known: np.ndarray | None = None  # the frame before a sudden change
        self.unsure = 0  # frames for which it is remembered

    def frame(self, original: np.ndarray, later: Callable[[], Iterable[np.ndarray]] = tuple) -> np.ndarray:
        """The translation of the next frame, both uint8 ``(height, width, channels)``; ``later`` gives some frames
        after it, ``AHEAD`` will do, which tell a cut from what fills the picture for a moment."""
        before = self.original
        if before is None or self.is_new(before, original, later):
            self.begin()
            self.made = translate_picture(self.translator, original).astype(np.float32)
        else:
            follow(self.translator, 0.0 if self.unsure else FOLLOWED)
            new = translate_picture(self.translator, original).astype(np.float32)
            self.made = self.blended(before, original, new)
        self.original = original
        shown: np.ndarray = np.rint(self.made.clip(0, 255)).astype(np.uint8)
        return shown

    def is_new(self, before: np.ndarray, original: np.ndarray, later: Callable[[], Iterable[np.ndarray]]) -> bool:
        """Whether a new scene begins with ``original``: a cut after which nothing ``later`` shows the old one again.
        All frames are uint8 ``(height, width, channels)``."""
        self.unsure = max(self.unsure - 1, 0)
        known = self.known if self.unsure and self.known is not None else before
        if scene_change(colours(before), colours(original)) <= CUT:
            return False
        if is_cut(colours(before), colours(original)) and all(
            is_cut(colours(known), colours(each)) for each in (original, *later())
        ):
            return True
        self.known, self.unsure = known, AHEAD
        return False

    def blended(self, before: np.ndarray, original: np.ndarray, new: np.ndarray) -> np.ndarray:
        """The ``new`` translation of ``original`` blended with the last one, of ``before``, moved along; all
        ``(height, width, channels)``, in [0, 255], the result float32."""
        one, other = colours(before), colours(original)
        earlier, later = grey(one), grey(other)
        back = flow(earlier, later)
        hidden = occluded(back, flow(later, earlier))
        change = np.abs(warped(one, back).astype(np.float32) - other).mean(2) / 255
        share = KEPT * np.exp(-DOUBT * change) * ~hidden
        moved = warped(self.made, back, cubic=True).reshape(new.shape)
        blend: np.ndarray = new + share[..., None].astype(np.float32) * (moved - new)
        return blend

    def begin(self) -> None:
        """Begin a new scene, with statistics of its own."""
        self.end()
        self.unsure = 0
        self.scene = held(self.translator)
        self.scene.__enter__()
        follow(self.translator, FOLLOWED)

    def end(self) -> None:
        """Give the translator back as it was."""
        if self.scene:
            self.scene.__exit__(None, None, None)
        self.scene = None


def colours(frame: np.ndarray) -> np.ndarray:
    """A frame ``(height, width, channels)`` of one channel or three with three channels, for the flow."""
    return frame if frame.shape[2] == 3 else frame.repeat(3, axis=2)
