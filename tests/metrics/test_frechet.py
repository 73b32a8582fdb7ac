"""The Fréchet distance against closed forms for Gaussians, other ways to the same number, and torchmetrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from sparring.metrics import frechet as module
from sparring.metrics.frechet import Moments, distance_to, frechet, merged, moments
from sparring.metrics.score import NotComputable

COUNT = 1000  # of samples that exact moments claim to be of


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=random(seed), dtype=torch.float64)


def exact(mean: Tensor, covariance: Tensor) -> Moments:
    return Moments(COUNT, mean.double(), covariance.double() * (COUNT - 1))


def covariance_of(dimensions: int, seed: int) -> Tensor:
    """Of full rank, with eigenvectors along no axis."""
    factor = normal(dimensions, dimensions, seed=seed)
    return factor @ factor.T + 0.1 * torch.eye(dimensions)


def rotation(dimensions: int, seed: int) -> Tensor:
    return torch.linalg.qr(normal(dimensions, dimensions, seed=seed)).Q


def distance(one: Moments, other: Moments) -> float:
    return distance_to(one)(other)


@pytest.mark.parametrize("dimensions", [1, 2, 30])
def test_of_a_shift_it_is_the_squared_length(dimensions: int) -> None:
    mean, shift, covariance = normal(dimensions), normal(dimensions, seed=1), covariance_of(dimensions, 2)
    expected = sum(number**2 for number in shift.tolist())
    assert distance(exact(mean, covariance), exact(mean + shift, covariance)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dimensions", [1, 2, 30])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.1, 20.0])
def test_of_a_rescaled_unit_gaussian(dimensions: int, scale: float) -> None:
    unit, zero = torch.eye(dimensions), torch.zeros(dimensions)
    found = distance(exact(zero, unit), exact(zero, scale**2 * unit))
    assert found == pytest.approx(dimensions * (1 - scale) ** 2, rel=1e-6)


def test_of_covariances_that_commute() -> None:
    one, other = (10 * torch.rand(12, generator=random(seed), dtype=torch.float64) for seed in (0, 1))
    axes, zero = rotation(12, 2), torch.zeros(12)
    expected = sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(one.tolist(), other.tolist(), strict=True))
    found = distance(exact(zero, axes * one @ axes.T), exact(zero, axes * other @ axes.T))
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dimensions", [2, 5, 40])
def test_of_covariances_that_do_not_commute(dimensions: int) -> None:
    means, covariances = normal(2, dimensions), [covariance_of(dimensions, seed) for seed in (1, 2)]
    assert (covariances[0] @ covariances[1] - covariances[1] @ covariances[0]).abs().max() > 0.1
    root = scipy.linalg.sqrtm((covariances[0] @ covariances[1]).numpy())
    traces = sum(covariance.trace().item() for covariance in covariances) - 2 * np.trace(root).real
    expected = (means[0] - means[1]).square().sum().item() + traces
    found = distance(exact(means[0], covariances[0]), exact(means[1], covariances[1]))
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("rank", "other_rank"), [(1, 1), (3, 5), (8, 2), (0, 4)])
def test_of_covariances_without_full_rank(rank: int, other_rank: int) -> None:
    """Of A A' and B B' the trace of the root is the sum of the singular values of A' B."""
    one, other = normal(8, rank, seed=1), normal(8, other_rank, seed=2)
    cross = float(np.linalg.svd((one.T @ other).numpy(), compute_uv=False).sum())
    expected = (one.square().sum() + other.square().sum()).item() - 2 * cross
    found = distance(exact(torch.zeros(8), one @ one.T), exact(torch.zeros(8), other @ other.T))
    assert found == pytest.approx(expected, rel=1e-6)


def test_it_is_symmetric_and_zero_to_itself() -> None:
    one, other = (exact(normal(9, seed=seed), covariance_of(9, seed)) for seed in (1, 2))
    assert distance(one, other) == pytest.approx(distance(other, one), rel=1e-9)
    assert distance(one, one) == pytest.approx(0, abs=1e-9)
    assert distance(one, other) > 1


