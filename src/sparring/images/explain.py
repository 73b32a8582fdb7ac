"""Where a judge looked in a picture: the picture, and beside it maps of what raises and lowers its log odds."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sparring.images.features.pixels import rgb
from sparring.kind import Artifact, Explainer, LogOdds
from sparring.media.pictures.maps import beside
from sparring.media.pictures.notes import as_png
from sparring.media.pictures.sheets import channels_last
from sparring.probability.explain import maps_of, patches_of, side_of


def explainer(log_odds: LogOdds) -> Explainer:
    """What draws the maps of bytes ``(channels, height, width)``, and the nearest training picture."""

    def draw(example: Tensor, nearest: Tensor) -> Artifact:
        height, width = example.shape[1:]
        side = side_of(height, width)
        maps = maps_of(log_odds, example.float(), nearest.float(), patches_of(height, width))
        caption = maps.caption(log_odds.name, f"patches of {side}x{side} pixels")
        pictures = {"picture": shown(example), "nearest training picture": shown(nearest)}
        panels = {"occlusion": maps.occluded[0].numpy(), "integrated gradients": maps.gradients.sum(0).numpy()}
        return Artifact(caption, "image/png", as_png(beside(pictures, panels, caption)))

    return draw


def shown(picture: Tensor) -> np.ndarray:
    """Bytes ``(channels, height, width)`` in colour, ``(height, width, 3)``."""
    pixels: np.ndarray = channels_last(rgb(picture[None].cpu()))[0]
    return pixels
