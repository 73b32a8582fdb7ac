"""How likely pictures are under a generator: rows of an evaluation, by annealed importance sampling
(``probability/``)."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.seeds import mixed
from sparring.images.game import ImageGame
from sparring.kind import Say
from sparring.metrics.features import Features
from sparring.metrics.score import Metric, Score
from sparring.options import LikelihoodOptions
from sparring.probability.annealing import Annealing
from sparring.probability.histogram import LEVELS, Histograms
from sparring.probability.likelihood import (
    CHOSEN_ON,
    REPORTED,
    Decoder,
    Likelihood,
    Real,
    bits_per_dimension,
    ceiling,
    dequantised,
    measure,
)
from sparring.targets import ModelTarget, real_examples

FITTED = 1 << 28  # bytes of the pictures that histograms are of, at most

LOG_LIKELIHOOD = Metric("log_likelihood", "high", "of a real picture on the scale [0, 1], nats: a lower bound")
BITS = Metric("bits_per_dimension", "low", "the same in bits for each byte of a picture: an upper bound")
GAP = Metric("likelihood_gap", "low", "between lower and upper bound of simulated pictures, nats")
EFFECTIVE = Metric("effective_chains", "high", "effective sample size of the chains; below 2 the bound is loose")
VARIANCE = Metric("noise_variance", "", "of the noise that makes a density of the generator, scale [0, 1]")
CEILING = Metric("likelihood_ceiling", "", "the most nats that any picture can have with this noise")
CEILING_BITS = Metric("ceiling_bits", "", "the same in bits per dimension, the fewest")
HISTOGRAM_BITS = Metric("histogram_bits", "", "bits per dimension by independent histograms of the bytes")


class LikelihoodTarget(ModelTarget):
    """A generator of pictures whose likelihood is asked for by ``options`` too."""

    def __init__(self, *given: Any, options: LikelihoodOptions, say: Say) -> None:
        super().__init__(*given)
        self.annealing, self.say = Annealing(options.chains, options.distributions), say

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """The rows on the likelihood of real pictures, not of the samples ``(n, channels, height, width)``."""
        game = self.model.output  # a judge that keeps some of its samples has no part in its density
        assert isinstance(game, ImageGame)
        learned, chosen, others = self.parts(seed)
        device = self.model.device
        pictures = self.bytes_at(chosen)
        reported = Real(dequantised(pictures, mixed(seed, 0)).to(device), self.labels_at(chosen))
        for_choice = Real(dequantised(self.bytes_at(others), mixed(seed, 1)).to(device), self.labels_at(others))
        decoder = decoder_of(game, self.model.networks["generator"])
        self.say(f"bounding the likelihood of {len(chosen)} pictures, and of simulated ones")
        found = measure(decoder, reported, for_choice, self.annealing, mixed(seed, 2), self.say)
        self.say(f"acceptance of the chains: {found.real.acceptance:.0%}")
        histograms = Histograms(self.learned_bytes(learned, FITTED // found.dimensions))
        bounds = rows(found, histograms.bits_per_dimension(pictures))
        return [*super().extra_scores(samples, features, seed), *bounds]

    def parts(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices ``(n,)`` of pictures that the model learned from, of those whose likelihood is told, and of those
        that choose the noise. The last two are apart, and of pictures that were not learned from where enough are
        known."""
        known = None if self.training is not None else self.split()
        everything = np.arange(len(self.source))
        learned, held_out = (everything, everything) if known is None else known
        if len(held_out) < CHOSEN_ON + REPORTED:
            self.say("likelihood: too few pictures were held out, so it is told of some that were learned from")
            held_out = everything
        order = np.random.default_rng(seed).permutation(held_out)
        count = min(REPORTED, len(order) - CHOSEN_ON)
        chosen, others = order[:count], order[count : count + CHOSEN_ON]
        return np.setdiff1d(learned, chosen), chosen, others

    def bytes_at(self, indices: np.ndarray) -> Tensor:
        """The real pictures at ``indices`` ``(n,)``, bytes ``(n, channels, height, width)``."""
        return real_examples(self.modality, self.output, self.source, indices)

    def learned_bytes(self, indices: np.ndarray, most: int) -> Tensor:
        """Pictures that the model learned from, bytes ``(n, channels, height, width)``, so many at most: those of a
        source of their own, where there is one, else those at ``indices`` ``(n,)``."""
        source = self.source if self.training is None else self.training
        every = indices if self.training is None else np.arange(len(source))
        some = np.random.default_rng(0).permutation(every)[:most]
        return real_examples(self.modality, self.output, source, some)

    def labels_at(self, indices: np.ndarray) -> Tensor | None:
        """The labels ``(n,)`` of the real pictures at ``indices`` ``(n,)``, for a generator that is shown them."""
        if not self.labels:
            return None
        return self.source.batch(indices)["labels"].to(self.model.device)


def decoder_of(game: ImageGame, generator: torch.nn.Module) -> Decoder:
    """The generator of a game on pictures as a density model."""
    fixed = copy.deepcopy(generator).requires_grad_(False)
    return Decoder(lambda latents, labels: on_unit_scale(fixed(latents, labels)), game.recipe.latent)


def on_unit_scale(images: Tensor) -> Tensor:
    """Images ``(n, ...)`` in [-1, 1] on the scale [0, 1] of dequantised bytes: byte b is 2 b / 255 - 1 here and the
    middle of its cell there, (b + 1/2) / 256. A unit is 127.5 / 256 as long, so a log density rises by D ln (256 /
    127.5)."""
    return ((images.float() + 1) * 127.5 + 0.5) / LEVELS


def rows(found: Likelihood, histogram_bits: Tensor) -> list[Score]:
    """The likelihood as rows of an evaluation; ``histogram_bits`` ``(n,)`` are those of the same pictures."""
    most = torch.tensor([ceiling(found.dimensions, found.variance)], dtype=torch.float64)
    return [
        mean_of(LOG_LIKELIHOOD, found.real.nats),
        mean_of(BITS, bits_per_dimension(found.real.nats, found.dimensions)),
        mean_of(HISTOGRAM_BITS, histogram_bits),
        mean_of(GAP, found.gap),
        mean_of(EFFECTIVE, found.real.effective),
        Score(VARIANCE, found.variance, count=len(found.real.nats)),
        Score(CEILING, most.item(), count=len(found.real.nats)),
        Score(CEILING_BITS, bits_per_dimension(most, found.dimensions).item(), count=len(found.real.nats)),
    ]


def mean_of(metric: Metric, values: Tensor) -> Score:
    """The mean over pictures of ``values`` ``(n,)``, with its standard error."""
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else None
    return Score(metric, values.mean().item(), error, count=len(values))
