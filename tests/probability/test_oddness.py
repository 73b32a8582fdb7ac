"""Oddness by nearest neighbours, against scikit-learn, and what unit lengths make of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from sparring.images.features.pixels import blurred_pixels
from sparring.metrics.features import Features
from sparring.probability.neighbours import NEAREST, Neighbours


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PLAIN = Features("numbers", "none", lambda examples: examples.flatten(1).float())


@pytest.mark.parametrize("training", [300, 3])  # or fewer than the nearest
def test_the_mean_squared_distance_to_the_nearest(training: int) -> None:
    real, examples = torch.randn(training, 2, 3, generator=random()), torch.randn(40, 2, 3, generator=random(1))
    oracle = NearestNeighbors(n_neighbors=min(NEAREST, training), algorithm="brute").fit(real.flatten(1).double())
    distances, indices = oracle.kneighbors(examples.flatten(1).double())
    oddness, nearest = Neighbours(PLAIN, real).oddness(examples)
    assert oddness.dtype == np.float64
    np.testing.assert_allclose(oddness, np.square(distances).mean(1), rtol=1e-6)
    np.testing.assert_array_equal(nearest, indices[:, 0])


def test_of_vectors_of_unit_length_it_is_twice_one_less_the_cosine() -> None:
    real = torch.randint(256, (80, 1, 12, 12), generator=random(), dtype=torch.uint8)
    examples = torch.randint(256, (20, 1, 12, 12), generator=random(1), dtype=torch.uint8)
    features = blurred_pixels(real)
    oddness, nearest = Neighbours(features, real).oddness(examples)
    cosines = features(examples).double() @ features(real).double().T
    assert cosines.abs().max() <= 1 + 1e-6
    closest = cosines.topk(NEAREST, 1)
    np.testing.assert_allclose(oddness / 2, 1 - closest.values.mean(1), rtol=1e-5)
    np.testing.assert_array_equal(nearest, closest.indices[:, 0])


def test_a_copy_is_its_own_neighbour_and_what_is_elsewhere_is_odd() -> None:
    real = torch.randn(50, 4, generator=random())
    neighbours = Neighbours(PLAIN, real)
    assert neighbours.oddness(real[:9])[1].tolist() == list(range(9))
    assert neighbours.oddness(real + 20)[0].min() > neighbours.oddness(torch.randn(50, 4, generator=random(1)))[0].max()
