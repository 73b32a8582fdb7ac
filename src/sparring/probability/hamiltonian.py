"""Hamiltonian Monte Carlo over the latents of a decoder, many chains of many examples at once (Duane et al. 1987; Neal
2011, "MCMC using Hamiltonian dynamics").

The model: z ~ N(0, I), x = decode(z) + noise, noise ~ N(0, variance I). A chain moves under the density N(z; 0, I)
p(x | z)^beta, with beta, the inverse temperature, from 0 (the prior) to 1 (the posterior).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Decode = Callable[[Tensor, Tensor], Tensor]
"""Latents ``(rows, latent)`` and, int64 ``(rows,)``, the number of the example that each row is for (a conditional
decoder looks up its label) to what is expected of the example, ``(rows, ...)``."""

ROWS, DECODED = 128, 1 << 21  # latents, and numbers of examples, decoded at once, at most, which bounds memory
LEAPFROGS = 3  # steps of a trajectory
JITTER = 0.2  # of a step's size, either way at random, so that no trajectory comes back to where it began
DIFFERENCE = 0.01  # of a latent, over which the decoder's derivative is taken for the metric
COLUMNS = 1 << 14  # numbers of an example over which its products are summed at once


def rows_at_once(numbers: int) -> int:
    """How many examples of so many numbers are decoded at once."""
    return max(1, min(ROWS, DECODED // numbers))


@dataclass(frozen=True)
class State:
    """Where chains are: latents ``(examples, chains, latent)``, there the log-likelihood log p(x | z) in nats, float64
    ``(examples, chains)``, and its gradient, of the latents' shape."""

    latents: Tensor
    log_likelihood: Tensor
    gradient: Tensor

    def where(self, accepted: Tensor, other: State) -> State:
        """These chains where ``accepted`` ``(examples, chains)``, those of ``other`` elsewhere."""
        chosen = accepted[..., None]
        return State(
            torch.where(chosen, self.latents, other.latents),
            torch.where(accepted, self.log_likelihood, other.log_likelihood),
            torch.where(chosen, self.gradient, other.gradient),
        )


class Observed:
    """Examples ``(examples, ...)`` as a decoder with Gaussian noise of ``variance`` explains them."""

    def __init__(self, decode: Decode, examples: Tensor, variance: float) -> None:
        self.decode, self.variance = decode, variance
        self.examples = examples.flatten(1)
        self.rows = rows_at_once(self.examples.shape[1])

    def at(self, latents: Tensor) -> State:
        """The state of chains at ``latents`` ``(examples, chains, latent)``, some rows at a time. The gradient is taken
        through the decoder alone; squares are summed in float64."""
        count, chains, _ = latents.shape
        rows = torch.arange(count, device=latents.device).repeat_interleave(chains)
        squares, gradients = [], []
        parts = (torch.split(each, self.rows) for each in (latents.flatten(0, 1), rows))
        for part, indices in zip(*parts, strict=True):
            given = part.detach().requires_grad_()
            with torch.enable_grad():
                residual = self.decode(given, indices).flatten(1) - self.examples[indices]
                square = residual.square().sum(1, dtype=torch.float64)
                gradients.append(torch.autograd.grad(square.sum(), given)[0])
            squares.append(square.detach())
        constant = -self.examples.shape[1] / 2 * math.log(2 * math.pi * self.variance)
        scale = -1 / (2 * self.variance)
        return State(
            latents.detach(),
            constant + scale * torch.cat(squares).view(count, chains),
            scale * torch.cat(gradients).view_as(latents),
        )


