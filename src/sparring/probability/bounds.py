"""How likely real examples are under a generator: rows of an evaluation, by annealed importance sampling."""

from __future__ import annotations

import copy
from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from sparring.core.seeds import mixed
from sparring.evaluation import Evaluation, assess_outputs
from sparring.kind import Kind, Say
from sparring.metrics.features import Features
from sparring.metrics.score import Metric, Score, mean_score
from sparring.model import Model
from sparring.options import EvaluateOptions, LikelihoodOptions
from sparring.probability.annealing import Annealing
from sparring.probability.likelihood import CHOSEN_ON, REPORTED, VARIANCES, Decoder, Likelihood, Real, measure
from sparring.targets import ModelTarget

GAP = Metric("likelihood_gap", "low", "between lower and upper bound of simulated examples, nats")
EFFECTIVE = Metric("effective_chains", "high", "effective sample size of the chains; below 2 the bound is loose")


def assess_bounded(
    modality: Kind, model: Model, options: EvaluateOptions, say: Say, target: type[BoundsTarget]
) -> list[Evaluation]:
    """An evaluation of each output of a model, with bounds of its likelihood, by ``target``, where ``options`` ask for
    them. Raises :class:`UserError` when nothing can be compared."""
    assert isinstance(options, LikelihoodOptions)
    if not options.likelihood:
        return assess_outputs(modality, model, options, say)
    return assess_outputs(modality, model, options, say, partial(target, options=options, say=say))


class BoundsTarget(ModelTarget):
    """A generator from latents whose likelihood is asked for by ``options`` too."""

    variances: ClassVar[tuple[float, ...]] = VARIANCES

    def __init__(self, *given: Any, options: LikelihoodOptions, say: Say) -> None:
        super().__init__(*given)
        self.annealing, self.say = Annealing(options.chains, options.distributions), say

    @abstractmethod
    def decoder(self) -> Decoder:
        """The generator as a density model."""

    @abstractmethod
    def continuous(self, indices: np.ndarray, seed: int) -> Tensor:
        """The real examples at ``indices`` ``(n,)`` on the scale of what is decoded, ``(n, ...)``."""

    @abstractmethod
    def rows(self, found: Likelihood, learned: np.ndarray, chosen: np.ndarray) -> list[Score]:
        """What was found of the examples ``chosen``, beside a baseline from those ``learned`` from: indices ``(n,)``
        both."""

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """The rows on the likelihood of real examples, not of the samples ``(n, ...)``."""
        learned, chosen, others = self.parts(seed)
        device = self.model.device
        reported = Real(self.continuous(chosen, mixed(seed, 0)).to(device), self.labels_at(chosen))
        for_choice = Real(self.continuous(others, mixed(seed, 1)).to(device), self.labels_at(others))
        self.say(f"bounding the likelihood of {len(chosen)} examples, and of simulated ones")
        found = measure(self.decoder(), reported, for_choice, self.annealing, mixed(seed, 2), self.say, self.variances)
        self.say(f"acceptance of the chains: {found.real.acceptance:.0%}")
        return [*super().extra_scores(samples, features, seed), *self.rows(found, learned, chosen)]

    def parts(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices ``(n,)`` of examples that the model learned from, of those whose likelihood is told, and of those
        that choose the noise. The last two are apart, and of examples that were not learned from where enough are
        known."""
        known = None if self.training is not None else self.split()
        everything = np.arange(len(self.source))
        learned, held_out = (everything, everything) if known is None else known
        if len(held_out) < CHOSEN_ON + REPORTED:
            self.say("likelihood: too few examples were held out, so it is told of some that were learned from")
            held_out = everything
        order = np.random.default_rng(seed).permutation(held_out)
        count = min(REPORTED, len(order) - CHOSEN_ON)
        chosen, others = order[:count], order[count : count + CHOSEN_ON]
        return np.setdiff1d(learned, chosen), chosen, others

    def labels_at(self, indices: np.ndarray) -> Tensor | None:
        """The labels ``(n,)`` of the real examples at ``indices`` ``(n,)``, for a generator that is shown them."""
        if not self.labels:
            return None
        return self.source.batch(indices)["labels"].to(self.model.device)


def fixed(generator: nn.Module) -> nn.Module:
    """A generator as a decoder needs it: one whose weights need no gradient."""
    return copy.deepcopy(generator).requires_grad_(False)


def rows_of_bounds(found: Likelihood, variance: Metric) -> list[Score]:
    """How tight the bounds are, and what noise they are told by."""
    return [
        mean_score(GAP, found.gap),
        mean_score(EFFECTIVE, found.real.effective),
        Score(variance, found.variance, count=len(found.real.nats)),
    ]
