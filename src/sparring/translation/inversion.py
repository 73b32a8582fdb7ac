"""Light and dark swapped: the trap that unpaired translation falls into in its first minutes and never leaves.

Noticed by the correlation of luminance between a picture and its translation. Where one domain is itself more like the
negative of the other (ink on white paper, neon on a dark wall), a swap is right and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

EARLY = 40_000  # examples: later the players would have to unlearn too much, and an early swap has long been noticed
SWAPPED = -0.3  # correlation
LASTING = 4  # looks in a row
MOST = 3  # new beginnings


def luminance_correlation(pictures: Tensor, others: Tensor) -> Tensor:
    """The mean correlation of luminance in pictures ``(n, channels, height, width)`` and their counterparts in
    ``others``, of that shape: a scalar in [-1, 1]."""
    one, other = (luminance(images).flatten(1) for images in (pictures, others))
    one, other = one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True)
    return ((one * other).mean(1) / (one.std(1, correction=0) * other.std(1, correction=0)).clamp(min=1e-4)).mean()


def luminance(pictures: Tensor) -> Tensor:
    """The mean over colours of ``(n, channels, height, width)``, without transparency: float32 ``(n, height,
    width)``."""
    return pictures[:, :3].float().mean(1)


def upright(a: Tensor, b: Tensor) -> bool:
    """Whether light should stay light between two domains, uint8 ``(n, channels, height, width)``: whether the
    luminances of one are nearer to the other's (by the 1-Wasserstein distance) than those of its negative are."""
    levels = torch.linspace(0, 1, 256)
    one, other = (torch.quantile(thinned(luminance(domain).flatten()), levels) for domain in (a, b))
    return bool((one - other).abs().mean() <= ((255 - one).flip(0) - other).abs().mean())


def thinned(values: Tensor, most: int = 1_000_000) -> Tensor:
    """At most ``most`` of ``values`` ``(n,)``, evenly spaced: ``torch.quantile`` takes no more than 16 million."""
    return values[:: -(-len(values) // most)]


class Inversion:
    """Watches the correlations that a game reports, one for each direction, where light should stay ``upright``."""

    def __init__(self, upright: bool) -> None:
        self.upright = upright
        self.looks = self.seen = self.restarts = 0

    def noticed(self, means: Mapping[str, float], examples: int) -> str:
        """The direction in which light and dark have been swapped for long enough, else nothing; ``means`` are those of
        what was reported over the last ``examples`` examples."""
        self.seen += examples
        if not self.upright or self.seen > EARLY or self.restarts >= MOST:
            return ""
        correlations = {name: value for name, value in means.items() if name.startswith("luminance/")}
        worst = min(correlations, key=lambda name: correlations[name], default="")
        self.looks = self.looks + 1 if worst and correlations[worst] < SWAPPED else 0
        if self.looks < LASTING:
            return ""
        self.looks = self.seen = 0
        self.restarts += 1
        return worst.removeprefix("luminance/")

    def state(self) -> dict[str, float]:
        """What was counted so far, for a checkpoint."""
        return {"looks": self.looks, "seen": self.seen, "restarts": self.restarts}

    def load(self, state: Mapping[str, float | Tensor]) -> None:
        """Take back the numbers that :meth:`state` gave, no tensors ``(...)`` among them."""
        self.looks, self.seen, self.restarts = (int(state[name]) for name in ("looks", "seen", "restarts"))
