"""How far a game is from its data, measured while it is played: the same distances that ``sparring evaluate`` takes, on
fewer samples and in features that cost nothing to come by. Good for watching and choosing, not for comparing runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.game import Game, Networks, Side, mixed
from sparring.data.source import Source
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.score import Estimate, NotComputable
from sparring.metrics.sliced import sliced_wasserstein
from sparring.rooms import Room

SAMPLES = 1024
FITTED = 512  # real examples that features are fitted to
STREAM = 2  # sets these latents and this choice apart from every other use of the seed
Distance = Callable[[Tensor, Tensor, int], Mapping[str, Estimate]]
DISTANCES: tuple[Distance, ...] = (frechet, kernel_distance, sliced_wasserstein)


class Gauge:
    """Compares always the same 1,024 latents with always the same real examples, so that what changes is the game.

    Of a game with several sides each distance is the mean over them, told beside the sides' own.
    """

    def __init__(
        self, room: Room, game: Game, source: Source, members: np.ndarray, seed: int, device: torch.device
    ) -> None:
        self.seed = mixed(seed, STREAM)
        chosen = np.random.default_rng(self.seed).permutation(members)[: 8 * SAMPLES]
        batch = source.batch(chosen)
        self.sides = {
            name: SideGauge(room.part("metrics"), side, batch, self.seed, device) for name, side in game.sides().items()
        }

    def __call__(self, networks: Networks) -> Mapping[str, float]:
        """The distances that can be computed; none of samples that are not numbers."""
        each = {name: gauge(networks) for name, gauge in self.sides.items()}
        shared = set.intersection(*(set(taken) for taken in each.values()))
        means = {name: fmean(taken[name] for taken in each.values()) for name in sorted(shared)}
        if len(each) == 1:
            return means
        own = {f"{name} {side}": value for side, taken in each.items() for name, value in taken.items()}
        return {**means, **own}


class SideGauge:
    """The same for one side; ``batch`` holds real examples."""

    def __init__(self, room: Any, side: Side, batch: Mapping[str, Tensor], seed: int, device: torch.device) -> None:
        self.room, self.side, self.seed = room, side, seed
        parts = zip(*(torch.split(value, FITTED) for value in batch.values()), strict=True)
        some = (dict(zip(batch, part, strict=True)) for part in parts)  # not all at once as floating-point numbers
        real = torch.cat([room.as_measured(side.present(side.examples(part))) for part in some])
        self.features = room.quick_features(real[:FITTED], device)
        self.real = self.features(real)
        self.batch = {name: value[:SAMPLES].to(device) for name, value in batch.items()}

    def __call__(self, networks: Networks) -> Mapping[str, float]:
        """Its distances."""
        made = self.side.imitate(networks, self.batch, seed=self.seed)
        if not made.isfinite().all():
            return {}
        with torch.autocast(made.device.type, enabled=False):
            samples = self.features(self.room.as_measured(self.side.present(made)))
            return {name: value for distance in DISTANCES for name, value in self.taken(distance, samples).items()}

    def taken(self, distance: Distance, samples: Tensor) -> dict[str, float]:
        """One distance; nothing where there are too few examples for it."""
        try:
            return {name: found.value for name, found in distance(self.real, samples, self.seed).items()}
        except NotComputable:
            return {}
