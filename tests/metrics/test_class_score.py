"""The score of Salimans et al. 2016 by the classes of a user's own, where its value is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.metrics.class_score import class_score, scored
from sparring.metrics.score import blocks


def certain(labels: Tensor, classes: int) -> Tensor:
    """Probabilities ``(n, classes)`` of a classifier that has no doubt."""
    return one_hot(labels, classes).double()


@pytest.mark.parametrize("classes", [2, 7, 10])
def test_certain_of_every_class_is_their_number(classes: int) -> None:
    assert class_score([certain(torch.arange(70 * classes) % classes, classes)]) == pytest.approx(classes)


@pytest.mark.parametrize(("used", "classes"), [(1, 10), (3, 10), (5, 6)])
def test_of_few_classes_it_is_as_many(used: int, classes: int) -> None:
    assert class_score([certain(torch.arange(60) % used, classes)]) == pytest.approx(used)


def test_doubt_is_worth_nothing() -> None:
    assert class_score([torch.full((50, 10), 0.1)]) == pytest.approx(1)


def test_it_is_the_entropy_of_all_less_the_mean_of_each() -> None:
    """The mean KL divergence from the mean is H(mean) - mean H, here by scipy."""
    probabilities = np.random.default_rng(0).dirichlet([0.3] * 6, 200)
    expected = math.exp(entropy(probabilities.mean(0)) - entropy(probabilities, axis=1).mean())
    found = torch.from_numpy(probabilities)
    assert class_score([found]) == pytest.approx(expected, rel=1e-9)
    assert class_score(blocks(found)) == pytest.approx(expected, rel=1e-9)


def test_the_row_has_the_ceiling_of_real_examples_beside_it() -> None:
    random = torch.Generator().manual_seed(0)
    real = certain(torch.randint(10, (500,), generator=random), 10)
    doubtful = 0.5 * real + 0.05
    row = scored(doubtful, real)
    assert (row.name, row.metric.better, row.count) == ("class_score", "high", 500)
    assert row.value is not None
    assert row.floor is not None
    assert 1 < row.value < row.floor <= 10
    assert row.floor == pytest.approx(10, rel=0.05)
    assert row.error is not None
    assert 0 < row.error < 0.1
