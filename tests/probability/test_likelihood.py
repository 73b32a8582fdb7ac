"""What is told of a likelihood: its scale, its ceiling, the noise that is chosen."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sparring.media.pictures.sheets import to_bytes
from sparring.probability import likelihood
from sparring.probability.annealing import Annealing, Sampler
from sparring.probability.likelihood import (
    Decoder,
    Real,
    bits_per_dimension,
    ceiling,
    choose_variance,
    dequantised,
    measure,
    on_unit_scale,
    simulate,
)

WEIGHT = torch.randn(9, 2, generator=torch.Generator().manual_seed(0)) / 10


def images_of(latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """Pictures ``(rows, 1, 3, 3)`` about [-1, 1], lighter by the label where there is one."""
    pictures = (latents @ WEIGHT.T).view(-1, 1, 3, 3)
    return pictures if labels is None else pictures + labels[:, None, None, None] / 5


def decoder() -> Decoder:
    return Decoder(lambda latents, labels: on_unit_scale(images_of(latents, labels)), 2)


def normal(mean: Tensor, weight: Tensor, variance: float) -> torch.distributions.MultivariateNormal:
    covariance = weight.double() @ weight.double().T + variance * torch.eye(len(weight), dtype=torch.float64)
    return torch.distributions.MultivariateNormal(mean.double(), covariance)


def test_the_density_is_on_the_scale_from_zero_to_one() -> None:
    """In closed form from the density of pictures in [-1, 1], whose unit is 127.5 / 256 as long."""
    variance, stretch = 0.02, 256 / 127.5
    latents, examples = simulate(decoder().under(None), torch.zeros(32, 1, 3, 3), 2, variance, seed=1)
    in_images = (examples.flatten(1).double() * 256 - 0.5) / 127.5 - 1
    exact = normal(torch.zeros(9), WEIGHT, variance * stretch**2).log_prob(in_images) + 9 * math.log(stretch)
    sampler = Sampler(decoder().under(None), examples, 2, variance, Annealing(8, 200), 0, lambda line: None)
    difference = sampler.lower().nats - exact
    assert -0.1 < difference.mean() < 3 * difference.std() / len(difference) ** 0.5
    assert (sampler.upper(latents).nats - exact).mean().abs() < 0.1


def test_a_pictures_byte_is_in_the_middle_of_its_cell() -> None:
    every = torch.arange(256).byte()
    assert torch.equal(to_bytes(every.float() / 127.5 - 1), every)
    torch.testing.assert_close(on_unit_scale(every.float() / 127.5 - 1), (every.float() + 0.5) / 256)
    noisy = dequantised(every.repeat(200, 1), seed=0)
    assert torch.equal((noisy * 256).floor().byte(), every.repeat(200, 1))
    assert (noisy.mean(0) - (every.float() + 0.5) / 256).abs().max() < 5 * (1 / 256) / 12**0.5 / 200**0.5
    assert torch.equal(noisy, dequantised(every.repeat(200, 1), seed=0))
    assert not torch.equal(noisy, dequantised(every.repeat(200, 1), seed=1))


def test_an_even_density_costs_eight_bits_for_each_byte() -> None:
    assert bits_per_dimension(torch.zeros(1), 784).item() == pytest.approx(8)
    one_level_for_sure = torch.tensor([784 * math.log(256)])
    assert bits_per_dimension(one_level_for_sure, 784).item() == pytest.approx(0, abs=1e-5)


def test_no_example_is_likelier_than_the_ceiling() -> None:
    """Reached where a decoder gives the example whatever its latents are; the published figures of MNIST."""
    assert ceiling(784, 0.01) == pytest.approx(1084.8, abs=0.1)
    assert bits_per_dimension(torch.tensor([ceiling(784, 0.025)]), 784).item() == pytest.approx(6.665, abs=0.001)
    examples = torch.rand(4, 9, generator=torch.Generator().manual_seed(0))
    for share in (1.0, 0.9):

        def decode(latents: Tensor, indices: Tensor, share: float = share) -> Tensor:
            return share * examples[indices] + 0 * latents.sum(1, keepdim=True)

        nats = Sampler(decode, examples, 2, 0.02, Annealing(4, 20), 0, lambda line: None).lower().nats
        distance = (((1 - share) * examples).square().sum(1) / 0.04).double()
        torch.testing.assert_close(nats, ceiling(9, 0.02) - distance, rtol=0, atol=1e-4)


def test_the_noise_is_chosen_that_examples_were_made_with() -> None:
    for variance in likelihood.VARIANCES:
        _, examples = simulate(decoder().under(None), torch.zeros(64, 1, 3, 3), 2, variance, seed=2)
        assert choose_variance(decoder(), Real(examples, None), Annealing(4, 200), 0, lambda line: None) == variance


def test_everything_is_measured_under_each_examples_label() -> None:
    """Of a conditional decoder: the bounds enclose the truth, which they could not under other labels."""
    labels, said = torch.arange(24) % 3, list[str]()
    made = [
        simulate(decoder().under(labels), torch.zeros(24, 1, 3, 3), 2, 0.01, seed=seed)[1] for seed in (3, 4)
    ]  # fmt: skip
    found = measure(decoder(), Real(made[0], labels), Real(made[1], labels), Annealing(8, 200), 0, said.append)
    mean = on_unit_scale(images_of(torch.zeros(24, 2), labels)).flatten(1)
    truth = normal(mean, WEIGHT * 127.5 / 256, 0.01).log_prob(made[0].flatten(1).double())
    assert found.variance == 0.01
    assert found.dimensions == 9
    assert (found.real.nats - truth).mean().abs() < 0.1
    assert found.gap.mean() < 0.2
    assert (len(found.real.nats), len(found.gap)) == (24, likelihood.SIMULATED)
    assert sum("noise of variance" in line for line in said) == len(likelihood.VARIANCES)
