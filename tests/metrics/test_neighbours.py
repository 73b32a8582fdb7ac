"""Nearest neighbours against scikit-learn; precision, recall, density and coverage against their authors' package."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from sparring.metrics import neighbours as module
from sparring.metrics.neighbours import distances, nearest, neighbourhoods
from sparring.metrics.score import NotComputable

NAMES = ["precision", "recall", "density", "coverage"]
SHAPES = [(100, 2), (60, 64), (150, 5)]
TINY = 333  # distances held at a time: less than two rows


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(count: int, dimensions: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dimensions, generator=random(seed), dtype=torch.float64)


@pytest.mark.parametrize("entries", [TINY, 1, module.ENTRIES])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_distances_come_some_rows_at_a_time(entries: int, offset: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRIES", entries)
    queries, points = normal(41, 3) + offset, normal(100, 3, seed=1) + offset
    found = list(distances(queries, points))
    assert [row for some, _ in found for row in range(41)[some]] == list(range(41))
    assert all(squared.numel() <= max(entries, 100) for _, squared in found)
    expected = (queries[:, None] - points[None]).square().sum(2)
    torch.testing.assert_close(torch.cat([squared for _, squared in found]), expected)


@pytest.mark.parametrize("entries", [TINY, module.ENTRIES])
@pytest.mark.parametrize(("count", "dimensions"), SHAPES)
@pytest.mark.parametrize("same", [False, True])
def test_scikit_learn_finds_the_same_neighbours(
    entries: int, count: int, dimensions: int, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENTRIES", entries)
    points = normal(count, dimensions)
    queries = points if same else normal(70, dimensions, seed=1)
    theirs = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(points.numpy())
    apart, index = theirs.kneighbors(None if same else queries.numpy())
    found = nearest(queries, points, 4, same=same)
    np.testing.assert_array_equal(found[1].numpy(), index)
    np.testing.assert_allclose(found[0].numpy(), apart, rtol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("dimensions", [2, 64])
def test_a_copy_is_at_distance_zero(offset: float, dimensions: int) -> None:
    points = (normal(300, dimensions) + offset).float()
    copied = torch.randperm(300, generator=random(1))[:50]
    apart, index = nearest(points[copied], points, 2)
    assert (apart[:, 0] == 0).all()
    assert torch.equal(index[:, 0], copied)
    assert (apart[:, 1] > 0).all()
    squared = torch.cat([some for _, some in distances(points[copied], points)])
    assert torch.equal(squared == 0, copied[:, None] == torch.arange(300))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_distances_tell_a_close_point_from_a_copy(offset: float) -> None:
    points = normal(300, 6) + offset
    squared = torch.cat([some for _, some in distances(points + 1e-5 * normal(300, 6, seed=1), points)])
    assert (squared > 0).all()


def test_a_point_far_away_does_not_change_the_neighbours_of_the_others() -> None:
    points = normal(200, 6)
    more = torch.cat([points, torch.full((1, 6), 1e7)])
    apart, index = nearest(points, points, 1, same=True)
    found = nearest(more, more, 1, same=True)
    assert torch.equal(found[1][:200], index)
    assert torch.equal(found[0][:200], apart)


def test_a_point_is_its_own_neighbour_only_when_it_is_there_twice() -> None:
    points = torch.cat([normal(30, 3), normal(1, 3, seed=1), normal(1, 3, seed=1)])
    apart, index = nearest(points, points, 1, same=True)
    assert (apart[:30] > 0).all()
    assert apart[30:, 0].tolist() == [0, 0]
    assert index[30:, 0].tolist() == [31, 30]


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("count", "dimensions"), SHAPES)
def test_the_package_of_the_authors_finds_the_same(
    k: int, count: int, dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRECISION_K", k)
    monkeypatch.setattr(module, "DENSITY_K", k)
    reference, samples = normal(count, dimensions), 0.9 * normal(count, dimensions, seed=1) + 0.3
    expected = compute_prdc(reference.numpy(), samples.numpy(), k)
    for entries in (TINY, module.ENTRIES):
        monkeypatch.setattr(module, "ENTRIES", entries)
        found = neighbourhoods(reference, samples)
        assert list(found) == NAMES
        for name in NAMES:
            assert found[name].value == pytest.approx(expected[name], abs=1e-4), name
    assert 0 < expected["recall"] != expected["precision"]


def test_precision_looks_at_three_neighbours_and_coverage_at_five() -> None:
    reference, samples = normal(80, 2), 0.8 * normal(80, 2, seed=1) + 0.5
    apart = (samples[:, None] - reference[None]).norm(dim=2)
    real, fake = (torch.cdist(points, points).sort(dim=1).values for points in (reference, samples))
    expected = {
        "precision": (apart <= real[None, :, 3]).any(1),
        "recall": (apart <= fake[:, None, 3]).any(0),
        "density": (apart <= real[None, :, 5]).sum(1) / 5,
        "coverage": (apart <= real[None, :, 5]).any(0),
    }
    for name, estimate in neighbourhoods(reference, samples).items():
        assert estimate.value == pytest.approx(expected[name].double().mean().item(), abs=1e-6), name
        if name in ("precision", "density"):
            error = expected[name].double().std().item() / math.sqrt(80)
        else:
            inside = apart <= (real[None, :, 5] if name == "coverage" else fake[:, None, 3])
            rest = [torch.cat([inside[: 8 * part], inside[8 * part + 8 :]]) for part in range(10)]  # without a tenth
            error = 3 * np.std([left.any(0).double().mean().item() for left in rest])
        assert estimate.error == pytest.approx(error, rel=1e-5), name
    assert not torch.equal(expected["precision"], (apart <= real[None, :, 5]).any(1))  # the number matters here
    assert not torch.equal(expected["recall"], (apart <= fake[:, None, 5]).any(0))
    assert not torch.equal(expected["coverage"], (apart <= real[None, :, 3]).any(0))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_identical_sets_cover_each_other(offset: float) -> None:
    points = (normal(200, 8) + offset).float()
    found = neighbourhoods(points, points[torch.randperm(200, generator=random(1))])
    assert [found[name].value for name in ("precision", "recall", "coverage")] == [1, 1, 1]


def test_identical_sets_of_many_copies_cover_each_other() -> None:
    points = normal(50, 4).repeat_interleave(6, 0)[torch.randperm(300, generator=random(1))]
    found = neighbourhoods(points, points.clone())
    assert [found[name].value for name in ("precision", "recall", "coverage")] == [1, 1, 1]


def test_sets_far_apart_share_nothing() -> None:
    found = neighbourhoods(normal(100, 3), normal(100, 3, seed=1) + 100)
    assert [(found[name].value, found[name].error) for name in NAMES] == [(0, 0)] * 4


def test_a_collapsed_set_is_precise_but_recalls_nothing() -> None:
    reference = normal(200, 3)
    found = neighbourhoods(reference, 1e-3 * normal(200, 3, seed=1))  # in the middle of the real ones
    assert found["precision"].value == 1
    assert found["recall"].value < 0.05
    assert found["coverage"].value < 0.1


@pytest.mark.parametrize(("dimensions", "scale", "shift"), [(2, 1.0, 0.0), (2, 0.5, 0.0), (6, 1.0, 0.0), (6, 1.0, 0.5)])
def test_errors_are_the_spread_over_repeated_draws(dimensions: int, scale: float, shift: float) -> None:
    reference = normal(200, dimensions, seed=998)
    found = [neighbourhoods(reference, scale * normal(200, dimensions, seed=seed) + shift) for seed in range(100)]
    for name in NAMES:
        error = math.sqrt(np.mean([each[name].error ** 2 for each in found]))
        assert 1 / 2 < error / np.std([each[name].value for each in found], ddof=1) < 2, name


def test_only_as_many_real_examples_as_samples_are_looked_at() -> None:
    reference, samples = normal(300, 3), normal(100, 3, seed=1)
    assert neighbourhoods(reference, samples) == neighbourhoods(reference[:100], samples)


@pytest.mark.parametrize(
    ("reference", "samples", "what"), [(100, 19, "20 samples, not 19"), (49, 50, "50 real examples, not 49")]
)
def test_too_few_are_refused_with_how_many_it_takes(reference: int, samples: int, what: str) -> None:
    with pytest.raises(NotComputable, match=what):
        neighbourhoods(normal(reference, 3), normal(samples, 3))
