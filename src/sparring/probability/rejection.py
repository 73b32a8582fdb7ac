"""Better samples by the judge: what it takes for real is kept more often, so that what is kept is distributed as real
examples are, as far as the judge can tell.

The calibrated log odds of an example are those of its densities among real and among generated examples, ``log p(x) -
log q(x)`` (Goodfellow et al. 2014, proposition 1). Keeping an example with a probability in proportion to ``p / q``
gives samples of ``p`` (discriminator rejection sampling: Azadi et al. 2019). To keep only what has a high probability
of being real would do something else: it cuts away the rare, and with it variety.
"""

from __future__ import annotations

from collections.abc import Callable
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
Propose = Callable[[np.ndarray, int], tuple[Tensor, np.ndarray]]
"""Generates an example under a seed for each row at some indices ``(n,)``; with it their log odds ``(n,)``."""

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

        def propose(indices: np.ndarray, seed: int) -> tuple[Tensor, np.ndarray]:
            examples = self.output.generate(networks, at(conditions, indices), seed=seed, **options)
            self.generated += len(examples)
            return examples, self.log_odds(examples)

        random = np.random.default_rng((seed, Stream.CALIBRATION))
        by_judge = self.by_rejection if self.judge == "rejection" else self.by_chain
        result = by_judge(propose, np.arange(rows(conditions)), random, seed)
        self.kept += len(result)
        return result

    def by_rejection(self, propose: Propose, left: np.ndarray, random: np.random.Generator, seed: int) -> Tensor:
        """Examples ``(rows, ...)`` for the rows ``left`` ``(rows,)``, each generated again until one is kept. Raises
        :class:`UserError` where one is refused a thousand times."""
        ceiling, count, result = ceiling_for(self.calibration.made, self.proposals), len(left), None
        for attempt in range(ATTEMPTS):
            examples, log_odds = propose(left, mixed(seed, attempt))
            result = examples.clone() if result is None else result
            keeps = random.random(len(left)) < np.exp(np.minimum(0, log_odds - ceiling))
            result[torch.from_numpy(left[keeps])] = examples[torch.from_numpy(keeps)]
            left = left[~keeps]
            if not len(left):
                return result
        raise UserError(
            f"judge: {len(left):,} of {count:,} examples were refused {ATTEMPTS:,} times in a row; ask for fewer "
            "--proposals, or train on"
        )

    def by_chain(self, propose: Propose, indices: np.ndarray, random: np.random.Generator, seed: int) -> Tensor:
        """Examples ``(rows, ...)`` for the rows at ``indices`` ``(rows,)``, each the last of a chain; where that never
        left the real example, of another that begins at a generated one, as Turner et al. do."""
        start = random.choice(self.calibration.real, len(indices))
        result, moved = self.chain(propose, indices, start, random, seed)
        left = indices[~moved]
        if len(left):
            anew = self.chain(propose, left, np.full(len(left), -np.inf), random, mixed(seed, 1))
            result[torch.from_numpy(left)] = anew[0]
        return result

    def chain(
        self, propose: Propose, indices: np.ndarray, present: np.ndarray, random: np.random.Generator, seed: int
    ) -> tuple[Tensor, np.ndarray]:
        """The ends ``(rows, ...)`` of chains for the rows at ``indices`` ``(rows,)`` that began at log odds ``present``
        ``(rows,)``, and whether each moved, bool ``(rows,)``."""
        result, log_odds = propose(indices, mixed(seed, 0))
        moved = random.random(len(indices)) < np.exp(np.minimum(0, log_odds - present))
        present = np.where(moved, log_odds, present)
        for number in range(1, max(1, round(self.proposals))):
            examples, log_odds = propose(indices, mixed(seed, number))
            moves = random.random(len(indices)) < np.exp(np.minimum(0, log_odds - present))
            result[torch.from_numpy(moves)] = examples[torch.from_numpy(moves)]
            present, moved = np.where(moves, log_odds, present), moved | moves
        return result, moved


def at(conditions: Batch, indices: np.ndarray) -> Batch:
    """The conditions of the rows at ``indices`` ``(n,)``."""
    return {name: value[torch.from_numpy(indices).to(value.device)] for name, value in conditions.items()}