def test_a_rotation_and_a_shift_of_both_change_nothing() -> None:
    one, other = normal(300, 6, seed=1) @ covariance_of(6, 3), normal(200, 6, seed=2)
    moved = [features @ rotation(6, 4) + 7 for features in (one, other)]
    found = frechet(*moved)["frechet"]
    assert found.value == pytest.approx(frechet(one, other)["frechet"].value, rel=1e-9)
    assert found.error == pytest.approx(frechet(one, other)["frechet"].error, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("chunk", [7, 100_000])
def test_moments_of_data_far_from_the_origin(
    dtype: torch.dtype, offset: float, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    features = (normal(500, 5) * torch.tensor([1e-2, 0.1, 1, 10, 100]) + offset).to(dtype)
    found, data = moments(features), features.double().numpy()
    assert found.count == 500
    assert found.mean.dtype == found.covariance.dtype == torch.float64
    np.testing.assert_allclose(found.mean.numpy(), data.mean(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.covariance.numpy(), np.cov(data.T), rtol=1e-7, atol=1e-9)


def test_moments_of_parts_merge_to_those_of_the_whole() -> None:
    features = normal(400, 4) @ covariance_of(4, 1) + 1e4 + torch.arange(400)[:, None]  # parts differ in their mean
    for sizes in ([400], [1, 399], [100, 2, 250, 48]):
        found, whole = merged([moments(part) for part in features.split(sizes)]), moments(features)
        assert found.count == 400
        torch.testing.assert_close(found.mean, whole.mean, rtol=1e-12, atol=0)
        torch.testing.assert_close(found.covariance, whole.covariance, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("count", "other_count", "dimensions"), [(200, 200, 8), (500, 300, 32), (150, 400, 2)])
def test_torchmetrics_finds_the_same(count: int, other_count: int, dimensions: int) -> None:
    extractor = nn.Identity()
    extractor.num_features = dimensions
    metric = FrechetInceptionDistance(feature=extractor)
    reference = normal(count, dimensions, seed=1) @ covariance_of(dimensions, 3)
    samples = normal(other_count, dimensions, seed=2) + 0.5
    metric.update(reference, real=True)
    metric.update(samples, real=False)
    assert frechet(reference, samples)["frechet"].value == pytest.approx(metric.compute().item(), rel=1e-6)
    single = frechet(reference.float(), samples.float())["frechet"].value
    assert single == pytest.approx(metric.compute().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("reference", "samples", "what"),
    [(100, 21, "at least 22 samples, not 21"), (21, 100, "at least 22 real examples, not 21"), (100, 0, "not 0")],
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        frechet(normal(reference, 10), normal(samples, 10))
    assert math.isfinite(frechet(normal(22, 10), normal(22, 10, seed=1))["frechet"].value)


@pytest.mark.parametrize(("dimensions", "count"), [(1, 4), (2, 6), (2, 9), (3, 19)])
def test_the_jackknife_needs_two_samples_in_each_block(dimensions: int, count: int) -> None:
    with pytest.raises(NotComputable, match=f"at least 20 samples, not {count}"):
        frechet(normal(100, dimensions), normal(count, dimensions, seed=1))
    found = frechet(normal(20, dimensions), normal(20, dimensions, seed=1))["frechet"]
    assert math.isfinite(found.value)
    assert found.error > 0


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_the_error_is_the_spread_over_repeated_draws(shift: float) -> None:
    reference = normal(2000, 6, seed=999)
    found = [frechet(reference, 1.2 * normal(400, 6, seed=seed) + shift)["frechet"] for seed in range(40)]
    spread = np.std([each.value for each in found], ddof=1)
    error = math.sqrt(np.mean([each.error**2 for each in found]))
    assert 1 / 1.5 < error / spread < 1.5
