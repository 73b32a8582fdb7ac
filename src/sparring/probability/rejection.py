"""Better samples by the judge: what it takes for real is kept more often, so that what is kept is distributed as real
examples are, as far as the judge can tell.

The calibrated log odds of an example are those of its densities among real and among generated examples, ``log p(x) -
log q(x)`` (Goodfellow et al. 2014, proposition 1). Keeping an example with a probability in proportion to ``p / q``
gives samples of ``p`` (discriminator rejection sampling: Azadi et al. 2019). To keep only what has a high probability
of being real would do something else: it cuts away the rare, and with it variety.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Batch, Networks, Output, rows
from sparring.core.seeds import Stream, mixed
from sparring.kind import Kind
from sparring.probability.kept import Calibration

PROPOSALS = {"rejection": 3.0, "chain": 100.0}  # where nobody says how many
ATTEMPTS = 1000  # examples that are generated in a row for one that is kept
HALVINGS = 100  # of an interval of log odds


def ceiling_for(log_odds: np.ndarray, proposals: float) -> float:
    """The log odds ``c`` at which so many examples are generated, in the mean, for one that is kept: where the mean of
    ``min(1, exp(d - c))`` over log odds ``d`` of generated examples ``(n,)`` is ``1 / proposals``.

    What is kept then has the density ``min(p, exp(c) * q)``, up to a factor: that of real examples wherever the
    generator makes at least ``exp(-c)`` as many.
    """
    low, high = float(log_odds.min()), float(log_odds.max() + np.log(proposals) + 1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if np.exp(np.minimum(0, log_odds - middle)).mean() * proposals > 1:
            low = middle
        else:
            high = middle
    return (low + high) / 2


class JudgedOutput(Output):
    """An output of a game whose examples are kept or not by the judge; ``generated`` and ``kept`` count them.

    ``rejection`` generates ``proposals`` examples in the mean for one that is kept (see :func:`ceiling_for`). ``chain``
    is the exact form: a chain of ``proposals`` examples, each of which takes the place of the one before with
    probability ``min(1, odds / odds before)``, begun at the odds of a real example (Metropolis-Hastings: Turner et al.
    2019, section 3).
    """

    def __init__(self, output: Output, modality: Kind, calibration: Calibration, judge: str, proposals: float) -> None:
        self.output, self.modality, self.calibration = output, modality, calibration
        self.judge, self.proposals, self.inputs = judge, proposals or PROPOSALS[judge], output.inputs
        self.generated = self.kept = 0

    def real(self, batch: Batch) -> Tensor:
        """The real examples of a batch, ``(rows, ...)``."""
        return self.output.real(batch)

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """The discriminator's logits of ``examples`` ``(rows, ...)``, ``(rows,)``."""
        return self.output.logits(networks, conditions, examples)

    def finish(self, generated: Tensor) -> Tensor:
        """Examples ``(rows, ...)`` as they leave the game."""
        return self.output.finish(generated)

    def log_odds(self, examples: Tensor) -> np.ndarray:
        """Calibrated log odds ``(rows,)`` of generated examples ``(rows, ...)``."""
        comparable = self.calibration.grid.snap(self.modality.comparable(self.output.finish(examples)))
        return self.calibration.calibrator.log_odds(self.calibration.judge.logits(comparable))

    @torch.no_grad()
    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """One example for each row of ``conditions``, ``(rows, ...)``. Raises :class:`UserError` where the judge keeps
        too few."""
        random = np.random.default_rng((seed, Stream.CALIBRATION))
        sampler = self.by_rejection if self.judge == "rejection" else self.by_chain
        return sampler(networks, conditions, random, seed, options)

    def propose(
        self, networks: Networks, conditions: Batch, seed: int, options: dict[str, Any]
    ) -> tuple[Tensor, np.ndarray]:
        """Generated examples ``(rows, ...)`` and their log odds ``(rows,)``."""
        examples = self.output.generate(networks, conditions, seed=seed, **options)
        self.generated += len(examples)
        return examples, self.log_odds(examples)

    def by_rejection(
        self, networks: Networks, conditions: Batch, random: np.random.Generator, seed: int, options: dict[str, Any]
    ) -> Tensor:
        """Examples ``(rows, ...)``, each generated again until one is kept. Raises :class:`UserError` where one is refused
        a thousand times."""
        ceiling = ceiling_for(self.calibration.made, self.proposals)
        count = rows(conditions)
        left, result = np.arange(count), None
        for attempt in range(ATTEMPTS):
            chosen = {name: value[torch.from_numpy(left).to(value.device)] for name, value in conditions.items()}
            examples, log_odds = self.propose(networks, chosen, mixed(seed, attempt), options)
            result = examples.clone() if result is None else result
            taken = random.random(len(left)) < np.exp(np.minimum(0, log_odds - ceiling))
            result[torch.from_numpy(left[taken])] = examples[torch.from_numpy(np.flatnonzero(taken))]
            self.kept += int(taken.sum())
            left = left[~taken]
            if not len(left):
                return result
        raise UserError(
            f"judge: {len(left):,} of {count:,} examples were refused {ATTEMPTS:,} times in a row; ask for fewer "
            "--proposals, or train on"
        )

    def by_chain(
        self, networks: Networks, conditions: Batch, random: np.random.Generator, seed: int, options: dict[str, Any]
    ) -> Tensor:
        """Examples ``(rows, ...)``, the last of a chain each. Raises :class:`UserError` where a chain never moved."""
        count = rows(conditions)
        present = random.choice(self.calibration.real, count)
        result: Tensor | None = None
        moved = np.zeros(count, dtype=bool)
        for number in range(max(1, round(self.proposals))):
            examples, log_odds = self.propose(networks, conditions, mixed(seed, number), options)
            taken = random.random(count) < np.exp(np.minimum(0, log_odds - present))
            if result is None:
                result, taken = examples.clone(), np.ones(count, dtype=bool) & taken
            places = torch.from_numpy(np.flatnonzero(taken)).to(examples.device)
            result[places] = examples[places]
            present = np.where(taken, log_odds, present)
            moved |= taken
        if not moved.all():
            raise UserError(
                f"judge: {int((~moved).sum()):,} of {count:,} chains never moved in {round(self.proposals)} proposals; "
                "ask for more --proposals"
            )
        assert result is not None
        self.kept += count
        return result