class Metric:
    """The mass matrix I + beta / variance E[J'J] of each example, J the decoder's derivative by its latents, the mean
    over some latents: near the precision of the posterior, and just that for a linear decoder.

    It stretches latents so that one step fits all directions (as Girolami & Calderhead 2011, but alike wherever a chain
    is, so that plain trajectories leave the density invariant): the bounds of 6 simulated digits (2,000 distributions,
    variance 0.02) were 2.5 nats apart by it, 9.6 without. ``latents`` ``(examples, probes, latent)`` are where J is
    taken, by differences, ``rows`` decoded at once.
    """

    def __init__(self, decode: Decode, latents: Tensor, rows: int = ROWS) -> None:
        products = [
            torch.stack([squared_derivative(decode, probe, number, rows) for probe in probes]).mean(0)
            for number, probes in enumerate(latents)
        ]
        values, vectors = torch.linalg.eigh(torch.stack(products).cpu())
        self.values, self.vectors = values.clamp(min=0).to(latents), vectors.to(latents)

    def root(self, weight: float) -> Tensor:
        """A matrix S for each example, ``(examples, latent, latent)``, with S S' the inverse of I + weight E[J'J]."""
        scaled: Tensor = self.vectors / (1 + weight * self.values).sqrt()[:, None]
        return scaled


@torch.no_grad()
def squared_derivative(decode: Decode, latent: Tensor, number: int, rows: int) -> Tensor:
    """J'J of the derivative J of a decoder by its latents, at one latent ``(latent,)`` of the example of that number,
    float64 ``(latent, latent)``: by differences over ``DIFFERENCE``, of which ``rows`` are decoded at once."""
    moves = DIFFERENCE * torch.eye(len(latent), device=latent.device)
    parts = torch.split(latent + torch.cat([torch.zeros_like(moves[:1]), moves]), rows)
    indices = (torch.full((len(part),), number, device=latent.device) for part in parts)
    decoded = [decode(*each).flatten(1) for each in zip(parts, indices, strict=True)]
    products = torch.zeros(len(latent), len(latent), dtype=torch.float64, device=latent.device)
    for columns in zip(*(torch.split(each, COLUMNS, 1) for each in decoded), strict=True):
        some = torch.cat(columns)
        differences = (some[1:] - some[:1]).double() / DIFFERENCE
        products += differences @ differences.T
    return products


@torch.no_grad()
def trajectory(
    observed: Observed, state: State, momenta: Tensor, beta: float, steps: Tensor, root: Tensor
) -> tuple[State, Tensor]:
    """``LEAPFROGS`` leapfrog steps of sizes ``steps`` ``(examples, chains)`` from ``state``; the new state and momenta.

    ``momenta`` ``(examples, chains, latent)`` are standard normal, those of latents stretched by ``root``, see
    :meth:`Metric.root`: z moves by S p, p by S' times the gradient of the log density.
    """
    size = steps[..., None]
    for _ in range(LEAPFROGS):
        momenta = momenta + size / 2 * (beta * state.gradient - state.latents) @ root
        state = observed.at(state.latents + size * momenta @ root.mT)
        momenta = momenta + size / 2 * (beta * state.gradient - state.latents) @ root
    return state, momenta


def transition(
    observed: Observed, state: State, beta: float, steps: Tensor, root: Tensor, random: torch.Generator
) -> tuple[State, Tensor]:
    """One Metropolis step that leaves N(z; 0, I) p(x | z)^beta invariant: a trajectory from fresh momenta, with steps
    about as large as ``steps`` ``(examples,)``. The new state, and the probability of each acceptance, float64
    ``(examples, chains)``."""
    shape, device = state.log_likelihood.shape, state.latents.device
    momenta = torch.randn(state.latents.shape, generator=random).to(device)
    jitter = (1 - JITTER + 2 * JITTER * torch.rand(shape, generator=random)).to(device)
    threshold = torch.rand(shape, generator=random, dtype=torch.float64).to(device)
    new, after = trajectory(observed, state, momenta, beta, steps[:, None] * jitter, root)
    gain = log_joint(new, after, beta) - log_joint(state, momenta, beta)
    probability = gain.clamp(max=0).exp().nan_to_num(0)  # where a trajectory leaves all numbers it is rejected
    return new.where(threshold < probability, state), probability


def log_joint(state: State, momenta: Tensor, beta: float) -> Tensor:
    """The log density of latents and momenta ``(examples, chains, latent)`` at inverse temperature ``beta``, up to a
    constant, float64 ``(examples, chains)``."""
    squares = state.latents.square().sum(2, dtype=torch.float64) + momenta.square().sum(2, dtype=torch.float64)
    return beta * state.log_likelihood - squares / 2
