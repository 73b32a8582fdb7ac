"""How likely pictures are under a generator: rows of an evaluation, by annealed importance sampling
(``probability/``)."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from sparring.images.game import ImageGame
from sparring.images.likelihood import HISTOGRAM_BITS
from sparring.metrics.score import Metric, Score, mean_score
from sparring.probability.bounds import BoundsTarget, rows_of_bounds
from sparring.probability.histogram import CHUNK, LEVELS, Histograms
from sparring.probability.likelihood import Decoder, Likelihood, bits_per_dimension, ceiling, dequantised
from sparring.targets import real_examples

FITTED = 1 << 28  # bytes of the pictures that histograms are of, at most

LOG_LIKELIHOOD = Metric("log_likelihood", "high", "of a real picture on the scale [0, 1], nats: a lower bound")
BITS = Metric("bits_per_dimension", "low", "the same in bits for each byte of a picture: an upper bound")
VARIANCE = Metric("noise_variance", "", "of the noise that makes a density of the generator, scale [0, 1]")
CEILING = Metric("likelihood_ceiling", "", "the most nats that any picture can have with this noise")
CEILING_BITS = Metric("ceiling_bits", "", "the same in bits per dimension, the fewest")


class ImageBoundsTarget(BoundsTarget):
    """A generator of pictures whose likelihood is asked for too, as densities on the scale [0, 1]."""

    def decoder(self) -> Decoder:
        """The generator as a density model of dequantised bytes."""
        game = self.model.output  # a judge that keeps some of its samples has no part in its density
        assert isinstance(game, ImageGame)
        return decoder_of(game, self.model.networks["generator"])

    def continuous(self, indices: np.ndarray, seed: int) -> Tensor:
        """The pictures at ``indices`` ``(n,)``, dequantised, ``(n, channels, height, width)`` in [0, 1]."""
        return dequantised(self.bytes_at(indices), seed)

    def rows(self, found: Likelihood, learned: np.ndarray, chosen: np.ndarray) -> list[Score]:
        """The likelihood of the pictures ``chosen`` as rows of an evaluation, beside independent histograms of those
        ``learned`` from: indices ``(n,)`` both."""
        histograms = Histograms(torch.split(self.learned_bytes(learned, FITTED // found.dimensions), CHUNK))
        return rows(found, histograms.bits_per_dimension(self.bytes_at(chosen)))

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
        mean_score(LOG_LIKELIHOOD, found.real.nats),
        mean_score(BITS, bits_per_dimension(found.real.nats, found.dimensions)),
        mean_score(HISTOGRAM_BITS, histogram_bits),
        *rows_of_bounds(found, VARIANCE),
        Score(CEILING, most.item(), count=len(found.real.nats)),
        Score(CEILING_BITS, bits_per_dimension(most, found.dimensions).item(), count=len(found.real.nats)),
    ]
