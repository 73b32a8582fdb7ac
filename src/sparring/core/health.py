"""Trouble that a training run should name by itself: collapse, an overfitted judge, a player that gets no gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sparring.core.game import Game, Networks, Side

Batch = Mapping[str, Tensor]

COLLAPSED = 0.4  # of the data's diversity
OVERFITTED = 0.5  # of the way from reals to fakes
DEAD = 1e-8  # gradient norm
PATIENCE = 3  # checks in a row before anything is said


def measure(game: Game, networks: Networks, training: Batch, held_out: Batch, seed: int) -> dict[str, float]:
    """Diversity of samples and overfitting of the judge, against a batch that no turn has seen; of several sides the
    worst."""
    sides = [measure_side(side, networks, training, held_out, seed) for side in game.sides().values()]
    return {
        "diversity": min(side["diversity"] for side in sides),
        "overfitting": max(side["overfitting"] for side in sides),
    }


def measure_side(side: Side, networks: Networks, training: Batch, held_out: Batch, seed: int) -> dict[str, float]:
    """The same of one side."""
    real = side.examples(held_out)
    made = side.imitate(networks, held_out, seed=seed)
    on_training = side.judge(networks, training, side.examples(training))
    on_held_out, on_made = side.judge(networks, held_out, real), side.judge(networks, held_out, made)
    return {"diversity": diversity(made, real), "overfitting": overfitting(on_training, on_held_out, on_made)}


def diversity(samples: Tensor, real: Tensor) -> float:
    """How far samples lie from their nearest sample, relative to the same among as many real examples.

    Both ``(n, ...)``; 1 is as varied as the data, near 0 a generator that repeats itself, be it in one mode
    or in a few: unlike the mean distance of all pairs, the nearest one notices each repeated mode.
    """
    count = min(len(samples), len(real))
    return nearest_distance(samples[:count]) / max(nearest_distance(real[:count]), 1e-12)


def nearest_distance(examples: Tensor) -> float:
    """The mean Euclidean distance from each example ``(n, ...)`` to the nearest other."""
    distances = torch.cdist(examples.flatten(1).float(), examples.flatten(1).float())
    return distances.fill_diagonal_(float("inf")).min(1).values.mean().item()


def overfitting(training: Tensor, held_out: Tensor, fake: Tensor) -> float:
    """How much more the judge believes reals it was trained on than reals it never saw.

    From mean logits: (D(training) - D(held out)) / (D(training) - D(fake)), r_v of Karras et al. 2020 (ADA,
    eq. 1): 0 when held-out reals look as real as the others, 1 when they look like fakes.
    """
    gap = training.mean() - fake.mean()
    return ((training.mean() - held_out.mean()) / gap).item() if gap > 1e-6 else 0.0


@dataclass
class Watch:
    """Turns measurements into warnings: each trouble is named once when it has lasted, and again after it passed."""

    counts: dict[str, int] = field(default_factory=dict)
    diversities: list[float] = field(default_factory=list)  # the last few

    def look(self, measured: Mapping[str, float]) -> dict[str, str]:
        """The warnings that these measurements now call for, by kind.

        Knows ``diversity``, ``overfitting`` and ``gradient/<player>``.
        """
        troubles: dict[str, tuple[bool, str]] = {}
        for name, value in measured.items():
            if name == "diversity":
                troubles["collapse"] = self.stays_low(value), collapse(value)
            elif name == "overfitting":
                troubles["overfitting"] = value > OVERFITTED, overfitted(value)
            elif name.startswith("gradient/"):
                player = name.removeprefix("gradient/")
                troubles[f"dead {player}"] = value < DEAD, dead(player)
        return {kind: line for kind, (bad, line) in troubles.items() if self.lasting(kind, bad)}

    def stays_low(self, diversity: float) -> bool:
        """Whether samples are too much alike and not on their way up: a young generator begins from sameness."""
        rising = bool(self.diversities) and diversity > max(self.diversities)
        self.diversities = [*self.diversities, diversity][-PATIENCE:]
        return diversity < COLLAPSED and not rising

    def lasting(self, kind: str, bad: bool) -> bool:
        """Whether ``kind`` has just now been bad for long enough to be named."""
        self.counts[kind] = self.counts.get(kind, 0) + 1 if bad else 0
        return self.counts[kind] == PATIENCE


def collapse(value: float) -> str:
    """The line for it."""
    return (
        f"collapse: samples are {value:.0%} as varied as the data; the generator repeats itself. "
        "Raise --r1 and --r2, or start from the default recipe"
    )


def overfitted(value: float) -> str:
    """The line for it."""
    return (
        f"overfitting: the judge places reals it never saw {value:.0%} of the way to fakes. "
        "More data helps, or augmentation"
    )


def dead(player: str) -> str:
    """The line for it."""
    return f"dead {player}: no gradient reaches it any more. Lower its learning rate, or raise the penalties"
