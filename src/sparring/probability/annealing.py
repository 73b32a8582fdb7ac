"""Bounds of the log-likelihood of a decoder: annealed importance sampling (Neal 2001) between prior and posterior, and
bidirectional Monte Carlo, which tells on simulated examples how tight they are (Grosse et al. 2015; for decoders Wu,
Burda, Salakhutdinov & Grosse, ICLR 2017).

A chain starts at the prior and goes through the densities N(z; 0, I) p(x | z)^beta of a schedule of beta from 0 to 1.
The mean of its weights, exp of the sum of (beta_t - beta_(t-1)) log p(x | z_(t-1)), is p(x) in expectation, so its
logarithm is a lower bound of log p(x) in expectation. A chain that starts at the latent from which an example was
simulated, an exact draw of the posterior, and goes back to the prior gives 1 / p(x) in expectation, hence an upper
bound. Step sizes are tuned in a run of their own and stay as they are while weights accumulate, which these statements
need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.seeds import mixed
from sparring.core.status import Countdown
from sparring.kind import Say
from sparring.probability.hamiltonian import LEAPFROGS, Decode, Metric, Observed, transition

FROM, TO = -8, 2  # the part of the logistic function that is the schedule; see :func:`schedule`
ACCEPTANCE = 0.65  # what steps are tuned to (Neal 2011, section 5.4.3)
FIRST, SMALLEST = 0.5, 1e-4  # step sizes: where tuning begins, and the least
LARGEST = math.pi / 2 / LEAPFROGS  # a quarter of the period of a Gaussian: longer trajectories come back
RATE = 0.5  # by which log step sizes follow the acceptance
TUNING, FEWEST = 10, 50  # one distribution for so many of the run that counts; the fewest of a tuning run
TWICE = 2  # tuned by the metric at latents of the prior, and again by that where chains then ended: at the posterior
PROBES = 8  # latents of each example at which the metric is taken


@dataclass(frozen=True)
class Annealing:
    """How much is computed: chains of each example, and distributions from prior to posterior."""

    chains: int = 8
    distributions: int = 4000


@dataclass(frozen=True)
class Bounds:
    """Bounds of log p(x) of examples, in nats, float64 ``(examples,)``; the effective sample size of the weights behind
    each, from 1 to the number of chains; and the mean acceptance of all transitions."""

    nats: Tensor
    effective: Tensor
    acceptance: float


def schedule(distributions: int) -> Tensor:
    """Inverse temperatures from 0 to 1, float64 ``(distributions + 1,)``: the logistic function from -8 to 2, brought
    to [0, 1].

    Wu et al. 2017 take it from -4 to 4. With little noise a picture is felt at a beta of a thousandth already, and most
    of what chains have to go through lies there: the bounds of 6 simulated digits (1,000 distributions, variance 0.005)
    were 6.9 nats apart so, 13.9 by the symmetric schedule.
    """
    places = torch.linspace(FROM, TO, distributions + 1, dtype=torch.float64).sigmoid()
    return (places - places[0]) / (places[-1] - places[0])


class Sampler:
    """Bounds of log p(x) of examples ``(examples, ...)`` under z ~ N(0, I), ``(latent,)``, x ~ N(decode(z), variance
    I).

    Making one tunes the step sizes of each example; everything is decided by ``seed``, and each of the runs draws other
    random numbers. Memory grows with examples x chains x latent; what is decoded is bounded (``hamiltonian.DECODED``).
    """

    def __init__(
        self, decode: Decode, examples: Tensor, latent: int, variance: float, annealing: Annealing, seed: int, say: Say
    ) -> None:
        self.observed, self.latent = Observed(decode, examples, variance), latent
        self.annealing, self.say = annealing, say
        self.seeds = [mixed(seed, run) for run in range(3)]
        random = torch.Generator().manual_seed(self.seeds[0])
        places = torch.randn(len(examples), PROBES, latent, generator=random).to(examples.device)
        for _ in range(TWICE):
            self.metric = Metric(decode, places[:, :PROBES], self.observed.rows)
            self.steps, places = self._tuned(random)

    def lower(self) -> Bounds:
        """Lower bounds in expectation, from chains that start at the prior."""
        random = torch.Generator().manual_seed(self.seeds[1])
        weights, acceptance = self._weights(self._prior(random), forward=True, random=random)
        return Bounds(log_mean(weights), effective_sample_size(weights), acceptance)

    def upper(self, latents: Tensor) -> Bounds:
        """Upper bounds in expectation, from chains that start at ``latents`` ``(examples, latent)``: those from which
        the examples were simulated, with this noise."""
        random = torch.Generator().manual_seed(self.seeds[2])
        start = latents[:, None].expand(-1, self.annealing.chains, -1)
        weights, acceptance = self._weights(start, forward=False, random=random)
        return Bounds(-log_mean(weights), effective_sample_size(weights), acceptance)

    def _prior(self, random: torch.Generator) -> Tensor:
        """Latents ``(examples, chains, latent)`` of the prior."""
        examples = self.observed.examples
        return torch.randn(len(examples), self.annealing.chains, self.latent, generator=random).to(examples.device)

    def _root(self, beta: float) -> Tensor:
        """The metric's root ``(examples, latent, latent)`` at an inverse temperature."""
        return self.metric.root(beta / self.observed.variance)

    def _tuned(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Step sizes ``(distributions - 1, examples)`` at the schedule's inner temperatures, which led to the
        acceptance that is aimed at in a shorter run, whose weights nobody asks for; and where its chains ended, latents
        ``(examples, chains, latent)``."""
        wanted = self.annealing.distributions
        betas = schedule(min(wanted, max(FEWEST, wanted // TUNING)))[1:-1].tolist()
        state, found = self.observed.at(self._prior(random)), []
        step = torch.full((len(self.observed.examples),), FIRST, device=state.latents.device)
        for beta in betas:
            state, accepted = transition(self.observed, state, beta, step, self._root(beta), random)
            found.append(step)
            step = (step * (RATE * (accepted.mean(1) - ACCEPTANCE)).exp().float()).clamp(SMALLEST, LARGEST)
        short = torch.stack(found, 1)[None]  # (1, examples, distributions of this run)
        steps = torch.nn.functional.interpolate(short, wanted - 1, mode="linear", align_corners=True)[0].T
        return steps, state.latents

    def _weights(self, latents: Tensor, *, forward: bool, random: torch.Generator) -> tuple[Tensor, float]:
        """Log weights, float64 ``(examples, chains)``, of chains that start at ``latents`` ``(examples, chains,
        latent)`` and go up the schedule, or down; and the mean acceptance."""
        betas, steps = schedule(self.annealing.distributions), self.steps
        if not forward:
            betas, steps = betas.flip(0), steps.flip(0)
        state = self.observed.at(latents)
        weights, acceptance = torch.zeros_like(state.log_likelihood), 0.0
        countdown = Countdown(self.say, "annealing" if forward else "annealing backwards", len(steps))
        for number, (change, beta) in enumerate(zip(betas.diff().tolist(), betas[1:].tolist(), strict=True)):
            weights += change * state.log_likelihood
            if number < len(steps):  # nobody looks at where the last one would lead
                state, accepted = transition(self.observed, state, beta, steps[number], self._root(beta), random)
                acceptance += accepted.mean().item() / len(steps)
                countdown.done(number + 1)
        return weights, acceptance


def log_mean(weights: Tensor) -> Tensor:
    """The logarithm of the mean weight of each example's chains, ``(examples,)``, of log weights ``(examples,
    chains)``."""
    return weights.logsumexp(1) - math.log(weights.shape[1])


def effective_sample_size(weights: Tensor) -> Tensor:
    """The effective sample size (sum of w)^2 / sum of w^2 of each example's log weights ``(examples, chains)``:
    ``(examples,)``, from 1 to the number of chains (Kong 1992)."""
    return 1 / weights.softmax(1).square().sum(1)
