"""How likely points are under a generator: exactly under a flow, else between bounds, in nats of the data's own
coordinates; beside one Gaussian with the mean and the covariance of the points that were learned from."""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sparring.evaluation import Evaluation
from sparring.metrics.compare import missing_score
from sparring.metrics.findings import ERRORS, Finding
from sparring.metrics.frechet import moments
from sparring.metrics.score import Metric, Score, mean_score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.points.flow import PointFlowGame
from sparring.points.game import PointGame
from sparring.probability.bounds import BoundsTarget, fixed, rows_of_bounds
from sparring.probability.known import Known
from sparring.probability.likelihood import Decoder, Likelihood, ceiling
from sparring.probability.unseen import with_exact

EXACT = Metric("log_likelihood", "high", "of a point that the model has not seen, exact, nats")
BOUND = Metric("log_likelihood", "high", "of a real point, nats: a lower bound")
GAUSSIAN = Metric("gaussian_likelihood", "high", "the same by one Gaussian: what is to be beaten")
VARIANCE = Metric(
    "noise_variance", "", "of the noise that makes a density of the generator, deviations of the data squared"
)
CEILING = Metric("likelihood_ceiling", "", "the most nats that any point can have with this noise")


def with_likelihood(evaluation: Evaluation, model: Model, game: PointFlowGame, options: EvaluateOptions) -> Evaluation:
    """An evaluation with the rows on likelihood before its others, and a word where one Gaussian is no worse. Raises
    :class:`UserError` where the data cannot be read."""
    return with_exact(evaluation, model, options, EXACT, partial(flow_score, model, game), gaussian_score, findings)


def flow_score(model: Model, game: PointFlowGame, unseen: Known) -> Score:
    """The mean log-likelihood of these points."""
    nats = [game.log_likelihood(model.networks, model.on_device(batch)) for batch in unseen.batches()]
    return mean_score(EXACT, torch.cat(nats))


def gaussian_score(learned: Known | None, unseen: Known) -> Score:
    """The mean log-likelihood of these points by one Gaussian of those that were learned from."""
    if learned is None:
        return missing_score(GAUSSIAN, "what was learned from is not there any more", len(unseen.indices))
    known, points = (torch.cat([batch["examples"] for batch in each.batches()]) for each in (learned, unseen))
    return gaussian_row(known, points)


def gaussian_row(learned: Tensor, points: Tensor) -> Score:
    """The mean of :func:`gaussian_nats`; none where the points ``learned`` from do not fill their space."""
    nats = gaussian_nats(learned, points)
    if not nats.isfinite().all():
        return missing_score(GAUSSIAN, "some coordinates follow from others", len(points))
    return mean_score(GAUSSIAN, nats)


def gaussian_nats(learned: Tensor, points: Tensor) -> Tensor:
    """The log-density of ``points`` ``(n, dimensions)`` in nats by one Gaussian with the moments of those ``learned``
    from ``(m, dimensions)``, float64 ``(n,)``."""
    found = moments(learned)
    away = points.double() - found.mean
    squares = (away @ torch.linalg.pinv(found.covariance, hermitian=True) * away).sum(1)
    nats: Tensor = -0.5 * (squares + torch.linalg.slogdet(2 * math.pi * found.covariance)[1])
    return nats


def findings(flow: Score, gaussian: Score) -> list[Finding]:
    """A word where a flow is not surely better than one Gaussian."""
    if flow.value is None or gaussian.value is None or flow.value - ERRORS * (flow.error or 0) > gaussian.value:
        return []
    message = f"a log-likelihood of {flow.value:.2f} nats, where one Gaussian has {gaussian.value:.2f}; train on"
    return [Finding("no structure learned", message)]


class PointBoundsTarget(BoundsTarget):
    """A generator of points whose likelihood is asked for too; it decodes to points of unit deviation."""

    variances: ClassVar[tuple[float, ...]] = (1e-1, 1e-2, 1e-3, 1e-4)

    def decoder(self) -> Decoder:
        """The generator as a density model."""
        made = fixed(self.model.networks["generator"])
        return Decoder(lambda latents, labels: made(latents, labels).float(), self.game.latent)

    @property
    def game(self) -> PointGame:
        """The model's game."""
        assert isinstance(self.model.game, PointGame)
        return self.model.game

    def continuous(self, indices: np.ndarray, seed: int) -> Tensor:
        """The points at ``indices`` ``(n,)``, centred and scaled, ``(n, dimensions)``."""
        return self.game.real(self.source.batch(indices))

    def rows(self, found: Likelihood, learned: np.ndarray, chosen: np.ndarray) -> list[Score]:
        """The likelihood of the points ``chosen`` as rows of an evaluation, beside one Gaussian of those ``learned``
        from: indices ``(n,)`` both."""
        lower = found.dimensions * math.log(self.game.scale)  # in the coordinates of the data
        known, points = (self.source.batch(indices)["examples"] for indices in (learned, chosen))
        return [
            mean_score(BOUND, found.real.nats - lower),
            gaussian_row(known, points),
            *rows_of_bounds(found, VARIANCE),
            Score(CEILING, ceiling(found.dimensions, found.variance) - lower, count=len(chosen)),
        ]
