"""One word on how training goes, decided from what is noted and measured anyway.

The first rule that holds decides:

======================  ================================================================================================
warming up              fewer than ``EARLIEST`` steps, or ``LEAST`` lines of progress since training began or went on
collapsing, ...         a trouble that ``core/health.py`` knows was found by ``SUSPECTED`` checks in a row
discriminator ahead     a discriminator tells ``TELLS`` of real and of fake examples for what they are
generator ahead         a discriminator takes all but ``FOOLED`` of what is fake for real
balanced                there are discriminators, and neither holds of any of them
improving               no discriminator plays (a flow, pretraining), and the last measurement was the best one
slowing                 the same, but the last one or two measurements were no better than the best one
stalled                 the same, of ``STALLED`` measurements or more
nothing                 the same, before there are two measurements to compare
======================  ================================================================================================

Shares are means over the last ``LINES`` lines of progress, about as many seconds. Some objectives (``wasserstein``)
want a discriminator that is ahead; under them the word tells a fact and no trouble.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import fmean

from sparring.core.health import EARLIEST, Trouble

LINES, LEAST = 10, 3  # lines of progress that are looked at, and that there must be
SUSPECTED = 2  # checks in a row: fewer than for a warning, for a word goes away by itself
TELLS, FOOLED = 0.95, 0.35  # of examples
STALLED = 3  # measurements
NAMES = {"collapse": "collapsing"}  # troubles that have another name while they may pass


class Condition:
    """Remembers the last lines of progress and how many measurements there were."""

    def __init__(self) -> None:
        self.accuracies: deque[Mapping[str, float]] = deque(maxlen=LINES)
        self.measured = 0

    def note(self, accuracies: Mapping[str, float]) -> None:
        """Take in a line of progress: the share of examples that each discriminator told for what they are, by
        ``real`` and ``fake`` and its name; empty where none plays."""
        self.accuracies.append(accuracies)

    def word(self, step: int, troubles: Mapping[str, Trouble], misses: int) -> str:
        """The word after so many steps; ``misses`` are the measurements since the best one."""
        if step < EARLIEST or len(self.accuracies) < LEAST:
            return "warming up"
        suspected = [NAMES.get(kind, kind) for kind, trouble in troubles.items() if trouble.checks >= SUSPECTED]
        if suspected:
            return suspected[0]
        if self.accuracies[-1]:
            return self.players()
        if self.measured < 2:
            return ""
        return "stalled" if misses >= STALLED else "slowing" if misses else "improving"

    def players(self) -> str:
        """Who is ahead, in the game of the discriminator that is furthest from balance."""
        means = {name: fmean(line[name] for line in self.accuracies if name in line) for name in self.accuracies[-1]}
        names = [name.removeprefix("fake") for name in means if name.startswith("fake")]
        if any(min(means["fake" + name], means.get("real" + name, 0.0)) >= TELLS for name in names):
            return "discriminator ahead"
        if not names:
            return ""
        return "generator ahead" if any(means["fake" + name] < FOOLED for name in names) else "balanced"
