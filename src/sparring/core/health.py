"""Trouble that training should name by itself: collapse, an overfitted discriminator, a player that gets no
gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

COLLAPSED = 0.4  # of the data's diversity
OVERFITTED = 0.5  # of the way from real logits to fake ones
CHANCE = 2.0  # standard errors of a difference, which are put down to chance
DEAD = 1e-8  # gradient norm
EARLIEST = 100  # steps before the first check: what chance made of the networks is no trouble
PATIENCE = 3  # checks in a row, and
LASTING = 300  # steps between the first and the last of them, before anything is said


def diversity(samples: Tensor, real: Tensor) -> float:
    """How far samples lie from their nearest sample, relative to the same among as many real examples.

    Both ``(n, dimensions)``, features of examples; 1 is as varied as the data, near 0 a generator that repeats itself,
    be it in one mode or in a few: unlike the mean distance of all pairs, the nearest one notices each repeated mode.
    """
    count = min(len(samples), len(real))
    return nearest_distance(samples[:count]) / max(nearest_distance(real[:count]), 1e-12)


def nearest_distance(features: Tensor) -> float:
    """The mean Euclidean distance from each row of ``(n, ...)`` to the nearest other."""
    rows = features.flatten(1).double()  # whose squares keep small distances far from the origin
    distances = torch.cdist(rows, rows)
    return distances.fill_diagonal_(float("inf")).min(1).values.mean().item()


def overfitting(training: Tensor, held_out: Tensor, fake: Tensor) -> float:
    """How much more the discriminator believes real examples it was trained on than ones it never saw.

    From the means of logits ``(n,)``: (D(training) - D(held out)) / (D(training) - D(fake)), r_v of Karras et al. 2020
    (ADA, eq. 1): 0 when held-out examples look as real as the others, 1 when they look like fakes. It is 0, too, where
    the two means differ by less than ``CHANCE`` times the standard error of that difference.
    """
    gap, difference = training.mean() - fake.mean(), training.mean() - held_out.mean()
    error = (training.var() / len(training) + held_out.var() / len(held_out)).sqrt()
    return (difference / gap).item() if gap > 1e-6 and difference.abs() > CHANCE * error else 0.0


@dataclass(frozen=True)
class Limit:
    """How much of something that only examples of one kind can suffer from is too much, and the ``warning`` then, with
    the number measured in its braces."""

    most: float
    warning: str


@dataclass
class Trouble:
    """What checks in a row have found, since the one after the step ``since``."""

    since: int
    checks: int = 0
    told: bool = False


@dataclass
class Watch:
    """Turns measurements into warnings: each trouble is named once when it has lasted, and again after it passed.

    To last is to be found by ``PATIENCE`` checks in a row that lie ``LASTING`` steps apart, the first from the last:
    how many checks there are in a minute depends on the machine, how fast networks change on the steps.
    """

    limits: Mapping[str, Limit] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    diversities: list[float] = field(default_factory=list)  # the last few

    def look(self, measured: Mapping[str, float], step: int) -> dict[str, str]:
        """The warnings that these measurements, taken after so many steps, now call for, by kind.

        Knows ``diversity``, ``overfitting``, ``gradient/<player>`` and what has a limit.
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
            elif name in self.limits:
                troubles[name] = value > self.limits[name].most, self.limits[name].warning.format(value)
        return {kind: line for kind, (bad, line) in troubles.items() if self.lasting(kind, bad, step)}

    def stays_low(self, diversity: float) -> bool:
        """Whether samples are too much alike and not on their way up: a young generator begins from sameness."""
        rising = bool(self.diversities) and diversity > max(self.diversities)
        self.diversities = [*self.diversities, diversity][-PATIENCE:]
        return diversity < COLLAPSED and not rising

    def lasting(self, kind: str, bad: bool, step: int) -> bool:
        """Whether ``kind`` has just now been bad for long enough to be named."""
        if not bad:
            self.troubles.pop(kind, None)
            return False
        trouble = self.troubles.setdefault(kind, Trouble(step))
        trouble.checks += 1
        lasts = trouble.checks >= PATIENCE and step - trouble.since >= LASTING
        told, trouble.told = trouble.told, trouble.told or lasts
        return lasts and not told


def collapse(value: float) -> str:
    """The warning of samples that are only ``value`` times as varied as the data."""
    return (
        f"collapse: samples are {value:.0%} as varied as the data; the generator repeats itself. "
        "Raise --r1 and --r2, or start from the default recipe"
    )


def overfitted(value: float) -> str:
    """The warning of a discriminator that places unseen real examples ``value`` of the way to fakes."""
    return (
        f"overfitting: the discriminator places real examples it never saw {value:.0%} of the way to fakes. "
        "More data helps, or augmentation"
    )


def dead(player: str) -> str:
    """The warning of a player without a gradient."""
    return f"dead {player}: no gradient reaches it any more. Lower its learning rate, or raise the penalties"
