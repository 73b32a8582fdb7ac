"""Bounds of likelihoods against decoders whose likelihood has a closed form: linear ones with Gaussian noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from sparring.probability import annealing, hamiltonian
from sparring.probability.annealing import Annealing, Bounds, Sampler, effective_sample_size, log_mean, schedule
from sparring.probability.hamiltonian import Decode, Metric, Observed, State, transition
from sparring.probability.likelihood import simulate

LATENT, NUMBERS, VARIANCE = 4, 12, 0.05


@dataclass(frozen=True)
class Linear:
    """x = W z + b + noise."""

    weight: Tensor
    bias: Tensor

    def __call__(self, latents: Tensor, indices: Tensor) -> Tensor:
        return latents @ self.weight.T + self.bias

    def exact(self, examples: Tensor, variance: float = VARIANCE) -> Tensor:
        """log N(x; b, W W' + variance I) of examples ``(n, numbers)``, float64 ``(n,)``."""
        weight = self.weight.double()
        covariance = weight @ weight.T + variance * torch.eye(len(weight), dtype=torch.float64)
        return torch.distributions.MultivariateNormal(self.bias.double(), covariance).log_prob(examples.double())


@pytest.fixture(scope="module")
def linear() -> Linear:
    """Directions of very different lengths, as generators have them."""
    random = torch.Generator().manual_seed(0)
    lengths = torch.tensor([2.0, 1.0, 0.3, 0.05])
    return Linear(torch.randn(NUMBERS, LATENT, generator=random) * lengths, torch.randn(NUMBERS, generator=random))


def sampler(decode: Decode, examples: Tensor, distributions: int, chains: int = 8, seed: int = 0) -> Sampler:
    return Sampler(decode, examples, LATENT, VARIANCE, Annealing(chains, distributions), seed, lambda line: None)


def standard_error(values: Tensor) -> float:
    return values.std().item() / len(values) ** 0.5


@pytest.fixture(scope="module")
def enclosed(linear: Linear) -> tuple[Tensor, Bounds, Bounds]:
    """The exact log-likelihoods of 64 simulated examples, and their bounds."""
    latents, examples = simulate(linear, torch.zeros(64, NUMBERS), LATENT, VARIANCE, seed=1)
    made = sampler(linear, examples, 300)
    return linear.exact(examples), made.lower(), made.upper(latents)


def test_the_mean_lower_bound_is_below_the_truth_and_near_it(enclosed: tuple[Tensor, Bounds, Bounds]) -> None:
    exact, lower, _ = enclosed
    assert -0.2 < (lower.nats - exact).mean() < 3 * standard_error(lower.nats - exact)


def test_the_mean_upper_bound_is_above_the_truth_and_near_it(enclosed: tuple[Tensor, Bounds, Bounds]) -> None:
    exact, _, upper = enclosed
    assert -3 * standard_error(upper.nats - exact) < (upper.nats - exact).mean() < 0.2


def test_few_distributions_leave_bounds_that_are_wide_and_still_hold(linear: Linear) -> None:
    latents, examples = simulate(linear, torch.zeros(64, NUMBERS), LATENT, VARIANCE, seed=1)
    made, exact = sampler(linear, examples, 10), linear.exact(examples)
    assert (made.lower().nats - exact).mean() < -0.5
    assert (made.upper(latents).nats - exact).mean() > 0.5


def test_the_effective_sample_size_lies_between_one_and_the_number_of_chains(
    enclosed: tuple[Tensor, Bounds, Bounds],
) -> None:
    for bounds in enclosed[1:]:
        assert (bounds.effective >= 1 - 1e-9).all()
        assert (bounds.effective <= 8 + 1e-9).all()
    assert enclosed[1].effective.mean() > 3
    weights = torch.tensor([[0.0, 0.0, 0.0, -math.inf], [5.0, -900.0, -900.0, -900.0]], dtype=torch.float64)
    torch.testing.assert_close(effective_sample_size(weights), torch.tensor([3.0, 1.0], dtype=torch.float64))


def test_the_mean_of_weights_is_taken_where_their_exponentials_would_overflow() -> None:
    weights = torch.tensor([[2000.0, 2000.0 + math.log(3)]], dtype=torch.float64)
    torch.testing.assert_close(log_mean(weights), torch.tensor([2000.0 + math.log(2)], dtype=torch.float64))


def test_one_seed_decides_all(linear: Linear) -> None:
    latents, examples = simulate(linear, torch.zeros(3, NUMBERS), LATENT, VARIANCE, seed=1)
    found = [sampler(linear, examples, 20, seed=seed) for seed in (5, 5, 6)]
    lower, upper = [each.lower().nats for each in found], [each.upper(latents).nats for each in found]
    assert torch.equal(lower[0], lower[1])
    assert torch.equal(upper[0], upper[1])
    assert not torch.equal(lower[0], lower[2])


def test_steps_are_not_changed_by_the_runs_that_count(linear: Linear) -> None:
    """Weights from steps that adapt to the chains are no estimates of p(x)."""
    latents, examples = simulate(linear, torch.zeros(3, NUMBERS), LATENT, VARIANCE, seed=1)
    made = sampler(linear, examples, 20)
    before = made.steps.clone()
    first = made.lower().nats
    made.upper(latents)
    assert torch.equal(made.steps, before)
    assert torch.equal(made.lower().nats, first)


def test_steps_are_tuned_to_the_acceptance_that_is_aimed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else bounds them; of a decoder whose derivative differs from latent to latent."""
    monkeypatch.setattr(annealing, "LARGEST", 2.0)

    def decode(latents: Tensor, indices: Tensor) -> Tensor:
        return torch.sin(3 * latents).repeat(1, 8)

    latents, examples = simulate(decode, torch.zeros(8, 8 * LATENT), LATENT, VARIANCE, seed=1)
    made = sampler(decode, examples, 400)
    for bounds in (made.lower(), made.upper(latents)):
        assert abs(bounds.acceptance - annealing.ACCEPTANCE) < 0.1


def test_the_way_back_takes_the_steps_of_the_way_there(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each inverse temperature those that were tuned there."""
    taken = list[tuple[float, list[float]]]()

    def noted(
        observed: Observed, state: State, beta: float, steps: Tensor, root: Tensor, random: torch.Generator
    ) -> tuple[State, Tensor]:
        taken.append((beta, steps.tolist()))
        return transition(observed, state, beta, steps, root, random)

    latents, examples = simulate(linear, torch.zeros(3, NUMBERS), LATENT, VARIANCE, seed=1)
    made = sampler(linear, examples, 20)
    monkeypatch.setattr(annealing, "transition", noted)
    made.lower()
    made.upper(latents)
    assert taken[:19] == taken[:18:-1]
    assert [beta for beta, _ in taken[:19]] == schedule(20)[1:-1].tolist()
    assert len({tuple(steps) for _, steps in taken[:19]}) > 1


def test_the_schedule_goes_from_prior_to_posterior() -> None:
    betas = schedule(100)
    assert (betas[0], betas[-1], len(betas)) == (0, 1, 101)
    assert (betas.diff() > 0).all()
    low, middle, high = (1 / (1 + math.exp(-place)) for place in (-8, -3, 2))
    assert betas[50].item() == pytest.approx((middle - low) / (high - low))


# Transitions


def moved(observed: Observed, latents: Tensor, beta: float, step: float, root: Tensor, times: int) -> Tensor:
    """Chains at latents ``(examples, chains, latent)`` after so many transitions."""
    state, random = observed.at(latents), torch.Generator().manual_seed(3)
    for _ in range(times):
        state, _ = transition(observed, state, beta, torch.full((len(latents),), step), root, random)
    return state.latents


@pytest.mark.parametrize("step", [0.2, 1.2])
def test_transitions_leave_the_prior_invariant(linear: Linear, step: float) -> None:
    """At beta 0, however large a step: mean, covariance and fourth moment of 20,000 chains that began there."""
    latents = torch.randn(1, 20_000, LATENT, generator=torch.Generator().manual_seed(2))
    observed = Observed(linear, torch.zeros(1, NUMBERS), VARIANCE)
    after = moved(observed, latents, 0.0, step, torch.diag(torch.tensor([1.0, 0.5, 1.5, 1.0]))[None], 10)[0].double()
    assert not torch.equal(after, latents[0].double())
    assert after.mean(0).abs().max() < 4 / 20_000**0.5
    assert (after.T.cov() - torch.eye(LATENT)).abs().max() < 4 * (2 / 20_000) ** 0.5
    assert (after.pow(4).mean(0) - 3).abs().max() < 4 * (96 / 20_000) ** 0.5


def test_transitions_go_to_the_posterior_of_a_linear_decoder(linear: Linear) -> None:
    """Known in closed form at any beta: covariance (I + beta W'W / variance)^-1, mean that times beta W'(x - b) /
    variance."""
    example, beta = torch.randn(1, NUMBERS, generator=torch.Generator().manual_seed(4)), 0.3
    observed = Observed(linear, example, VARIANCE)
    root = Metric(linear, torch.randn(1, 2, LATENT, generator=torch.Generator().manual_seed(5))).root(beta / VARIANCE)
    after = moved(observed, torch.zeros(1, 20_000, LATENT), beta, 0.5, root, 25)[0].double()
    weight = linear.weight.double()
    covariance = (torch.eye(LATENT, dtype=torch.float64) + beta * weight.T @ weight / VARIANCE).inverse()
    mean = covariance @ (beta * weight.T @ (example[0] - linear.bias).double() / VARIANCE)
    sizes = covariance.diagonal().sqrt()
    assert ((after.mean(0) - mean) / sizes).abs().max() < 5 / 20_000**0.5
    assert ((after.T.cov() - covariance) / torch.outer(sizes, sizes)).abs().max() < 5 * (2 / 20_000) ** 0.5


def test_the_metric_is_the_precision_of_the_posterior_of_each_example(linear: Linear) -> None:
    """Of decoders that are linear, each example's by another matrix."""

    def decode(latents: Tensor, indices: Tensor) -> Tensor:
        return (1 + indices[:, None]) * linear(latents, indices)

    root = Metric(decode, torch.randn(2, 3, LATENT, generator=torch.Generator().manual_seed(6))).root(7.0)
    for number, each in enumerate(root):
        precision = torch.eye(LATENT) + 7 * (1 + number) ** 2 * linear.weight.T @ linear.weight
        torch.testing.assert_close(each @ each.T, precision.inverse(), rtol=1e-3, atol=1e-5)


def test_the_gradient_is_that_of_the_log_likelihood(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the closed forms; decoded in parts that examples do not divide."""
    monkeypatch.setattr(hamiltonian, "ROWS", 4)
    examples, latents = torch.randn(3, NUMBERS), torch.randn(3, 5, LATENT)
    state = Observed(linear, examples, VARIANCE).at(latents)
    residual = examples[:, None] - linear(latents, torch.arange(1))
    normal = torch.distributions.Normal(0, VARIANCE**0.5)
    torch.testing.assert_close(state.log_likelihood, normal.log_prob(residual.double()).sum(2), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(state.gradient, residual @ linear.weight / VARIANCE, rtol=1e-4, atol=1e-3)


def test_each_example_is_decoded_as_the_one_it_is(linear: Linear) -> None:
    """A conditional decoder: each example's own bias, without which the bounds would be far below."""
    biases = torch.tensor([0.0, 10.0, -10.0])[:, None]

    def decode(latents: Tensor, indices: Tensor) -> Tensor:
        return linear(latents, indices) + biases[indices]

    latents, examples = simulate(decode, torch.zeros(3, NUMBERS), LATENT, VARIANCE, seed=1)
    exact = linear.exact(examples - biases)
    made = sampler(decode, examples, 200)
    torch.testing.assert_close(made.lower().nats, exact, rtol=0, atol=1.5)
    torch.testing.assert_close(made.upper(latents).nats, exact, rtol=0, atol=1.5)


def test_numbers_that_are_not_finite_are_rejected() -> None:
    """A decoder that leaves all numbers where chains must not go."""

    def decode(latents: Tensor, indices: Tensor) -> Tensor:
        return latents / (latents.abs().amax(1, keepdim=True) <= 1).float()

    observed = Observed(decode, torch.zeros(1, LATENT), VARIANCE)
    after = moved(observed, torch.zeros(1, 50, LATENT), 0.1, 1.0, torch.eye(LATENT)[None], 10)
    assert after.isfinite().all()
    assert after.abs().max() <= 1
    assert (after != 0).any()


def test_no_more_is_decoded_at_once_than_fits(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of examples of many numbers few, in chains and in the metric alike, which changes nothing of the bounds."""
    examples, most = simulate(linear, torch.zeros(3, NUMBERS), LATENT, VARIANCE, seed=1)[1], list[int]()

    def decode(latents: Tensor, indices: Tensor) -> Tensor:
        most.append(len(latents))
        return linear(latents, indices)

    together = sampler(decode, examples, 30).lower().nats
    assert max(most) == 24  # all chains
    most.clear()
    monkeypatch.setattr(hamiltonian, "DECODED", 2 * NUMBERS)
    monkeypatch.setattr(hamiltonian, "COLUMNS", 5)
    torch.testing.assert_close(sampler(decode, examples, 30).lower().nats, together, rtol=0, atol=1e-3)
    assert max(most) == 2
    assert hamiltonian.rows_at_once(10 * NUMBERS) == 1
