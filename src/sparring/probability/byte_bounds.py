"""How likely examples of bytes are under a generator: rows of an evaluation, as densities on the scale [0, 1] and in
bits per dimension, beside what independent histograms of the bytes need."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from sparring.core.game import Batch
from sparring.data.source import Source
from sparring.metrics.score import Metric, Score, mean_score
from sparring.probability.bounds import BoundsTarget, rows_of_bounds
from sparring.probability.histogram import CHUNK, HISTOGRAM_BITS, bits_by_histograms
from sparring.probability.likelihood import Likelihood, bits_per_dimension, ceiling, dequantised

FITTED = 1 << 28  # bytes of the examples that histograms are of, at most

VARIANCE = Metric("noise_variance", "", "of the noise that makes a density of the generator, scale [0, 1]")
CEILING = Metric("likelihood_ceiling", "", "the most nats that any example can have with this noise")
CEILING_BITS = Metric("ceiling_bits", "", "the same in bits per dimension, the fewest")


class ByteBoundsTarget(BoundsTarget):
    """A generator whose likelihood is asked for too, of examples that are bytes, or that are brought to bytes."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, Metric]:
        """What the lower bound of an example is called in nats, and the same in bits for each byte."""

    @abstractmethod
    def as_bytes(self, batch: Batch) -> Tensor:
        """The real examples of a batch as bytes ``(batch, ...)``, on the CPU."""

    def continuous(self, indices: np.ndarray, seed: int) -> Tensor:
        """The examples at ``indices`` ``(n,)``, dequantised, ``(n, ...)`` in [0, 1]."""
        return dequantised(self.bytes_at(self.source, indices), seed)

    def rows(self, found: Likelihood, learned: np.ndarray, chosen: np.ndarray) -> list[Score]:
        """The likelihood of the examples ``chosen`` as rows of an evaluation, beside independent histograms of those
        ``learned`` from: indices ``(n,)`` both."""
        known = self.learned_bytes(learned, FITTED // found.dimensions)
        most = torch.tensor([ceiling(found.dimensions, found.variance)], dtype=torch.float64)
        nats, bits = self.metrics
        return [
            mean_score(nats, found.real.nats),
            mean_score(bits, bits_per_dimension(found.real.nats, found.dimensions)),
            mean_score(HISTOGRAM_BITS, bits_by_histograms(known, self.bytes_at(self.source, chosen))),
            *rows_of_bounds(found, VARIANCE),
            Score(CEILING, most.item(), count=len(chosen)),
            Score(CEILING_BITS, bits_per_dimension(most, found.dimensions).item(), count=len(chosen)),
        ]

    def bytes_at(self, source: Source, indices: np.ndarray) -> Tensor:
        """The examples of a source at ``indices`` ``(n,)``, bytes ``(n, ...)``; some read at a time."""
        parts = np.split(indices, range(CHUNK, len(indices), CHUNK))
        return torch.cat([self.as_bytes(source.batch(part)) for part in parts])

    def learned_bytes(self, indices: np.ndarray, most: int) -> Tensor:
        """Examples that the model learned from, bytes ``(n, ...)``, so many at most: those of a source of their own,
        where there is one, else those at ``indices`` ``(n,)``."""
        source = self.source if self.training is None else self.training
        every = indices if self.training is None else np.arange(len(source))
        return self.bytes_at(source, np.random.default_rng(0).permutation(every)[:most])
