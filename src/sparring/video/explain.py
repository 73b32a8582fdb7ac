"""Where a judge looked in a clip: the frames that it sees, side by side, and maps of them."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn.functional import pad

from sparring.images.features.pixels import rgb
from sparring.kind import Artifact, Explainer, LogOdds
from sparring.media.pictures.maps import beside
from sparring.media.pictures.notes import as_png
from sparring.media.pictures.sheets import channels_last, to_bytes
from sparring.probability.explain import Patch, maps_of, patches_of, side_of
from sparring.video.features.learning import small

GAP = 187  # the grey between two frames, as that of the frame around them


def explainer(log_odds: LogOdds) -> Explainer:
    """What draws the maps of clips ``(frames, channels, height, width)`` in [-1, 1], and the nearest training clip: of
    the frames that the judge looks at, as small as it sees them. What is hidden is hidden in one frame, which
    changes how this differs from the one before and the next."""

    def draw(example: Tensor, nearest: Tensor) -> Artifact:
        clip, beside_it = (small(each[None])[0] for each in (example, nearest))
        frames, _, height, width = clip.shape
        patches: list[Patch] = [
            (slice(frame, frame + 1), slice(None), *patch)
            for frame in range(frames)
            for patch in patches_of(height, width)
        ]
        side = side_of(height, width)
        maps = maps_of(log_odds, clip, beside_it, patches)
        caption = maps.caption(log_odds.name, f"patches of {side}x{side} pixels of one frame")
        pictures = {
            "frames": strip(rgb(to_bytes(clip)), GAP),
            "nearest training clip": strip(rgb(to_bytes(beside_it)), GAP),
        }
        panels = {
            "occlusion": strip(maps.occluded[:, :1])[..., 0],
            "integrated gradients": strip(maps.gradients.sum(1, keepdim=True))[..., 0],
        }
        return Artifact(caption, "image/png", as_png(beside(pictures, panels, caption)))

    return draw


def strip(frames: Tensor, between: int = 0) -> np.ndarray:
    """Frames ``(frames, channels, height, width)`` beside each other with a pixel of that value between two,
    ``(height, all their widths, channels)``."""
    pixels = channels_last(pad(frames, (0, 1), value=between))
    return np.concatenate(list(pixels), axis=1)[:, :-1]
