"""How far a game is from its data, measured while it is played: the same distances that ``sparring evaluate`` takes, on
fewer samples and in features that cost nothing to come by. Good for watching and choosing, not for comparing runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from sparring.core.game import Game, Networks, mixed
from sparring.data.source import Source
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.score import Estimate, NotComputable
from sparring.metrics.sliced import sliced_wasserstein
from sparring.rooms import Room

SAMPLES = 1024
STREAM = 2  # sets these latents and this choice apart from every other use of the seed
Distance = Callable[[Tensor, Tensor, int], Mapping[str, Estimate]]
DISTANCES: tuple[Distance, ...] = (frechet, kernel_distance, sliced_wasserstein)


class Gauge:
    """Compares always the same 1,024 latents with always the same real examples, so that what changes is the game."""

    def __init__(
        self, room: Room, game: Game, source: Source, members: np.ndarray, seed: int, device: torch.device
    ) -> None:
        self.room, self.game, self.device = room.part("metrics"), game, device
        self.seed = mixed(seed, STREAM)
        chosen = np.random.default_rng(self.seed).permutation(members)[: 8 * SAMPLES]
        self.features = self.room.quick_features(source, device)
        self.real = self.features(self.room.examples_of(source.batch(chosen)))
        self.batch = {name: value.to(device) for name, value in source.batch(chosen[:SAMPLES]).items()}

    def __call__(self, networks: Networks) -> Mapping[str, float]:
        """The distances that can be computed; none of samples that are not numbers."""
        made = self.game.imitate(networks, self.batch, seed=self.seed)
        if not made.isfinite().all():
            return {}
        with torch.autocast(self.device.type, enabled=False):
            samples = self.features(self.room.as_measured(self.game.present(made)))
            return {name: value for distance in DISTANCES for name, value in self.taken(distance, samples).items()}

    def taken(self, distance: Distance, samples: Tensor) -> dict[str, float]:
        """One distance; nothing where there are too few examples for it."""
        try:
            return {name: found.value for name, found in distance(self.real, samples, self.seed).items()}
        except NotComputable:
            return {}
