"""What only generated clips can suffer from, and is warned of while training: they freeze, flicker, all move or look
alike, or drift away after the length that was learned."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from sparring.core.health import Limit
from sparring.metrics.score import NotComputable
from sparring.video.metrics import AT_ONCE, changes, flickering_above, still_below, unrest

RESTLESS = 2.0  # times the change of real clips, from which on where it is says nothing of motion
CELLS = 4  # a side, of the grid that motion and what is seen are described on

LIMITS = {
    "frozen": Limit(0.25, "frozen: {:.0%} more of the samples than of real clips hardly move. Train on, or raise "
                          "--motion-latent"),
    "flicker": Limit(0.25, "flicker: the mean colour of {:.0%} of the samples goes to and fro more than in 99 % of "
                           "real clips. Train on, or add --frame-discriminator"),
    "same motion": Limit(0.7, "same motion: {:.0%} of the variety of motion is missing in samples. Raise --r1 and "
                              "--r2, or --motion-latent"),
    "same content": Limit(0.7, "same content: {:.0%} of the variety of what is seen is missing in samples. Raise --r1 "
                               "and --r2"),
    "drift": Limit(0.5, "drift: samples four times as long end {:.0%} as far from how they began as two of them are "
                        "from each other. Train on, or raise --reach"),
}  # fmt: skip
"""What is warned of while training, where it lasts."""


def motion_maps(clips: Tensor) -> Tensor:
    """Where and when each of clips ``(n, frames, channels, height, width)`` changes, ``(n, (frames - 1) * cells)``, of
    all its change."""
    parts = [adaptive_avg_pool2d(part.diff(dim=1).abs_().mean(2), CELLS) for part in torch.split(clips, AT_ONCE)]
    maps = torch.cat(parts).flatten(1)
    return maps / maps.sum(1, keepdim=True).clamp(min=1e-9)


def health(samples: Tensor, real: Tensor) -> dict[str, float]:
    """Shares of frozen and flickering samples beyond those of real clips, and how much of the variety of motion and of
    what is seen is missing; of ``(n, frames, channels, height, width)`` each. Nothing where real clips do not move."""
    try:
        still = still_below(real)
    except NotComputable:
        return {}
    frozen = [float((changes(each).mean(1) < still).float().mean()) for each in (samples, real)]
    restless = float(changes(samples).mean()) > RESTLESS * float(changes(real).mean())  # noise changes everywhere
    moved = [variety(motion_maps(each)) for each in (samples, real)]
    seen = [variety(adaptive_avg_pool2d(each.mean(1), CELLS)) for each in (samples, real)]
    return {
        "frozen": frozen[0] - frozen[1],
        "flicker": float((unrest(samples) > flickering_above(real)).float().mean()),
        "same motion": 0.0 if restless else 1 - moved[0] / max(moved[1], 1e-12),
        "same content": 1 - seen[0] / max(seen[1], 1e-12),
    }


def variety(descriptions: Tensor) -> float:
    """The mean standard deviation of descriptions ``(n, ...)`` of clips."""
    return float(descriptions.std(0, correction=0).mean())


def drift(clips: Tensor, window: int) -> float:
    """How far the mean colour of the last ``window`` frames of clips ``(n, frames, channels, height, width)`` is from
    that of the first, over how far the first of two clips are from each other: means over clips and pairs of them."""
    first, last = (clips[:, part].mean((1, 3, 4)) for part in (slice(window), slice(-window, None)))
    between = torch.cdist(first, first).sum() / (len(first) * (len(first) - 1))
    return float((first - last).norm(dim=1).mean() / between.clamp(min=1e-12))
