"""How likely a generator finds examples of its data: the numbers that ``sparring evaluate --likelihood`` prints.

A generator from latents has no density of its own; with Gaussian noise on what it makes it has one, and the variance of
that noise decides the number more than anything else does. So it is chosen, among a few, on other examples than those
that are reported, and reported with the most that any example could have by it.

Values of examples here are densities on [0, 1], as published numbers are: an example of whole numbers 0..255 is (x + u)
/ 256 with u uniform in [0, 1) (Theis, van den Oord & Bethge 2016), and a decoder gives numbers on that scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.seeds import mixed
from sparring.kind import Say
from sparring.probability.annealing import Annealing, Bounds, Sampler
from sparring.probability.hamiltonian import ROWS, Decode
from sparring.probability.histogram import LEVELS

VARIANCES = (0.05, 0.025, 0.01, 0.005)  # of the noise, on the scale [0, 1]; those of Wu et al. 2017
REPORTED, SIMULATED = 16, 8  # examples whose likelihood is bounded, real and simulated ones
CHOSEN_ON = 8  # other real ones, on which the variance is chosen
SHARE = 4  # of the distributions, one in so many where the variance is chosen


@dataclass(frozen=True)
class Decoder:
    """A generator as a density model: ``decode`` takes latents ``(rows, latent)`` and labels ``(rows,)``, None where
    the examples have none, to what is expected of examples, ``(rows, ...)`` on the scale [0, 1]."""

    decode: Callable[[Tensor, Tensor | None], Tensor]
    latent: int

    def under(self, labels: Tensor | None) -> Decode:
        """The decoder of examples with these labels ``(examples,)``."""
        return lambda latents, indices: self.decode(latents, None if labels is None else labels[indices])


@dataclass(frozen=True)
class Real:
    """Real examples on the scale [0, 1], dequantised, ``(examples, ...)``, and their labels ``(examples,)``, where the
    decoder is shown any."""

    examples: Tensor
    labels: Tensor | None


@dataclass(frozen=True)
class Likelihood:
    """Lower bounds of log p(x) of real examples of so many ``dimensions``, and bounds from below and above of
    simulated ones; all on the scale [0, 1], with noise of ``variance``."""

    variance: float
    dimensions: int
    real: Bounds
    simulated: Bounds
    above: Bounds

    @property
    def gap(self) -> Tensor:
        """How far the bounds of each simulated example are apart, nats ``(examples,)``: at most that far, on average,
        the lower ones are from the truth."""
        return self.above.nats - self.simulated.nats


def measure(
    decoder: Decoder,
    reported: Real,
    others: Real,
    annealing: Annealing,
    seed: int,
    say: Say,
    variances: Sequence[float] = VARIANCES,
) -> Likelihood:
    """Choose one of the ``variances`` of the noise on ``others``, then bound the likelihood of ``reported``
    ``(examples, ...)``, and of simulated examples, under the labels of the first of them, where the truth can be
    enclosed."""
    variance = choose_variance(decoder, others, annealing, mixed(seed, 0), say, variances)
    decode = decoder.under(reported.labels)
    lower = Sampler(decode, reported.examples, decoder.latent, variance, annealing, mixed(seed, 1), say).lower()
    like = reported.examples[:SIMULATED]
    latents, simulated = simulate(decode, like, decoder.latent, variance, mixed(seed, 2))
    sampler = Sampler(decode, simulated, decoder.latent, variance, annealing, mixed(seed, 3), say)
    dimensions = reported.examples[0].numel()
    return Likelihood(variance, dimensions, lower, sampler.lower(), sampler.upper(latents))


def choose_variance(
    decoder: Decoder,
    others: Real,
    annealing: Annealing,
    seed: int,
    say: Say,
    variances: Sequence[float] = VARIANCES,
) -> float:
    """The one of the ``variances`` by which ``others`` ``(examples, ...)`` are likeliest, as a shorter run bounds
    it."""
    short = Annealing(annealing.chains, max(2, annealing.distributions // SHARE))
    decode, found = decoder.under(others.labels), dict[float, float]()
    for variance in variances:
        sampler = Sampler(decode, others.examples, decoder.latent, variance, short, seed, say)
        found[variance] = sampler.lower().nats.mean().item()
        say(f"noise of variance {variance:g}: {found[variance]:,.1f} nats on {len(others.examples)} other examples")
    return max(found, key=lambda variance: found[variance])


@torch.no_grad()
def simulate(decode: Decode, like: Tensor, latent: int, variance: float, seed: int) -> tuple[Tensor, Tensor]:
    """Latents ``(examples, latent)`` of the prior, and examples made from them, noise and all; as many and of the shape
    of ``like`` ``(examples, ...)``."""
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn(len(like), latent, generator=random).to(like.device)
    indices = torch.arange(len(like), device=like.device)
    parts = [decode(*each) for each in zip(torch.split(latents, ROWS), torch.split(indices, ROWS), strict=True)]
    noise = torch.randn(like.shape, generator=random).to(like.device)
    return latents, torch.cat(parts).reshape(like.shape) + math.sqrt(variance) * noise


def dequantised(examples: Tensor, seed: int) -> Tensor:
    """Whole numbers 0..255 ``(n, ...)`` as float32 on the scale [0, 1], each at a random place of its cell of width
    1/256."""
    noise = torch.rand(examples.shape, generator=torch.Generator().manual_seed(seed))
    return (examples.cpu().float() + noise) / LEVELS


def on_unit_scale(values: Tensor) -> Tensor:
    """Values ``(n, ...)`` in [-1, 1] on the scale [0, 1] of dequantised bytes: byte b is 2 b / 255 - 1 here and the
    middle of its cell there, (b + 1/2) / 256. A unit is 127.5 / 256 as long, so a log density rises by D ln (256 /
    127.5)."""
    return ((values.float() + 1) * 127.5 + 0.5) / LEVELS


def bits_per_dimension(nats: Tensor, dimensions: int) -> Tensor:
    """Bits per dimension of whole numbers 0..255 from the log density ``(n,)`` in nats of the same on the scale [0, 1],
    ``(n,)``: log2 256 - nats / (dimensions ln 2), at least the bits of the whole numbers themselves (Theis et al.
    2016)."""
    return math.log2(LEVELS) - nats / (dimensions * math.log(2))


def ceiling(dimensions: int, variance: float) -> float:
    """The most nats that any example can have with Gaussian noise of ``variance``: -D/2 ln(2 pi variance), where the
    decoder gives it exactly."""
    return -dimensions / 2 * math.log(2 * math.pi * variance)
